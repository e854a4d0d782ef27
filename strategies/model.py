"""What a recipe and a strategy may know of a model: its name, what it takes of the data, how an estimator reports."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Takes:
    """What a model is given of each kind of column. The encoders give exactly that, fitted on the training rows.

    missing: numbers that are missing, as the median with an indicator beside it (`imputed`), or as NaN (`kept`).
    categories: one code a column, by name (`codes`) or by how frequent the category is (`frequent first`), both a
    categorical field; or a 0 or 1 for each category, a numeric field (`one-hot`).
    text: the tf-idf weights of its terms, a bag (`terms`), its words in their order (`tokens`), or the tokens of the
    pretrained encoder that `data.encoder` names (`subwords`).
    """

    missing: Literal["imputed", "kept"] = "imputed"
    categories: Literal["codes", "frequent first", "one-hot"] = "codes"
    text: Literal["terms", "tokens", "subwords"] = "terms"

    def key(self) -> dict[str, str]:
        """What differs from the defaults: all that goes into keys."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


class Model(Protocol):
    """A frozen dataclass of hyperparameters. How it is trained is the harness's business (`bench.models.registry`)."""

    name: ClassVar[str]
    version: ClassVar[int]
    has_encoder: ClassVar[bool]  # whether it has a representation that strategies can start from and compare in


class Watch(Protocol):
    """What an estimator reports its training to: it is scored as networks are, and told when to stop."""

    @property
    def over(self) -> bool:
        """Whether the recipe's patience is at its end."""
        ...

    def __call__(self, step: int, logits: Tensor, prior: Tensor) -> bool:
        """Score validation logits (n, C), which embody the class prior (C,), after so many steps.

        True where the score is the best so far. What it raises (pruning, outputs that are not finite) ends the fit.
        """
        ...
