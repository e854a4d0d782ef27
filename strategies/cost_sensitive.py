"""Decide by what mistakes cost: the logits of the positive class moved by log(false negative / false positive).

A trained model calls a row positive where p / (1 - p) exceeds c_fp / c_fn (Elkan 2001, theorem 1, with right decisions
that cost nothing). Nothing is trained in another way: scores keep their order, prior correction takes the shift out
again, and only decisions at the default rule change. What training by costs would do besides is `class_weights`.
Suggested values: the real costs; equal ones are off. Effect: a prior shift, of odds by false_negative / false_positive.
For two classes. Costs that differ from row to row are no strategy's: say them of the data (data.cost).
Combines badly with: `logit_adjustment` posthoc, balanced samplers and weights (odds are moved twice).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from strategies.spec import Inapplicable, Predictor, Recipe, Strategy


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

    def prepare(self, recipe: Recipe) -> Recipe:
        if recipe.train.n_classes != 2:
            raise Inapplicable(
                f"cost_sensitive: costs of two mistakes are for two classes, and there are {recipe.train.n_classes}"
            )
        return recipe

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        ratio = math.log(self.false_negative / self.false_positive)
        return predictor if ratio == 0 else predictor.shift(torch.tensor([0.0, ratio]))
