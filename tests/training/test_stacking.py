"""How large a stack is: as many members as memory holds, where that is exact and faster."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.config import ConfigError, RunConfig, read_section
from bench.models.mlp import MLP
from bench.training import measured_speed, stacking
from bench.training.measured_speed import worthwhile
from bench.training.stacking import equal_products, exact, footprint, members_that_fit
from bench.training.trainer import drive
from strategies.focal import Focal
from strategies.spec import Recipe
from strategies.stack import Chain
from tests.command_line import TINY, imbench, records
from tests.conftest import CPU, Toy, tell_of_stacks
from tests.training.fits import alone


def test_auto_stacks_small_models_to_the_same_results(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says nothing about it in what comes out; off trains one after another."""
    recipe = binary.recipe(max_steps=20)
    clocked(monkeypatch, lambda _: 1.0)
    sizes: list[int] = []
    tell_of_stacks(monkeypatch, lambda recipes: sizes.append(len(recipes)))
    runs = {}
    for stack in ("off", "auto", 2):
        sizes.clear()
        made = [Chain((Focal(gamma=float(g)),)).train(recipe) for g in range(5)]
        found: dict[int, Any] = {}
        drive(made, found.__setitem__, device=CPU, stack=stack)  # type: ignore[arg-type]
        runs[stack] = [found[i].logits(recipe.val.x) for i in range(5)]
        stacked = [5] if exact(recipe, 5) else [1] * 5
        assert sizes == {"off": [1] * 5, "auto": stacked, 2: [2, 2, 1]}[stack]
    for a, b in zip(runs["off"], runs["auto"], strict=True):
        assert torch.equal(a, b)


def clocked(monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float]) -> list[int]:
    """A machine on which a step of so many members takes so long; returns the sizes that are tried on it."""
    tried: list[int] = []

    def measured(recipes: list[Recipe], _: torch.device) -> float:
        tried.append(len(recipes))
        return seconds(len(recipes))

    monkeypatch.setattr(measured_speed, "MEASURED", {})
    monkeypatch.setattr(measured_speed, "measured", measured)
    return tried


@pytest.mark.parametrize(
    ("members", "seconds", "best", "tries"),
    [
        (100, lambda k: 1 + 10 * k, 1, [1, 4]),  # hardly any overhead: 1.1 times as fast at best
        (100, lambda k: 10 + k, 100, [1, 4, 16, 64]),  # mostly overhead
        (100, lambda k: 10 + k + (k > 16) * k * k, 16, [1, 4, 16, 64]),  # 64 no longer fit the cache
        (40, lambda k: 10 + k, 40, [1, 4, 16, 64]),
        (8, lambda k: 10 + k, 8, [1, 4]),
        (3, lambda k: 10 + k, 3, [1, 3]),
        (100, lambda k: k**1.1, 1, [1, 4]),  # slower together
        (100, lambda _: math.inf, 1, [1, 4]),  # recipes that cannot be trained
    ],
)
def test_the_size_of_a_stack_is_what_was_fastest(
    members: int, seconds: Callable[[int], float], best: int, tries: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against machines of known speed; what was measured is not measured again."""
    recipes: list[Any] = list(range(members))
    tried = clocked(monkeypatch, seconds)
    assert worthwhile(recipes, "kind", CPU) == best
    assert sorted(tried) == tries
    assert worthwhile(recipes, "kind", CPU) == best
    assert sorted(tried) == tries


def test_measuring_leaves_no_trace(binary: Toy) -> None:
    """Steps that were only timed draw nothing from what trains later."""
    recipes = [binary.recipe(seed=s, max_steps=10) for s in range(3)]
    before = [alone(r) for r in recipes]
    assert 0 < measured_speed.measured(recipes, CPU) < math.inf
    assert measured_speed.measured([replace(recipes[0], encoder_rate="no number")], CPU) == math.inf  # type: ignore[arg-type]
    for one, recipe in zip(before, recipes, strict=True):
        assert all(torch.equal(v, one.state[n]) for n, v in alone(recipe).state.items())


def test_auto_leaves_alone_what_would_not_gain_or_not_be_equal(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [binary.recipe(model=MLP(dim=8, hidden=(32,)), seed=s) for s in range(4)]
    clocked(monkeypatch, float)
    assert members_that_fit(recipes, CPU, "auto") == 1
    assert members_that_fit(recipes, CPU, 3) == 3
    clocked(monkeypatch, lambda _: 1.0)
    assert members_that_fit(recipes, CPU, "auto") == (4 if exact(recipes[0], 4) else 1)
    assert members_that_fit(recipes, CPU, "off") == members_that_fit(recipes, CPU, 1) == 1
    monkeypatch.setattr(stacking, "equal_products", lambda *_: False)
    assert members_that_fit(recipes, CPU, "auto") == 1


def test_products_that_round_differently_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that rounds a stack of two or more in another way."""
    real = torch.baddbmm
    monkeypatch.setattr(torch, "baddbmm", lambda b, x, w: real(b, x, w) * (1 + 1e-7 * (len(x) > 1)))
    assert not equal_products.__wrapped__(3, 5, 7, 4, torch.float32)


def test_a_stack_is_no_larger_than_memory(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate grows with what costs memory, and bounds stacks of any asked size; one model is always tried."""
    recipes = [binary.recipe(seed=s) for s in range(8)]
    one = footprint(recipes[0], CPU)
    assert footprint(replace(recipes[0], batch_size=4096), CPU) > 2 * one
    assert footprint(replace(recipes[0], model=MLP(dim=512)), CPU) > 2 * one
    assert footprint(replace(recipes[0], dtype=torch.float64), CPU) > one
    for members in (1, 3, 8):
        monkeypatch.setattr(stacking, "free_memory", lambda _, m=members: one * (m + 0.5))
        assert members_that_fit(recipes, CPU, 100) == members
    tried = clocked(monkeypatch, lambda _: 1.0)
    monkeypatch.setattr(stacking, "free_memory", lambda _: one * 3.5)
    assert members_that_fit(recipes, CPU, "auto") in (1, 3)
    assert max(tried) == 3  # nor is more than that measured
    monkeypatch.setattr(stacking, "free_memory", lambda _: 0.0)
    assert members_that_fit(recipes, CPU, 100) == 1


def test_records_do_not_depend_on_the_stack(tmp_path: Path) -> None:
    """Metrics, predictions to the byte, curves and steps, off and with auto: stacking is no part of a key."""
    runs: dict[str, dict[tuple[str, int], Any]] = {}
    for stack in ("off", "auto"):
        grid = ("run", "-m", "strategy=none,focal,oversample,importance_weighted", *TINY, f"run.stack={stack}")
        assert imbench(*grid, results=tmp_path / stack) == 0
        runs[stack] = dict(records(tmp_path / stack))
    assert len(runs["off"]) == 4
    for cell, record in runs["off"].items():
        other = runs["auto"][cell]
        assert record.key == other.key
        assert (record.environment["stack"], other.environment["stack"]) == ("off", "auto")
        assert record.metrics == other.metrics
        assert record.predictions == other.predictions
        assert record.curve == other.curve
        assert record.cost["steps"] == other.cost["steps"]


def test_the_stack_is_checked() -> None:
    """A number of at least one, auto or off; anything else is refused by name."""
    for good in (1, 8, "auto", "off"):
        assert read_section(RunConfig, {"stack": good}, "run").stack == good
    for bad in (0, -1, "many", 1.5, True):
        with pytest.raises(ConfigError, match=r"stack"):
            read_section(RunConfig, {"stack": bad}, "run")
