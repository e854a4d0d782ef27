"""Make the directions of the last layer equally long after training, so that frequent classes lose their head start.

Kang et al. 2020, arXiv:1910.09217, eq. 5: z_c = w_c · f / ‖w_c‖^τ, without the bias, where f is the encoding; trained
without balancing, the w_c of frequent classes are longer. Nothing is trained anew, so it costs no fit. Lengths are
taken relative to their geometric mean, which changes the temperature alone. Suggested values: tau .5-1; 0 is off.
Effect: no prior shift: as prior counts the mean prediction on training rows, which correction can only make roughly
right. Combines badly with: `logit_adjustment`, `balanced_softmax`, balanced sampling (they have balanced it already).
Strategies that add to the logits afterwards (`cost_sensitive`, `negative_downsample`) are listed before it.
Published: on long-tailed images nearly as accurate as a new classifier (`crt`), without training. Here: it moves the
threshold: the order of rows and decisions by a tuned rule are those of `none`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.predictor import Derived, Predictor
from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor

    from strategies.spec import Features

_ROWS = 20_000  # of the training split, of which predictions are averaged


@dataclass(frozen=True, eq=False)
class Normalised(Derived):
    """`base` without its bias, each logit times a factor (C,) of its own."""

    base: Predictor
    factors: Tensor
    bias: Tensor
    prior: Tensor
    prior_exact: bool = False

    def logits(self, x: Features) -> Tensor:
        return (self.base.logits(x).double() - self.bias) * self.factors


@dataclass(frozen=True)
class TauNorm(Strategy):
    """τ-normalised classifier with `tau` (0 is off)."""

    name = "tau_norm"
    needs_encoder = True
    tau: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.tau <= 2:
            raise ValueError(f"tau_norm tau: expected a number in [0, 2], got {self.tau}; up to 1 in the paper")

    @property
    def forgets_shifts(self) -> bool:
        return self.tau > 0

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        if self.tau == 0:
            return predictor
        weight, bias = (part.double() for part in predictor.head())
        length = weight.norm(dim=0).clamp_min(1e-12).log()
        factors = (-self.tau * (length - length.mean())).exp()
        made = Normalised(predictor, factors, bias, predictor.prior)
        rows = torch.randperm(len(recipe.train), generator=recipe.generator("tau"))[:_ROWS]
        seen = made.logits(recipe.train.x.take(rows)).softmax(-1).mean(0).clamp_min(1e-9)
        return Normalised(predictor, factors, bias, seen / seen.sum())
