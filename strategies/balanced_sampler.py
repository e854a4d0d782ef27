"""Draw the class first, then a row of it: an epoch holds each class in proportion to (its rows)^`power`.

Kang et al. 2020, arXiv:1910.09217, eq. 1: p_c ∝ n_c^q with q = 0 class-balanced, q = 1/2 square-root, q = 1 as the data
are. An epoch has as many rows as the table; rows are drawn with replacement, so that (unlike `oversample`) common
rows are left out in turn. n_c counts the rows that any sampler listed before has left.
`progressive` (their eq. 2, progressively-balanced): p_c(t) = (1 − t/T) n_c/N + (t/T) p_c, from the data's own shares to
those of `power`, T = `progressive` times the budget of steps (of trees: rounds); 0: balanced from the start, 1 is the
paper's. Fits that stop improving end before their budget, so that small values let the end be seen. Then the prior is
that of the look which is kept (one scoring of the validation rows), and no exact one.
Suggested values: power 0 or .5; 1 is off; progressive 0 or .05-.3. Effect: a prior shift; raw probabilities of rare
classes are inflated.
Combines badly with: `oversample`, `undersample` (both decide how many rows of a class are drawn; the later one wins).
Published: higher accuracy on the rare classes of long-tailed images, lower on the common ones; the representation is
better learnt on the data as they are. Here: it moves the threshold: by the default rule rare rows are called more
often; with a tuned rule, and in the order of rows, nothing is gained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from strategies.parts.by_class import rows_by_class
from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawByClass:
    """As many rows as there are, ∝ n_c^power of each class: at least one, drawn with replacement within the class.

    `way`: how much of the way from the shares that the rows have to these.
    """

    power: float
    way: float = 1.0

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        classes = list(rows_by_class(rows, y).values())
        shares = torch.tensor([len(mine) for mine in classes], dtype=torch.float64) ** self.power
        wanted = len(rows) * shares / shares.sum()
        if self.way < 1:
            own = torch.tensor([len(mine) for mine in classes], dtype=torch.float64)
            wanted = self.way * wanted + (1 - self.way) * own
        drawn = zip(classes, wanted.round().long().clamp_min(1).tolist(), strict=True)
        return torch.cat([mine[torch.randint(len(mine), (n,), generator=generator)] for mine, n in drawn])


@dataclass(frozen=True)
class DrawTowards:
    """From the rows' own shares of classes to those of `power`, while the share `over` of the budget passes."""

    power: float
    over: float

    def at(self, progress: float) -> DrawByClass:
        """The draws of a moment."""
        return DrawByClass(self.power, min(1.0, progress / self.over))

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return DrawByClass(self.power)(rows, y, generator)


@dataclass(frozen=True)
class BalancedSampler(Strategy):
    """Class-balanced (`power` 0), square-root (.5) or progressively balanced sampling."""

    name = "balanced_sampler"
    power: float = 0.0
    progressive: float = 0.0  # share of the budget in which the draws go from natural to these; 0: from the start

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise ValueError(f"balanced_sampler power: expected a number in [0, 1], got {self.power}; 1 is off")
        if not 0 <= self.progressive <= 1:
            raise ValueError(
                f"balanced_sampler progressive: expected a share of the budget in [0, 1], got {self.progressive}; "
                "0: balanced from the start"
            )

    @property
    def evens_out(self) -> bool:
        return self.power == 0 and self.progressive == 0

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.power == 1:
            return recipe
        if not self.progressive:
            return recipe.resample(DrawByClass(self.power))
        return replace(recipe.resample(DrawTowards(self.power, self.progressive)), prior_exact=False)
