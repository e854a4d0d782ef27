"""Repeat rows of the rarer classes: each epoch draws them again, with replacement.

After sampling, every class has at least `ratio` × (rows of the largest class); all original rows are kept and rows
are indices, never copies. The draw equals imbalanced-learn's RandomOverSampler in counts (Batista et al. 2004,
doi:10.1145/1007730.1007735). Suggested values: ratio 1 (balanced); 0 is off.
Effect: a prior shift. Ranking barely changes, raw probabilities of rare classes are inflated; correct them.
Combines badly with: `undersample` of the same ratio (the second finds nothing to do); full reweighting after it
counts the sampled rows, so that nothing is corrected twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawMore:
    """Keep all rows; add draws with replacement until each class has int(ratio × largest) rows."""

    ratio: float

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        labels = y[rows]
        counts = torch.bincount(labels)
        wanted = int(self.ratio * int(counts.max()))
        parts = [rows]
        for c in counts.nonzero().flatten().tolist():
            missing = wanted - int(counts[c])
            if missing > 0:
                mine = rows[labels == c]
                parts.append(mine[torch.randint(len(mine), (missing,), generator=generator)])
        return torch.cat(parts)


@dataclass(frozen=True)
class Oversample(Strategy):
    """Random oversampling to `ratio` (rarer / largest class, in [0, 1])."""

    name = "oversample"
    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"oversample ratio: expected a number in [0, 1], got {self.ratio}; 1 balances, 0 is off")

    def prepare(self, recipe: Recipe) -> Recipe:
        return recipe.resample(DrawMore(self.ratio))
