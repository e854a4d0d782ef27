"""Logistic regression, trained by the same steps as every other model: logits linear in the encoded features.

Its optimum is scikit-learn's `LogisticRegression(C=1/l2)` on the same encoding: the loss is the mean over rows plus
`l2`/rows times ½‖w‖² (two classes have two weight vectors w0 = -w1, so that their penalty counts twice).
`l1` adds `l1`/rows times ‖w‖₁ (Tibshirani 1996; both together: elastic net): weights of columns that say little go
towards zero. Steps follow a subgradient, so that they come near it and not to it: to leave a column out, drop it.
No representation: strategies that start from or compare in one do not apply.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from strategies.spec import CosineHead, Field, Inapplicable, LinearHead

if TYPE_CHECKING:
    from bench.models.parts.network import MemberSettings, Network


@dataclass(frozen=True, kw_only=True)
class Linear:
    """`l2` and `l1`: strengths of the penalties in scikit-learn's units (1/C)."""

    name: ClassVar[str] = "linear"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = False
    l2: float = 0.3
    l1: float = 0.0

    def __post_init__(self) -> None:
        if self.l2 < 0:
            raise ValueError(f"model linear: expected l2 >= 0, got {self.l2}; it is 1/C of scikit-learn")
        if self.l1 < 0:
            raise ValueError(f"model linear: expected l1 >= 0, got {self.l1}; 0 is off")

    def build_stack(
        self, members: int, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int
    ) -> Network:
        """A network of K members without encoder."""
        from bench.models.parts.layers import LinearLogits  # noqa: PLC0415 - torch; a plan reads the fields only
        from bench.models.parts.network import Network  # noqa: PLC0415

        if isinstance(head, CosineHead):
            raise Inapplicable("model linear has no encoding to compare by cosine; use model=mlp")
        return Network(None, LinearLogits(members, schema, head.out or n_classes))

    def stacks_with(self) -> Hashable:
        """Everything stacks."""
        return self.name

    def member_settings(self, n_classes: int, rows: int) -> MemberSettings:
        """The penalties; `rows` is the number of training rows."""
        from bench.models.parts.network import MemberSettings  # noqa: PLC0415 - torch

        # Of w = w1 - w0, ‖w‖₁ is ‖w0‖₁ + ‖w1‖₁ where signs differ, as they do at the optimum: it counts once.
        return MemberSettings(penalty=(2.0 if n_classes == 2 else 1.0) * self.l2 / rows, lasso=self.l1 / rows)
