"""Focal loss, -α_t (1 - p_t)^γ log p_t: turn down the rows that are already right.

Lin et al. 2017, arXiv:1708.02002, eq. 5. p_t is the probability of the true class. α is the weight of the positive
class and 1 - α of the other; for more classes one weight each, or `auto`: inverse frequency. α multiplies the row
weights, whose mean over the rows drawn is 1 (a constant factor that AdamW does not see). γ = 0 without α is cross
entropy exactly. `class_balanced`: effective numbers of `beta` instead (Cui et al. 2019, arXiv:1901.05555, eq. 5).
Suggested values: γ 2, α .25 in the paper (on the *positive* class, low because γ has already turned
the negatives down); tune both. Effect: not a prior shift for γ > 0, so that prior correction is not exact: read the
recalibrated view. Combines badly with: any other loss (`ldam`, `asymmetric`); strong reweighting on top of `auto`.
Published: a detector in one stage that is as accurate as those of two, where nearly all of some 100,000 candidates an
image are easy background. Here: tables have no such mass of easy rows; with the paper's numbers or tuned, no aspect was
shown to be better; where the truth is known, the order of rows was worse (results/published/regret).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from strategies.class_weights import class_weights
from strategies.spec import Recipe, Strategy, negative_at, per_row

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FocalLoss:
    """-(1 - p_t)^γ log p_t per row, with finite values and gradients for any finite logits and γ in [0, 5]."""

    gamma: float | Tensor = 2.0

    @property
    def prior_exact(self) -> bool:
        return not isinstance(self.gamma, torch.Tensor) and self.gamma == 0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        log_p = outputs.log_softmax(-1)
        at = targets.unsqueeze(-1)
        # log(1 - p_t) as the log-sum-exp of the other classes: exact when p_t rounds to 1, where log(1 - p) is -inf.
        log_miss = log_p.scatter(-1, at, float("-inf")).logsumexp(-1)
        return (self.gamma * log_miss).exp() * negative_at(log_p, targets)

    def in_log_p(self, p: Tensor, q: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """First and second derivative in log p_t (p: p_t, q: 1 - p_t), as of `CrossEntropy`."""
        if self.prior_exact:
            return -1.0, 0.0
        # power is q^γ; ratio is log p_t over q: where p_t is tiny, and 1 - q rounded, nothing hangs on it.
        power = q.log().mul_(self.gamma).exp_() if self.gamma != 2 else q * q
        ratio = q.clamp(max=1 - torch.finfo(q.dtype).eps).neg_().log1p_().div_(q)
        part = self.gamma * p
        first = (part * ratio).sub_(1).mul_(power)  # power · (part · ratio - 1)
        # power / q · part · ((1 - part) · ratio + 2); in place, as trees ask at every one of hundreds of rounds
        return first, power.div_(q).mul_(part).mul_((1 - part).mul_(ratio).add_(2))


@dataclass(frozen=True)
class Focal(Strategy):
    """Focal loss with `gamma` and optional class weights `alpha`."""

    name = "focal"
    owns = frozenset({"loss"})
    gamma: float = 2.0
    alpha: float | Literal["auto", "class_balanced"] | tuple[float, ...] | None = None
    beta: float = 0.999  # of class_balanced
    prior_bias: bool = True  # start the head's bias at the prior, as the paper does

    def __post_init__(self) -> None:
        if not 0 <= self.gamma <= 10:
            raise ValueError(f"focal gamma: expected a number in [0, 10], got {self.gamma}; the paper uses 2")
        numbers = (self.alpha,) if isinstance(self.alpha, float | int) else self.alpha
        if isinstance(numbers, tuple) and not all(0 < a < 1 for a in numbers):
            raise ValueError(
                f"focal alpha: expected numbers in (0, 1), 'auto', 'class_balanced' or null, got {self.alpha}"
            )
        if not 0 <= self.beta < 1:
            raise ValueError(f"focal beta: expected a number in [0, 1), got {self.beta}")

    def weights(self, recipe: Recipe) -> Tensor | None:
        """α per class (C,), or None."""
        classes = recipe.train.n_classes
        if self.alpha is None:
            return None
        if self.alpha == "auto":
            return class_weights(recipe.mass() * len(recipe.train), "inverse")
        if self.alpha == "class_balanced":
            return class_weights(recipe.mass_in_rows(), "effective_number", self.beta)
        alpha = self.alpha
        if not isinstance(alpha, tuple):
            alpha = (1 - alpha, alpha) if classes == 2 else ()
        if len(alpha) != classes:
            raise ValueError(
                f"focal alpha: expected 'auto', null or a list of {classes} numbers, one per class, got {self.alpha}"
            )
        return torch.tensor(alpha, dtype=torch.float64)

    def prepare(self, recipe: Recipe) -> Recipe:
        alpha = self.weights(recipe)
        if alpha is not None:
            recipe = recipe.reweight(per_row(alpha, recipe.train.y))
        return recipe.change(loss=FocalLoss(self.gamma), prior_bias=self.prior_bias)
