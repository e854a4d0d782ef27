"""Give rare groups (a country, an item, a style) more say: rows weigh, or are drawn, in proportion to n_g^(−power).

n_g counts the rows of a group in an epoch (data.group, with data.group_split=false where groups are in every part),
after samplers and weights listed before. power 1 gives every group the same mass, 0 is off. `draw` draws rows with
replacement, as many as there were, instead of weighting them: a weight of a hundred on one row is then a hundred visits
(group-balanced weights and samples: Sagawa et al. 2020, arXiv:1911.08731, section 4; Idrissi et al. 2022,
arXiv:2110.14503).
Suggested values: power .5. Effect: not a pure prior shift, as rows of a class are not treated alike; use recalibrated
probabilities. Skipped where the data have no groups.
Combines badly with: `importance_weighted` (both weigh rows of a class apart).
Published: a higher accuracy on the worst group of images and texts, if regularised strongly. Here: in the order of all
rows it costs (results/published/ablation-apparel). Its purpose is the worst group: boards of data with groups show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from strategies.spec import Inapplicable, Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _DrawByGroup:
    """As many rows as there are, each ∝ n_g^(−power) of its group among the rows so far, with replacement."""

    power: float
    group: Tensor = field(compare=False, repr=False)  # of the training rows, which recipes compare by identity

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        share = _group_factors(self.group, rows, None, self.power)[rows]
        return rows[torch.multinomial(share, len(rows), replacement=True, generator=generator)]


def _group_factors(group: Tensor, rows: Tensor, weight: Tensor | None, power: float) -> Tensor:
    """n_g^(−power) of the group of each training row (n,), float64, from the rows of an epoch and weights (n,) or None.

    A group that is not drawn counts as half a row.
    """
    _, at = torch.unique(group, return_inverse=True)
    mass = torch.ones(len(rows), dtype=torch.float64) if weight is None else weight[rows] / weight[rows].mean()
    total = torch.zeros(int(at.max()) + 1, dtype=torch.float64).index_add_(0, at[rows], mass.double())
    return total.clamp_min(0.5)[at] ** -power


@dataclass(frozen=True)
class GroupBalance(Strategy):
    """Balance of groups by `power`, by weights or by `draw`ing rows."""

    name = "group_balance"
    power: float = 0.5
    draw: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise ValueError(f"group_balance power: expected a number in [0, 1], got {self.power}; 0 is off")

    def prepare(self, recipe: Recipe) -> Recipe:
        group, weight = recipe.train.group, recipe.train.weight
        if self.power == 0:
            return recipe
        if group is None:
            raise Inapplicable("group_balance: these data have no groups; name their column with data.group")
        if self.draw:
            return recipe.resample(_DrawByGroup(self.power, group)).change(prior_exact=False)
        rows = recipe.epoch(recipe.generator("mass"))
        return recipe.reweight(_group_factors(group, rows, weight, self.power)).change(prior_exact=False)
