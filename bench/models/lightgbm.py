"""Gradient-boosted trees by LightGBM, under the same strategies, draws, scores and records as networks.

A step is a round: one tree, or one for each of several classes. Rows are drawn anew for each round; rounds end when
validation has not improved for `patience` of them, and those up to the best look are kept (a look is one scoring of the
validation rows). Trees split numbers with their gaps, categories in order of frequency, and the weights of terms.
Settings are LightGBM's by its names (Ke et al. 2017); no setting depends on the scale of a loss, so that a loss and
eight times that loss are one model. How the defaults were chosen: results/data/trees-study.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from strategies.model import Takes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from bench.models.registry import Honoured
    from strategies.model import Watch
    from strategies.spec import Field, Predictor, Recipe


@dataclass(frozen=True, kw_only=True)
class LightGBM:
    """`learning_rate` of each tree, its `num_leaves` and `min_data_in_leaf` rows, the share `feature_fraction` of
    columns that it sees, `max_bin` values of a column told apart; at most `max_trees` rounds, `patience` of them
    without improvement, a look every `look_every` rounds."""

    name: ClassVar[str] = "lightgbm"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = False
    honours: ClassVar[frozenset[Honoured]] = frozenset({"weight", "sampler", "loss", "offset", "steer"})
    budget: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[Takes] = Takes(missing="kept", categories="frequent first")
    learning_rate: float = 0.05
    num_leaves: int = 7
    min_data_in_leaf: int = 20
    feature_fraction: float = 0.5
    max_bin: int = 255
    max_trees: int = 2000
    patience: int = 100
    look_every: int = 5

    def __post_init__(self) -> None:
        counts = (self.min_data_in_leaf, self.max_trees, self.patience, self.look_every)
        if min(counts) < 1 or self.num_leaves < 2 or self.max_bin < 2:
            raise ValueError(f"model lightgbm: expected num_leaves and max_bin >= 2, other counts >= 1, got {self}")
        if not 0 < self.learning_rate <= 1 or not 0 < self.feature_fraction <= 1:
            raise ValueError(f"model lightgbm: expected learning_rate and feature_fraction in (0, 1], got {self}")
        if find_spec("lightgbm") is None:
            raise ValueError(
                "model lightgbm: expected the package lightgbm, which is not installed; pip install 'imbench[trees]'"
            )

    def fit(self, recipe: Recipe, watch: Watch) -> Predictor:
        """Boosted trees for a recipe; `watch` scores every look.

        Raises:
            Inapplicable: the table has a field that trees cannot split.
        """
        from bench.models.parts.boosting import boost  # noqa: PLC0415 - torch and LightGBM; a plan reads the fields only

        return boost(self, recipe, watch)

    def to_parts(self, predictor: Predictor) -> Mapping[str, Tensor | str]:
        """The trees as LightGBM writes them, and the logits (C,) that they start from."""
        from bench.models.parts.boosting import BoostedTrees  # noqa: PLC0415

        assert isinstance(predictor, BoostedTrees)
        return {"trees": predictor.text, "start": predictor.start}

    def from_parts(self, parts: Mapping[str, Tensor | str], prior: Tensor, *, prior_exact: bool) -> Predictor:
        """The trees again."""
        from bench.models.parts.boosting import BoostedTrees  # noqa: PLC0415
        from strategies.predictor import Cost  # noqa: PLC0415

        text, start = parts["trees"], parts["start"]
        assert isinstance(text, str)
        assert not isinstance(start, str)
        return BoostedTrees(text=text, start=start, prior=prior, prior_exact=prior_exact, cost=Cost())

    def resolved(self, schema: tuple[Field, ...]) -> dict[str, object]:
        """Whose trees these are, for the record."""
        return {"lightgbm": version("lightgbm")}
