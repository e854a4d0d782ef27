"""Costs of a stack: every fit once, those that a strategy makes itself too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from strategies.oversample import Oversample
from strategies.predictor import Cost, Predictor
from strategies.spec import Chain, Recipe, Strategy, Training
from tests.conftest import Toy, trained

NOTHING = Cost()


@dataclass(frozen=True, eq=False)
class Homemade(Predictor):
    """A predictor that a strategy made itself."""

    cost: Cost
    prior: Tensor = field(default_factory=lambda: torch.tensor([0.5, 0.5], dtype=torch.float64))
    prior_exact: bool = True
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Both(Homemade):
    """The mean of several, of which a strategy may have made some itself; says what all took, and what it added."""

    parts: tuple[Predictor, ...] = ()
    cost: Cost = field(init=False)
    added: Cost = NOTHING

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", sum((part.cost for part in self.parts), self.added))


@dataclass(frozen=True)
class Combined(Strategy):
    """Asks for two fits, one of them auxiliary, makes two by itself, and combines them."""

    name = "combined"
    added: Cost = NOTHING
    shifted: bool = False

    def train(self, recipe: Recipe) -> Training:
        asked, _ = yield [recipe, recipe.aside(seed=99)]
        asked = asked.shift(torch.zeros(2)) if self.shifted else asked
        return Both(parts=(asked, Homemade(Cost(2, 30, 1.0)), Homemade(Cost(1, 5, 0.5))), added=self.added)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("around", [(), (Oversample(),)], ids=["alone", "inside"])
@pytest.mark.parametrize("added", [NOTHING, Cost(1, 100, 2.0)], ids=["nothing", "something"])
def test_what_a_strategy_makes_itself_is_charged_once(
    added: Cost, around: tuple[Strategy, ...], shifted: bool, binary: Toy
) -> None:
    """Beside what it asked for, wrapped or not, alone or inside others; what a combination adds is charged too."""
    stack = Chain((*around, Combined(added=added, shifted=shifted)))
    cost = trained(stack.train(binary.recipe(max_steps=6))).cost
    assert (cost.fits, cost.steps) == (2 + 3 + added.fits, 12 + 35 + added.steps)
    assert cost.seconds > 1.5 + added.seconds


def test_a_predictor_that_is_handed_on_costs_nothing_more(binary: Toy) -> None:
    """Also through a stack of stacks: one fit stays one."""
    cost = trained(Chain((Oversample(), Oversample(ratio=0.5))).train(binary.recipe(max_steps=6))).cost
    assert (cost.fits, cost.steps) == (1, 6)
