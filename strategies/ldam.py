"""A margin for each class, the larger the rarer: rare classes must be right by more (LDAM).

Cao et al. 2019, arXiv:1906.07413, eq. 12 and 13: cross entropy of s (cos θ_c − Δ_c [c = y]) with Δ_c ∝ n_c^(−1/4),
the largest of them `max_margin`; θ is the angle between encoding and class direction (a cosine head of scale s). n_c
counts the rows of one epoch. `deferred` (DRW, algorithm 1) adds a second stage from the first one's parameters, with
effective-number weights of `beta`; it has the same budget once more, which the record charges.
Suggested values: max_margin .5, scale 30, beta .9999 in the paper. Effect: no prior shift, prior correction is not
exact: read the recalibrated view. Combines badly with: any other loss, head or start (`focal`, `transfer`).
Published: less error on long-tailed images and on reviews, whose test classes are equally large. Here: test rows keep
their prior; the order of rows is no better, and with scale 30 probabilities as they come are far off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from strategies.class_weights import class_weights
from strategies.spec import CosineHead, Recipe, Strategy, Training, negative_at, per_row

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MarginLoss:
    """Cross entropy after the output of the true class is lowered by its margin (C numbers, in units of outputs)."""

    prior_exact: ClassVar[bool] = False
    margins: tuple[float, ...] | Tensor = ()

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        margins = torch.as_tensor(self.margins, dtype=outputs.dtype, device=outputs.device)
        true = torch.zeros_like(outputs).scatter(-1, targets.unsqueeze(-1), 1.0)
        return negative_at((outputs - true * margins).log_softmax(-1), targets)


@dataclass(frozen=True)
class Ldam(Strategy):
    """Label-distribution-aware margins of at most `max_margin` (0 is off), optionally with `deferred` weights."""

    name = "ldam"
    owns = frozenset({"loss", "head", "init"})
    needs_encoder = True
    max_margin: float = 0.5
    scale: float = 30.0
    deferred: bool = True
    beta: float = 0.9999

    def __post_init__(self) -> None:
        if not (0 <= self.max_margin <= 2 and self.scale > 0 and 0 <= self.beta < 1):
            raise ValueError(
                "ldam: expected max_margin in [0, 2], scale > 0 and beta in [0, 1), "
                f"got max_margin={self.max_margin}, scale={self.scale}, beta={self.beta}"
            )

    def margins(self, recipe: Recipe) -> tuple[float, ...]:
        """Δ per class, in units of the cosine."""
        counts = recipe.mass_in_rows().clamp_min(1)
        inverse = counts**-0.25
        return tuple((self.max_margin * inverse / inverse.max()).tolist())

    def fits(self) -> tuple[int, int]:
        return 0, 2 if self.deferred and self.max_margin else 1

    def train(self, recipe: Recipe) -> Training:
        if self.max_margin == 0:
            return (yield [recipe])[0]
        loss = MarginLoss(tuple(self.scale * m for m in self.margins(recipe)))
        treated = recipe.change(loss=loss, head=CosineHead(scale=self.scale))
        (first,) = yield [treated]
        if not self.deferred:
            return first
        weights = per_row(class_weights(recipe.mass_in_rows(), "effective_number", self.beta), recipe.train.y)
        (second,) = yield [treated.reweight(weights).change(init=first, keep_head=True)]
        return second
