"""Strategies driven without training: recipes are answered by a made-up predictor, so that hundreds take seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from strategies.predictor import Cost, Predictor
from strategies.spec import Features, Inapplicable, Recipe, Strategy
from strategies.stack import Chain


@dataclass(frozen=True, eq=False)
class MadeUp(Predictor):
    """A linear model of the numbers with weights of its own, that embodies what its recipe does."""

    recipe: Recipe
    cost: Cost = field(default_factory=lambda: Cost(1, 6, 0.1))
    notes: Mapping[str, float] = field(default_factory=dict)

    @property
    def prior(self) -> Tensor:  # type: ignore[override]
        return self.recipe.embodied(self.recipe.mass_in_rows())

    @property
    def prior_exact(self) -> bool:  # type: ignore[override]
        return self.recipe.prior_exact and self.recipe.loss.prior_exact

    def encode(self, x: Features) -> Tensor:
        value = x.columns["numeric"]
        assert isinstance(value, Tensor)
        return value

    def head(self) -> tuple[Tensor, Tensor]:
        outputs = self.recipe.head.out or self.recipe.train.n_classes
        return torch.linspace(-1, 1, 3 * outputs).view(3, outputs).sin(), torch.zeros(outputs)

    def logits(self, x: Features) -> Tensor:
        weight, bias = self.head()
        return self.encode(x) @ weight + bias


def driven(parts: Sequence[Strategy], recipe: Recipe) -> tuple[list[Recipe], Predictor | Exception]:
    """All recipes that a stack asks for, and what it makes of the answers."""
    training, asks = Chain(tuple(parts)).train(recipe), list[Recipe]()
    try:
        asked = next(training)
        while True:
            asks += asked
            asked = training.send([MadeUp(ask) for ask in asked])
    except StopIteration as stop:
        return asks, stop.value
    except Inapplicable as reason:
        return asks, reason
