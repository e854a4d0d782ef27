"""Draw the class first, then a row of it: an epoch holds each class in proportion to (its rows)^`power`.

Kang et al. 2020, arXiv:1910.09217, eq. 1: p_c ∝ n_c^q with q = 0 class-balanced, q = 1/2 square-root, q = 1 as the data
are. An epoch has as many rows as the table; rows are drawn with replacement, so that (unlike `oversample`) common
rows are left out in turn. n_c counts the rows that any sampler listed before has left.
Suggested values: power 0 or .5; 1 is off. Effect: a prior shift; raw probabilities of rare classes are inflated.
Combines badly with: `oversample`, `undersample` (both decide how many rows of a class are drawn; the later one wins).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.parts.by_class import rows_by_class
from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawByClass:
    """As many rows as there are, ∝ n_c^power of each class: at least one, drawn with replacement within the class."""

    power: float

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        classes = list(rows_by_class(rows, y).values())
        shares = torch.tensor([len(mine) for mine in classes], dtype=torch.float64) ** self.power
        wanted = (len(rows) * shares / shares.sum()).round().long().clamp_min(1).tolist()
        drawn = zip(classes, wanted, strict=True)
        return torch.cat([mine[torch.randint(len(mine), (n,), generator=generator)] for mine, n in drawn])


@dataclass(frozen=True)
class BalancedSampler(Strategy):
    """Class-balanced (`power` 0) or square-root (.5) sampling."""

    name = "balanced_sampler"
    power: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise ValueError(f"balanced_sampler power: expected a number in [0, 1], got {self.power}; 1 is off")

    def prepare(self, recipe: Recipe) -> Recipe:
        return recipe if self.power == 1 else recipe.resample(DrawByClass(self.power))
