"""What holds of any stack that can be listed: its recipes' mass and prior, purity, repeatability, key.

Nothing is trained: recipes are answered by a made-up predictor, so that hundreds of stacks take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import ConfigError, read_strategies
from bench.sweep.plan import strategy_key
from bench.training.scoring import natural_prior
from strategies.registry import STRATEGIES
from strategies.spec import Bag, Clash, Inapplicable, Strategy
from strategies.stack import Chain
from tests.strategies.made_up import driven
from tests.strategies.test_contract import same, section, snapshot, toy

NAMES = tuple(name for name in STRATEGIES.names() if name not in STRATEGIES.plugged() and name != "none")
STACKS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
WAYS: dict[str, tuple[tuple[str, tuple[object, ...]], ...]] = {
    "oversample": (("method", ("random", "smote", "borderline", "adasyn", "kmeans_smote")),),
    "undersample": (("method", ("random", "cluster", "density", "near_miss", "tomek", "enn")),),
    "importance_weighted": (
        ("by", ("model", "difficulty", "cluster")),
        ("apply", ("weight", "sample", "top_k")),
    ),
    "balanced_sampler": (("progressive", (0.0, 0.3)), ("power", (0.0, 0.5))),
    "class_weights": (("scheme", ("inverse", "sqrt", "effective_number")),),
    "self_supervised": (("method", ("scarf", "vime", "simcse")),),
    "mixup": (("method", ("remix", "mixup")),),
    "focal": (("alpha", (None, "auto", "class_balanced")),),
    "meta_weight": (("mix", (1.0, 0.5)),),
    "logit_adjustment": (("mode", ("loss", "posthoc")),),
    "group_balance": (("draw", (False, True)),),
    "augment": (("method", ("eda", "recombine")),),
    "ldam": (("deferred", (False, True)),),
    "transfer": (("freeze", (False, True)),),
}
"""Settings that make another method of a strategy; the others only change numbers."""


FILLS_UP = {"oversample", "undersample", "generate", "augment"}
EVENS_OUT = FILLS_UP | {"balanced_sampler", "balanced_bagging", "easy_ensemble"}
"""What draws or makes rows until classes are equal, and what has made them so."""


def stack_of(names: Sequence[str], data: st.DataObject | None = None) -> tuple[Strategy, ...]:
    """As a configuration would read them: at their defaults, or by ways that `data` draws."""
    sections = {name: section("strategy", name) for name in names}
    for name in names if data is not None else ():
        for key, values in WAYS.get(name, ()):
            sections[name] = {**sections[name], key: data.draw(st.sampled_from(values), label=f"{name}.{key}")}
    return read_strategies(sections)


def test_ways_are_settings_that_there_are() -> None:
    """A strategy or key that is renamed does not drop out of the draws; every strategy of the project is drawn."""
    for name, ways in WAYS.items():
        assert name in NAMES
        for key, values in ways:
            assert section("strategy", name)[key] in values
    assert set(NAMES) == set(STRATEGIES.own()) - {"none"}


@settings(max_examples=90)
@given(STACKS, st.sampled_from([2, 4]), st.data())
def test_any_stack_asks_for_sound_recipes_and_ends_in_a_sound_prior(
    names: list[str], classes: int, data: st.DataObject
) -> None:
    try:
        parts = stack_of(names, data)
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
@given(STACKS, st.data())
def test_what_planning_lets_through_does_not_clash_in_training(names: list[str], data: st.DataObject) -> None:
    try:
        parts = stack_of(names, data)
    except ConfigError:
        return
    try:
        driven(parts, toy(4).recipe())
    except Clash as clash:
        pytest.fail(f"{names}: {clash}")


def did(parts: Sequence[Strategy]) -> list[object] | None:
    """All that a stack asks for and makes, as values that can be compared; None where it cannot be applied."""
    recipe = toy(2).recipe()
    asks, made = driven(parts, recipe)
    seen: list[object] = []
    for ask in asks:
        weight = None if ask.train.weight is None else ask.train.weight.tolist()
        rows = [ask.epoch(ask.generator("order"), progress).tolist() for progress in (0.0, 1.0)]
        fields = {name: getattr(ask, name) for name in ask.treated() - {"sampler", "init"}}
        seen += [fields, ask.init is None, weight, rows, ask.train.y.tolist(), ask.train.n_classes, ask.max_steps]
        for value in ask.train.x.columns.values():
            seen.append((value.ids if isinstance(value, Bag) else value).double().sum().item())
    if isinstance(made, Inapplicable):
        return None
    assert not isinstance(made, Exception)
    return [*seen, made.logits(recipe.val.x).tolist(), made.prior.tolist()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("undersample", "oversample"),
        ("balanced_sampler", "oversample"),
        ("balanced_sampler", "undersample"),
        ("balanced_bagging", "oversample"),
        ("balanced_bagging", "undersample"),
        ("easy_ensemble", "oversample"),
        ("easy_ensemble", "undersample"),
    ],
)
def test_what_has_nothing_left_to_do_is_refused(first: str, second: str) -> None:
    """Brute force: the stack asks for what its first strategy asks for. Weakened, the first leaves something."""
    parts = [*stack_of([first]), *stack_of([second])]
    assert did(parts) == did(parts[:1])
    with pytest.raises(ConfigError, match=f"'{first}' and '{second}': after the first, classes have equally many"):
        stack_of([first, second])
    weaker = {"undersample": {"ratio": 0.5}, "balanced_sampler": {"power": 0.5}, "easy_ensemble": {"ratio": 0.5}}
    if first in weaker:
        kept = {first: {**section("strategy", first), **weaker[first]}, second: section("strategy", second)}
        assert did(read_strategies(kept)) != did(read_strategies({first: kept[first]}))


@settings(max_examples=15)
@given(STACKS.filter(lambda names: len(names) > 1), st.data())
def test_nothing_that_is_listed_is_lost_in_silence(names: list[str], data: st.DataObject) -> None:
    """Without any one of its strategies a stack asks for other recipes, or makes another predictor of the answers.

    Cards name the two that do not: what evens classes out finds nothing to do after what has done so, and a voter that
    is listed at its defaults votes as it would have.
    """
    try:
        parts = stack_of(names, data)
    except ConfigError:
        return
    if (whole := did(parts)) is None:
        return
    for i, part in enumerate(parts):
        before = {one.name for one in parts[:i]}
        if (part.name in FILLS_UP and before & EVENS_OUT) or "soft_vote" in before:
            continue
        assert did([*parts[:i], *parts[i + 1 :]]) != whole, f"{part.name} does nothing in {names}"
