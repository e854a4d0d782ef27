"""Drop rows of the commoner classes: keep a random part of them, redrawn each epoch or once.

After sampling, no class has more than (rows of the rarest class) / `ratio`; kept rows are drawn without replacement,
as imbalanced-learn's RandomUnderSampler. With `redraw: epoch` every row is seen sooner or later; with `once` the
dropped rows are lost, as in the classical method (Kubat & Matwin 1997). Suggested values: ratio 1 (balanced) for
speed, .1-.5 to keep information; 0 is off. Effect: a prior shift, and fewer distinct rows an epoch.
Combines badly with: `oversample` listed before it at ratio 1 (nothing is left to drop).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from strategies.parts.by_class import rows_by_class
from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawFewer:
    """Keep at most int(rarest / ratio) rows of each class, without replacement."""

    ratio: float
    seed: int | None = None  # given: the same draw every epoch

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed)
        classes = rows_by_class(rows, y).values()
        cap = int(min(map(len, classes)) / self.ratio)
        return torch.cat(
            [
                mine[torch.randperm(len(mine), generator=generator)[:cap]] if len(mine) > cap else mine
                for mine in classes
            ]
        )


@dataclass(frozen=True)
class Undersample(Strategy):
    """Random undersampling to `ratio` (rarest / commoner class, in [0, 1]; 0 is off)."""

    name = "undersample"
    ratio: float = 1.0
    redraw: Literal["epoch", "once"] = "epoch"

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"undersample ratio: expected a number in [0, 1], got {self.ratio}; 1 balances, 0 is off")

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.ratio == 0:
            return recipe
        seed = recipe.generator("undersample").initial_seed() if self.redraw == "once" else None
        return recipe.resample(DrawFewer(self.ratio, seed))
