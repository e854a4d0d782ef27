"""Strategies made up for tests of how strategies compose: they note, ask twice, break, recover, ask for many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from strategies.predictor import Predictor
from strategies.spec import (
    CrossEntropy,
    Recipe,
    Strategy,
    Training,
)


@dataclass(frozen=True)
class Mark(Strategy):
    """Notes when it prepares and when it finishes."""

    name = "mark"
    mark: str = ""
    seen: tuple[list[str], ...] = ()
    factor: float = 1.0

    def prepare(self, recipe: Recipe) -> Recipe:
        self.seen[0].append(f"prepare {self.mark}")
        return recipe

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        self.seen[0].append(f"posthoc {self.mark}")
        return predictor.shift(torch.tensor([0.0, self.factor]))


@dataclass(frozen=True)
class Twice(Strategy):
    """Two stages, the second from the first; remembers what came back."""

    name = "twice"
    seen: tuple[list[Any], ...] = ()

    def train(self, recipe: Recipe) -> Training:
        (first,) = yield [recipe.aside(max_steps=3)]
        (second,) = yield [recipe]
        self.seen[0].extend([first, second])
        return second


@dataclass(frozen=True)
class Breaks(Strategy):
    """Fails while preparing."""

    name = "breaks"

    def prepare(self, recipe: Recipe) -> Recipe:
        raise RuntimeError("broken part")


@dataclass(frozen=True)
class Recovers(Strategy):
    """Catches the failure of what it asked for, and falls back."""

    name = "recovers"
    caught: tuple[list[str], ...] = ()

    def train(self, recipe: Recipe) -> Training:
        try:
            (predictor,) = yield [recipe]
        except RuntimeError as error:
            self.caught[0].append(str(error))
            (predictor,) = yield [recipe.aside()]
        return predictor


@dataclass(frozen=True)
class Many(Strategy):
    """Asks for several seeds at once; the first is the predictor."""

    name = "many"
    fits: int = 3

    def train(self, recipe: Recipe) -> Training:
        got = yield [replace(recipe, seed=s) for s in range(self.fits)]
        return got[0]


@dataclass(frozen=True, eq=False)
class Raises:
    """A loss that fails in training, at the first batch: a row of each class is how its scale is measured before."""

    prior_exact = True

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.numel() <= outputs.shape[-1]:
            return CrossEntropy()(outputs, targets)
        raise RuntimeError("broken loss")
