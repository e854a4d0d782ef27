"""Stacks: to the last bit what members alone are, as many as memory holds, and smaller as members end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.config import ConfigError, RunConfig, section
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.training import pace, stacking
from bench.training.adam import TABLE_EPS, StackedAdamW
from bench.training.batches import LOOK, cut, gather
from bench.training.fit import Fit
from bench.training.pace import worthwhile
from bench.training.predictor import Fitted
from bench.training.stacking import equal_products, exact, footprint, room, signature
from bench.training.trainer import drive, fit
from strategies.focal import Focal
from strategies.predictor import Predictor
from strategies.spec import Recipe
from strategies.stack import Chain
from tests.command_line import TINY, imbench, records
from tests.conftest import CPU, Toy, outcomes, tell_of_stacks
from tests.training.test_training import alone, mixture, together


def same(a: Fitted, b: Fitted) -> bool:
    """Every parameter, the curve and the notes, to the last bit."""
    states = [torch.equal(a.state[name], b.state[name]) for name in b.state]
    return all(states) and a.curve == b.curve and a.notes == b.notes and torch.equal(a.prior, b.prior)


# --- bits ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(6,)), MLP(dim=16, hidden=(32, 32)), Linear()], ids=str)
def test_a_stack_gives_the_very_bits_of_its_members_alone(model: Any, dtype: torch.dtype, multi: Toy) -> None:
    """Where the library's products do, which `exact` has found out: the rest of a stack never mixes members."""
    recipes = mixture(multi, dtype, model)
    if not exact(recipes[0], len(recipes)):
        pytest.skip("this machine's batched products round differently from single ones: `auto` does not stack here")
    for recipe, member in zip(recipes, together(recipes), strict=True):
        assert same(member, alone(recipe))


def test_dropout_is_each_members_own(binary: Toy) -> None:
    """Rates differ within a stack, zero among them, and every member is what it would be alone."""
    base = binary.recipe(max_steps=30)
    recipes = [replace(base, model=MLP(dim=8, hidden=(6,), dropout=d), seed=s) for s, d in enumerate((0.0, 0.3, 0.6))]
    assert len({signature(r) for r in recipes}) == 1
    got = together(recipes)
    for recipe, member in zip(recipes, got, strict=True):
        own = alone(recipe)
        for name, value in own.state.items():
            torch.testing.assert_close(member.state[name], value, rtol=2e-4, atol=2e-5)
    other = alone(replace(recipes[1], model=recipes[0].model))
    assert not torch.allclose(got[1].state["head.weight"], other.state["head.weight"], atol=1e-3)


def test_penalties_are_each_members_own(binary: Toy) -> None:
    """Linear models of several strengths train as one stack, towards weights of several lengths."""
    base = binary.recipe(dtype=torch.float64, max_steps=60, select="last")
    recipes = [replace(base, model=Linear(l2=strength)) for strength in (0.0, 1.0, 100.0)]
    got = together(recipes)
    for recipe, member in zip(recipes, got, strict=True):
        for name, value in alone(recipe).state.items():
            torch.testing.assert_close(member.state[name], value, rtol=1e-12, atol=1e-12)
    lengths = [float(sum((v**2).sum() for n, v in m.state.items() if "bias" not in n)) for m in got]
    assert lengths[0] > lengths[1] > 2 * lengths[2]


def test_adam_is_torchs(binary: Toy) -> None:
    """Over twenty steps, tables with their own epsilon, decay on: the bits of torch.optim.AdamW."""
    recipe = binary.recipe(lr=0.02, weight_decay=0.1, encoder_rate=0.5)
    g = torch.Generator().manual_seed(0)
    sizes = {"encoder.tables.text": (1, 30, 7), "encoder.weight": (1, 7, 5), "head.weight": (1, 5, 3)}
    mine = {n: nn.Parameter(torch.randn(s, generator=g)) for n, s in sizes.items()}
    theirs = {n: nn.Parameter(p.detach().clone()) for n, p in mine.items()}
    ours = StackedAdamW()
    ours.arrange(mine, [recipe], [0.5])
    groups = [
        {
            "params": [p],
            "eps": TABLE_EPS if "tables" in n else 1e-8,
            "lr": 0.01 * (0.5 if "encoder" in n else 1.0),
        }
        for n, p in theirs.items()
    ]
    reference = torch.optim.AdamW(groups, weight_decay=0.1, fused=True)
    for _ in range(20):
        for name, p in mine.items():
            p.grad = torch.randn(p.shape, generator=g)
            theirs[name].grad = p.grad.clone()
        ours.step()
        reference.step()
        assert all(p.grad is None for p in mine.values())
    for name, p in mine.items():
        assert torch.equal(p, theirs[name])


def test_pieces_of_features_are_their_rows(multi: Toy) -> None:
    """Cutting is taking runs of rows, and gathering is taking, for every kind of column."""
    x, rows = multi.val.x, torch.tensor([3, 3, 0, 50])
    for piece, start in zip(cut(x, 50), (0, 50, 100), strict=True):
        expected = x.take(torch.arange(start, min(start + 50, len(x))))
        for got, want in ((piece, expected), (gather(x, rows), x.take(rows))):
            for name, value in want.columns.items():
                mine: Any = got.columns[name]
                parts = ("ids", "weights", "offsets") if not isinstance(value, torch.Tensor) else ("data",)
                assert all(torch.equal(getattr(mine, p), getattr(value, p)) for p in parts)


