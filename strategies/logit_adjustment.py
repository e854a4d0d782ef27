"""Add τ log π to the logits in training, or take it away afterwards: aim at balanced accuracy instead of accuracy.

Menon et al. 2021, arXiv:2007.07314: `loss` is eq. 10, log Σ_c (π_c / π_y)^τ e^(z_c − z_y), whose logits then embody
the prior π^(1−τ); `posthoc` is eq. 9, argmax z_c − τ log π_c of a model trained as always. π is the class mass that
training sees, after any sampler and weights listed before. τ = 1 in `loss` is balanced softmax (Ren et al. 2020,
arXiv:2007.10740, eq. 4). Suggested values: τ 1; 0 is off. Effect: a prior shift, to uniform at τ = 1. With two
classes `posthoc` moves all scores alike, so that AUROC and average precision stay exactly what they were.
Combines badly with: full reweighting or balanced sampling after which π is uniform (nothing is left to adjust).
Published: a lower balanced error on four long-tailed sets of images. Here: a balanced error is one of decisions. It
moves the threshold, as a rule tuned on validation rows does; with two classes the order of rows cannot change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from strategies.spec import Predictor, Recipe, Strategy


@dataclass(frozen=True)
class LogitAdjustment(Strategy):
    """Adjust logits by `tau` times the log prior, in the `loss` or `posthoc`."""

    name = "logit_adjustment"
    owns = frozenset({"offset"})
    tau: float = 1.0
    mode: Literal["loss", "posthoc"] = "loss"

    def __post_init__(self) -> None:
        if not 0 <= self.tau <= 3:
            raise ValueError(f"logit_adjustment tau: expected a number in [0, 3], got {self.tau}; 1 in the paper")

    @property
    def shifts(self) -> bool:
        return self.mode == "posthoc" and self.tau > 0

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.mode == "posthoc" or self.tau == 0:
            return recipe
        offset = self.tau * recipe.mass().clamp_min(1e-9).log()
        # The bias starts at zero: with the offset the outputs then start at the prior, as those of other strategies.
        return recipe.change(offset=tuple(offset.tolist()), prior_bias=False)

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        if self.mode == "loss" or self.tau == 0:
            return predictor
        return predictor.shift(-self.tau * predictor.prior.log())
