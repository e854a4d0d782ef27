"""What holds of any stack that can be listed: its recipes' mass and prior, purity, repeatability, key.

Nothing is trained: recipes are answered by a made-up predictor, so that hundreds of stacks take seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.config import ConfigError, read_strategies
from bench.sweep.plan import strategy_key
from bench.training.scoring import natural_prior
from strategies.predictor import Cost, Predictor
from strategies.registry import STRATEGIES
from strategies.spec import Clash, Features, Inapplicable, Recipe, Strategy
from strategies.stack import Chain
from tests.strategies.test_contract import same, section, snapshot, toy

NAMES = tuple(name for name in STRATEGIES.names() if name not in STRATEGIES.plugged() and name != "none")
STACKS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


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


def stack_of(names: Sequence[str]) -> tuple[Strategy, ...]:
    """As a configuration would read them, at their defaults."""
    return read_strategies({name: section("strategy", name) for name in names})


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


@settings(max_examples=60)
@given(STACKS, st.sampled_from([2, 4]))
def test_any_stack_asks_for_sound_recipes_and_ends_in_a_sound_prior(names: list[str], classes: int) -> None:
    try:
        parts = stack_of(names)
    except ConfigError:  # known when planning
        return
    recipe = toy(classes).recipe()
    before = snapshot(recipe)
    asks, made = driven(parts, recipe)
    assert same(before, snapshot(recipe))  # what was given is as it was
    again, _ = driven(parts, recipe)
    assert [ask.loss for ask in asks] == [ask.loss for ask in again]
    for ask, repeated in zip(asks, again, strict=True):
        mass = ask.mass()
        assert float(mass.sum()) == pytest.approx(1)
        assert bool((mass >= 0).all())
        assert torch.equal(mass, repeated.mass())  # the same recipe from the same stack
        assert float(natural_prior(ask.train).sum()) == pytest.approx(1)
        assert len(ask.epoch(ask.generator("order"))) > 0
        assert ask.train.weight is None or ask.train.weight.shape == ask.train.y.shape
        natural = ask.train if ask.train.original is None else ask.train.original
        assert len(natural) <= len(ask.train)
        if ask.auxiliary:
            assert ask.train.original is None
    if isinstance(made, Inapplicable):
        assert str(made)
        return
    assert not isinstance(made, Exception)
    assert made.prior.shape == (classes,)
    assert float(made.prior.sum()) == pytest.approx(1)
    assert bool((made.prior > 0).all())
    assert made.logits(recipe.val.x).shape == (len(recipe.val), classes)
    assert made.cost.fits == len(asks) == Chain(parts).fits_in_all
    if any(not ask.prior_exact or not ask.loss.prior_exact for ask in asks if not ask.auxiliary):
        assert not made.prior_exact


@settings(max_examples=100)
@given(STACKS, STACKS)
def test_stacks_have_one_key_exactly_if_they_are_one(first: list[str], second: list[str]) -> None:
    """Order counts, and so does every member."""
    try:
        stacks = [stack_of(first), stack_of(second)]
    except ConfigError:
        return
    keys = [[strategy_key(s, stack) for s in stack] for stack in stacks]
    assert (keys[0] == keys[1]) is (first == second)


@settings(max_examples=60)
@given(STACKS)
def test_what_planning_lets_through_does_not_clash_in_training(names: list[str]) -> None:
    try:
        parts = stack_of(names)
    except ConfigError:
        return
    try:
        driven(parts, toy(4).recipe())
    except Clash as clash:
        pytest.fail(f"{names}: {clash}")
