"""Turn down the easy rows of the common class more than those of the others, and leave out the very easy ones (ASL).

Ridnik et al. 2021, arXiv:2009.14119, eq. 7: with q = 1 - p_t, the probability that a row's class is missed, the loss
is (q - m)_+^γ · -log(1 - (q - m)_+), with `gamma_negative` and the shift m = `margin` for negative rows,
`gamma_positive` and no shift for positive ones. Two classes: the paper's loss of one label. More: negative are the
rows of the largest class, positive all others. All three 0 is cross entropy exactly. Suggested values: gamma_negative
4, gamma_positive 0 or 1, margin .05 in the paper. Effect: no prior shift, prior correction is not exact: read the
recalibrated view. Combines badly with: any other loss (`focal`, `ldam`); strong reweighting (negatives are turned down
already).
Published: a higher mean average precision on images that may have many labels and have few (MS-COCO and others). Here:
it moves the threshold: the order of rows and decisions by a tuned rule are no better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.spec import Recipe, Strategy, negative_at

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-12  # of a shifted probability, where its power is taken


@dataclass(frozen=True)
class AsymmetricLoss:
    """Focal loss with an exponent and a shift for each class (C numbers each)."""

    gammas: tuple[float, ...] | Tensor = ()
    margins: tuple[float, ...] | Tensor = ()

    @property
    def prior_exact(self) -> bool:
        numbers = [v for part in (self.gammas, self.margins) if isinstance(part, tuple) for v in part]
        return bool(numbers) and not any(numbers)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        log_p = outputs.log_softmax(-1)
        at = targets.unsqueeze(-1)
        true = torch.zeros_like(outputs).scatter(-1, at, 1.0)
        gammas, margins = (
            torch.as_tensor(v, dtype=log_p.dtype, device=log_p.device) for v in (self.gammas, self.margins)
        )
        gamma, margin = (true * gammas).sum(-1), (true * margins).sum(-1)
        log_miss = log_p.scatter(-1, at, float("-inf")).logsumexp(-1)
        plain = (gamma * log_miss).exp() * negative_at(log_p, targets)
        left = (log_miss.exp() - margin).clamp(0, 1 - 1e-6)
        shifted = (gamma * left.clamp_min(_LEAST).log()).exp() * -torch.log1p(-left)
        return torch.where(margin > 0, shifted, plain)


@dataclass(frozen=True)
class Asymmetric(Strategy):
    """Asymmetric loss: an exponent for negative rows, one for the others, and a shift of negative rows."""

    name = "asymmetric"
    owns = frozenset({"loss"})
    gamma_negative: float = 4.0
    gamma_positive: float = 0.0
    margin: float = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.gamma_negative <= 10 and 0 <= self.gamma_positive <= 10 and 0 <= self.margin < 1):
            raise ValueError(
                "asymmetric: expected gamma_negative and gamma_positive in [0, 10] and margin in [0, 1), got "
                f"gamma_negative={self.gamma_negative}, gamma_positive={self.gamma_positive}, margin={self.margin}"
            )

    def prepare(self, recipe: Recipe) -> Recipe:
        classes = recipe.train.n_classes
        counts = torch.bincount(recipe.train.y, minlength=classes)
        negative = 0 if classes == 2 else int(counts.argmax())
        gammas = tuple(self.gamma_negative if c == negative else self.gamma_positive for c in range(classes))
        margins = tuple(self.margin if c == negative else 0.0 for c in range(classes))
        return recipe.change(loss=AsymmetricLoss(gammas, margins))
