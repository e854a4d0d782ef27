"""Decide by what mistakes cost: the logits of the positive class moved by log(false_negative / false_positive).

A trained model calls a row positive where p / (1 - p) exceeds c_fp / c_fn (Elkan 2001, theorem 1, with right decisions
that cost nothing). Nothing is trained in another way: scores keep their order, prior correction takes the shift out
again, and only decisions at the default rule change. What training by costs would do besides is `class_weights`.
Suggested values: the real costs; equal ones are off. Effect: a prior shift, of odds by false_negative / false_positive.
Of several classes, missing a row of any but the commonest costs `false_negative` (costs by true class: Zhou & Liu 2010,
doi:10.1111/j.1467-8640.2010.00358.x). Costs that differ from row to row are no strategy's: data.cost says them.
Combines badly with: `logit_adjustment` posthoc, balanced samplers and weights (odds are moved twice).
Published: a theorem and no experiment: least expected cost where the probabilities are right. Here: it is made to move
the default rule alone; the order of rows and decisions by a tuned rule are those of `none`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from strategies.spec import Predictor, Recipe, Strategy


@dataclass(frozen=True)
class CostSensitive(Strategy):
    """Costs of a `false_negative` and a `false_positive`."""

    name = "cost_sensitive"
    false_negative: float = 10.0
    false_positive: float = 1.0

    def __post_init__(self) -> None:
        if not (self.false_negative > 0 and self.false_positive > 0):
            raise ValueError(
                "cost_sensitive: expected costs above 0, "
                f"got false_negative={self.false_negative}, false_positive={self.false_positive}"
            )

    @property
    def shifts(self) -> bool:
        return self.false_negative != self.false_positive

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        ratio = math.log(self.false_negative / self.false_positive)
        if ratio == 0:
            return predictor
        moved = torch.full((recipe.train.n_classes,), ratio, dtype=torch.float64)
        common = torch.bincount(recipe.train.y, minlength=recipe.train.n_classes).argmax()
        moved[0 if recipe.train.n_classes == 2 else common] = 0.0
        return predictor.shift(moved)
