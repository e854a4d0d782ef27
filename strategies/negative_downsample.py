"""Keep a part of the most common class, and undo it exactly in the probabilities, as advertising systems do.

He et al. 2014, doi:10.1145/2648584.2648589, section 6.3: with a part w of the negatives kept, the model's p becomes
q = p / (p + (1 − p) / w). Here the kept rows are drawn anew each epoch, the most common class is the one thinned, and
the correction is one constant on its logit, so that it holds for any number of classes. Unlike `undersample` the rate
is given, not the ratio that results, and raw probabilities are right. Suggested values: rate .01-.3 where positives are
few in a thousand; 1 is off. Effect: none on the prior that predictions embody; epochs are shorter by 1 / w.
Combines badly with: `undersample` (both drop the same rows), weights that undo it.
Published: advertisements: the best normalised entropy where most of the negative rows, of which there are very many,
are left out. Here: its use is speed. Tables that are trained on whole in seconds have nothing to save, and nothing else
is gained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.spec import Predictor, Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


def _kept(rate: float, rows: int) -> int:
    """Rows of the common class in an epoch."""
    return max(1, round(rate * rows))


@dataclass(frozen=True)
class Thin:
    """Keep a part of one class, without replacement."""

    rate: float
    of: int  # the class

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        common = y[rows] == self.of
        mine = rows[common]
        if not len(mine):
            return rows
        kept = mine[torch.randperm(len(mine), generator=generator)[: _kept(self.rate, len(mine))]]
        return torch.cat([rows[~common], kept])


@dataclass(frozen=True)
class NegativeDownsample(Strategy):
    """Keep a part `rate` of the most common class (1 is off); predictions are corrected for it."""

    name = "negative_downsample"
    rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError(f"negative_downsample rate: expected a number in (0, 1], got {self.rate}; 1 is off")

    @property
    def shifts(self) -> bool:
        return self.rate < 1

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.rate == 1:
            return recipe
        return recipe.resample(Thin(self.rate, int(torch.bincount(recipe.train.y).argmax())))

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        if self.rate == 1:
            return predictor
        counts = torch.bincount(recipe.train.y, minlength=recipe.train.n_classes)
        common = int(counts.argmax())
        delta = torch.zeros(len(counts), dtype=torch.float64)
        delta[common] = math.log(int(counts[common]) / _kept(self.rate, int(counts[common])))
        return predictor.shift(delta)
