"""Weight classes by how badly validation rows of theirs are recognised, again at every look at these during training.

Class-wise difficulty (Sinha, Ohashi & Nakamura 2020, arXiv:2010.01824, eq. 3): w_c ∝ (1 - A_c)^`tau`, with A_c the
share of class c's validation rows that the present model gets right, one row more counted as wrong. A look is one
scoring of the validation rows, every `train.eval_every` steps (trees: every few rounds); so that weights do not swing,
the new ones are w_old^`memory` · w_new^(1 - `memory`), and the first ones 1. Weights multiply those of the rows.
Suggested values: tau .5-2, memory .9; tau 0 is off. Effect: weights change as training goes, so the prior is that of
the weights at the look that is kept, and no exact one. Validation labels weigh classes, as they stop and calibrate.
Combines badly with: `class_weights`, full resampling (both have balanced before it looks).
Published: better accuracy than other losses for imbalance, on images and video with long tails. Here: decisions by the
default rule change on some sets; with a rule tuned on validation rows, and in the order of rows, nothing is left of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FollowRecall:
    """Factors on the class weights from the recall of validation rows."""

    tau: float
    memory: float

    def __call__(self, logits: Tensor, y: Tensor, factors: Tensor) -> Tensor:
        classes = logits.shape[-1]
        rows, hits = (torch.zeros(classes, dtype=torch.float64, device=y.device) for _ in range(2))
        rows.index_add_(0, y, torch.ones_like(y, dtype=torch.float64))  # sums, for which no GPU has to stop and answer
        hits.index_add_(0, y, (logits.argmax(-1) == y).double())
        new = self.tau * (1 - hits / (rows + 1)).log()
        there = (rows > 0).double()
        new = torch.where(rows > 0, new, (new * there).sum() / there.sum())
        both = self.memory * factors.log() + (1 - self.memory) * (new - new.mean())
        return both.exp()


@dataclass(frozen=True)
class Adaptive(Strategy):
    """Class weights of `tau` (0 is off) that follow validation recall, smoothed by `memory`."""

    name = "adaptive"
    tau: float = 1.0
    memory: float = 0.9

    def __post_init__(self) -> None:
        if not (0 <= self.tau <= 5 and 0 <= self.memory < 1):
            raise ValueError(
                f"adaptive: expected tau in [0, 5] and memory in [0, 1), got tau={self.tau}, memory={self.memory}"
            )

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.tau == 0:
            return recipe
        return replace(recipe, steer=FollowRecall(self.tau, self.memory), prior_exact=False)