def test_a_look_in_pieces_is_a_look(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large validation tables go through in pieces, several members through one pass where they are small."""
    recipes = [multi.recipe(dtype=torch.float64, max_steps=20, eval_every=5, seed=s) for s in range(3)]
    expected = [m.curve for m in together(recipes)]
    for rows in (50, 120, 240, 10_000):
        monkeypatch.setitem(LOOK, "cpu", rows)
        for curve, member in zip(expected, together(recipes), strict=True):
            assert [score for _, score in member.curve] == pytest.approx([score for _, score in curve], abs=1e-12)


# --- how many ---


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

    monkeypatch.setattr(pace, "MEASURED", {})
    monkeypatch.setattr(pace, "measured", measured)
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
    assert 0 < pace.measured(recipes, CPU) < math.inf
    assert pace.measured([replace(recipes[0], encoder_rate="no number")], CPU) == math.inf  # type: ignore[arg-type]
    for one, recipe in zip(before, recipes, strict=True):
        assert all(torch.equal(v, one.state[n]) for n, v in alone(recipe).state.items())


def test_auto_leaves_alone_what_would_not_gain_or_not_be_equal(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [binary.recipe(model=MLP(dim=8, hidden=(32,)), seed=s) for s in range(4)]
    clocked(monkeypatch, float)
    assert room(recipes, CPU, "auto") == 1
    assert room(recipes, CPU, 3) == 3
    clocked(monkeypatch, lambda _: 1.0)
    assert room(recipes, CPU, "auto") == (4 if exact(recipes[0], 4) else 1)
    assert room(recipes, CPU, "off") == room(recipes, CPU, 1) == 1
    monkeypatch.setattr(stacking, "equal_products", lambda *_: False)
    assert room(recipes, CPU, "auto") == 1


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
        assert room(recipes, CPU, 100) == members
    tried = clocked(monkeypatch, lambda _: 1.0)
    monkeypatch.setattr(stacking, "free_memory", lambda _: one * 3.5)
    assert room(recipes, CPU, "auto") in (1, 3)
    assert max(tried) == 3  # nor is more than that measured
    monkeypatch.setattr(stacking, "free_memory", lambda _: 0.0)
    assert room(recipes, CPU, 100) == 1


def test_a_model_that_cannot_be_built_is_tried_alone(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is one cell's, and not the end of all that might have trained with it."""

    def refuse(_: Recipe) -> None:
        raise ValueError("expected numeric, got tokens")

    monkeypatch.setattr(stacking, "shapes", refuse)
    assert room([binary.recipe(seed=s) for s in range(3)], CPU, 3) == 1


# --- members that end early ---


class Pruned(Exception):
    """As Optuna's TrialPruned."""


def test_pruned_members_leave_and_the_stack_is_repacked(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Successive halving: at each look the worse half goes; parameters shrink, survivors are untouched."""
    recipes = [binary.recipe(seed=s, max_steps=40, eval_every=10, patience=100) for s in range(8)]
    going = {10: {0, 2, 4, 6}, 20: {1, 5}, 30: {3}}
    sizes: list[int] = []
    real = Fit.advance

    def step(self: Fit, steps: int) -> None:
        sizes.append(len(next(iter(self.network.parameters()))))
        assert all(len(p) == sizes[-1] for p in self.network.parameters())
        assert all(len(m) == sizes[-1] for pair in self.adam.moments.values() for m in pair)
        real(self, steps)

    def watch(recipe: Recipe, at: int, _: float) -> None:
        if recipe.seed in going.get(at, ()):
            raise Pruned(at)

    monkeypatch.setattr(Fit, "advance", step)
    got = fit(recipes, CPU, watch)
    assert sizes == [8, 4, 2, 1]
    assert [type(o) for o in got] == [Pruned] * 7 + [Fitted]
    survivor = got[7]
    assert isinstance(survivor, Fitted)
    own = alone(recipes[7])
    for name, value in own.state.items():
        torch.testing.assert_close(survivor.state[name], value, rtol=2e-4, atol=2e-5)
    assert [s for s, _ in survivor.curve] == [10, 20, 30, 40]


def test_a_strategy_whose_member_is_pruned_ends_with_that(binary: Toy) -> None:
    """The others of the stack go on to predictors."""
    made = [Chain((Focal(gamma=float(g)),)).train(binary.recipe(max_steps=20, eval_every=10)) for g in range(3)]

    def watch(recipe: Recipe, at: int, _: float) -> None:
        if getattr(recipe.loss, "gamma", None) == 1.0:
            raise Pruned(at)

    found: dict[int, Any] = {}
    drive(made, found.__setitem__, device=CPU, stack=3, watches=dict.fromkeys(range(3), watch))
    assert isinstance(found[1], Pruned)
    assert isinstance(found[0], Predictor)
    assert isinstance(found[2], Predictor)


def test_stacked_strategies_are_the_ones_alone(multi: Toy) -> None:
    """Two stages in one stack with one-stage ones, in the precision of records."""
    recipe = multi.recipe(max_steps=12)
    runs = [outcomes([Chain((Focal(gamma=g),)).train(recipe) for g in (0.0, 2.0)], stack) for stack in (1, 2)]
    for one, many in zip(*runs, strict=True):
        assert isinstance(one, Predictor)
        assert isinstance(many, Predictor)
        torch.testing.assert_close(many.logits(recipe.val.x), one.logits(recipe.val.x), rtol=2e-4, atol=2e-5)


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
        assert section(RunConfig, {"stack": good}, "run").stack == good
    for bad in (0, -1, "many", 1.5, True):
        with pytest.raises(ConfigError, match=r"stack"):
            section(RunConfig, {"stack": bad}, "run")
