"""Weight each row's loss by its class: w_c, scaled so that the mean weight of the rows drawn is 1.

`inverse` w_c = N / (C n_c) (King & Zeng 2001; scikit-learn's "balanced"); `sqrt` its square root;
`effective_number` w_c = (1 - β) / (1 - β^n_c) (Cui et al. 2019, arXiv:1901.05555, the class-balanced term):
β → 0 gives no weights, β → 1 gives `inverse`.
n_c counts the rows of one epoch after any sampler listed before, so weights on balanced samples are 1.
Suggested values: `sqrt` or β in .9 … .9999 when `inverse` is too strong. Effect: a prior shift; ranking barely
changes, raw probabilities of rare classes are inflated. Combines badly with: importance of the same classes.
Published: unbiased coefficients where rows were sampled by their label; effective numbers: higher accuracy on
long-tailed images. Here: it moves the threshold: decisions by the default rule change; with a tuned rule, and in the
order of rows, nothing is gained that was shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from strategies.spec import Recipe, Strategy, per_row

if TYPE_CHECKING:
    from torch import Tensor


def class_weights(
    counts: Tensor, scheme: Literal["inverse", "sqrt", "effective_number"], beta: float = 0.999
) -> Tensor:
    """w_c (C,), float64, with mean 1 over the rows counted; 0 for classes without rows.

    Args:
        counts: rows per class (C,), any non-negative numbers.
        scheme: the formula, see the module.
        beta: in [0, 1), for `effective_number` only.
    """
    n = counts.double()
    present = n > 0
    if scheme == "effective_number":
        # 1 - β^n by expm1: exact where β is close to 1, and where it is 0.
        log_beta = torch.tensor(beta, dtype=torch.float64).log()
        weights = (1 - beta) / -torch.expm1(log_beta * n.clamp_min(1e-9))
    else:
        weights = n.clamp_min(1e-9) ** (-1.0 if scheme == "inverse" else -0.5)
    weights = torch.where(present, weights, torch.zeros_like(weights))
    return weights * n.sum() / (weights * n).sum()


@dataclass(frozen=True)
class ClassWeights(Strategy):
    """Cost-sensitive learning by class."""

    name = "class_weights"
    scheme: Literal["inverse", "sqrt", "effective_number"] = "inverse"
    beta: float = 0.999

    def __post_init__(self) -> None:
        if not 0 <= self.beta < 1:
            raise ValueError(f"class_weights beta: expected a number in [0, 1), got {self.beta}")

    def prepare(self, recipe: Recipe) -> Recipe:
        counts = recipe.mass_in_rows()
        return recipe.reweight(per_row(class_weights(counts, self.scheme, self.beta), recipe.train.y))
