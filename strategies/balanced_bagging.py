"""Average several models, each on a bootstrap sample with equally many rows of every class.

Each member draws, once for all its epochs and with replacement, as many rows of each class as the rarest has: the
"exactly balanced" bagging beside which Hido, Kashima & Takahashi 2009, doi:10.1002/sam.10061, set a rough one, whose
number of common rows varies. imbalanced-learn's BalancedBaggingClassifier draws alike, only that a member's size is the
rarest class's number in a bootstrap of the whole table, not in the table. Probabilities are averaged. Costs `members`
fits. Suggested values: members 5-20; 0 is off. Effect: a prior shift, to uniform.
Combines badly with: `undersample`, `oversample`, `balanced_sampler` listed after it (they would draw again).
Published: the rough form has a higher AUROC than this exact one, and than other ensembles. Here: a member sees as many
rows of a class as the rarest has: where these are some tens (car-good: 69) too few are left, most of all for trees,
whose leaves hold 20 rows at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.parts.by_class import rows_by_class
from strategies.parts.ensemble import ensemble
from strategies.spec import Recipe, Strategy, Training

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Bootstrap:
    """The same draw every epoch: of each class as many rows as the rarest has, with replacement."""

    seed: int

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        own = torch.Generator().manual_seed(self.seed)
        classes = rows_by_class(rows, y).values()
        fewest = min(map(len, classes))
        return torch.cat([mine[torch.randint(len(mine), (fewest,), generator=own)] for mine in classes])


@dataclass(frozen=True)
class BalancedBagging(Strategy):
    """`members` models on balanced bootstrap samples."""

    name = "balanced_bagging"
    members: int = 5

    def __post_init__(self) -> None:
        if self.members < 0:
            raise ValueError(f"balanced_bagging members: expected a number >= 0 (0 is off), got {self.members}")

    @property
    def evens_out(self) -> bool:
        return self.members > 0

    def fits(self) -> tuple[int, int]:
        return 0, max(1, self.members)

    def train(self, recipe: Recipe) -> Training:
        return ensemble(recipe, self.name, self.members, Bootstrap)
