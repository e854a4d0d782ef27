"""Members that diverge, are pruned, or take their stack down: the others train on."""

from __future__ import annotations

import gc
import math
import traceback
import weakref
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.training import stacking
from bench.training.fit import Drawn, Fit
from bench.training.predictor import Fitted
from bench.training.scoring import Diverged
from bench.training.stacking import members_that_fit
from bench.training.trainer import drive, fit
from strategies.focal import Focal
from strategies.predictor import Predictor
from strategies.spec import CrossEntropy, Recipe
from strategies.stack import Chain
from tests.conftest import CPU, Toy, tell_of_stacks
from tests.training.fits import Pruned, alone, together


@dataclass(frozen=True)
class Infinite:
    """Cross entropy times a number that may be infinite."""

    prior_exact: ClassVar[bool] = True
    factor: float | Tensor = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.factor * CrossEntropy()(outputs, targets)


@pytest.mark.parametrize("model", [MLP(dim=8), Linear()], ids=str)
def test_a_diverging_member_disturbs_nobody(model: Any, binary: Toy) -> None:
    """By its learning rate, by an infinite loss in a call that it shares, by an infinite start."""
    recipe = binary.recipe(model=model, dtype=torch.float64, max_steps=20, eval_every=5)
    fine = [replace(recipe, loss=Infinite(1.0), seed=1), replace(recipe, seed=2)]
    bad = [replace(recipe, lr=1e300), replace(recipe, loss=Infinite(math.inf)), recipe.change(offset=(math.nan, 0.0))]
    got = together([bad[0], fine[0], bad[1], fine[1], bad[2]])
    for k in (0, 2, 4):
        assert isinstance(got[k], Diverged)
        assert "lower train.lr" in str(got[k])
    for k, own in ((1, fine[0]), (3, fine[1])):
        torch.testing.assert_close(got[k].logits(binary.val.x), alone(own).logits(binary.val.x), rtol=1e-12, atol=1e-12)
    (solo,) = fit([bad[1]], CPU)
    assert isinstance(solo, Diverged)


def test_a_large_learning_rate_disturbs_nobody(binary: Toy) -> None:
    """lr = 1e6 gives a bad model or none; its neighbour is the one that it would be alone."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=20, eval_every=5)
    wild, calm = together([replace(recipe, lr=1e6), recipe])
    assert isinstance(wild, Fitted | Diverged)
    torch.testing.assert_close(calm.logits(binary.val.x), alone(recipe).logits(binary.val.x), rtol=1e-12, atol=1e-12)


def test_a_diverging_pretext_is_noticed_without_looking_at_validation(binary: Toy) -> None:
    recipe = binary.recipe(select="last", loss=Infinite(math.inf), max_steps=6)
    (outcome,) = fit([recipe], CPU)
    assert isinstance(outcome, Diverged)


def test_a_stack_that_fails_as_a_whole_is_halved_until_the_culprit_is_alone(
    binary: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for memory that suffices for two members only."""
    sizes: list[int] = []

    def narrow(recipes: list[Recipe]) -> None:
        sizes.append(len(recipes))
        if len(recipes) > 2 or any(r.seed == 4 for r in recipes):
            raise torch.OutOfMemoryError("too many")

    tell_of_stacks(monkeypatch, narrow)
    got = fit([binary.recipe(seed=s) for s in range(5)], CPU)
    assert [isinstance(o, Fitted) for o in got] == [True] * 4 + [False]
    assert isinstance(got[4], torch.OutOfMemoryError)
    assert sizes == [5, 2, 3, 1, 2, 1, 1]


def test_a_model_that_cannot_be_built_is_tried_alone(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is one cell's, and not the end of all that might have trained with it."""

    def refuse(_: Recipe) -> None:
        raise ValueError("expected numeric, got tokens")

    monkeypatch.setattr(stacking, "shapes", refuse)
    assert members_that_fit([binary.recipe(seed=s) for s in range(3)], CPU, 3) == 1


def test_pruned_members_leave_and_the_stack_is_repacked(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Successive halving: at each look the worse half goes; parameters shrink, survivors are untouched."""
    recipes = [binary.recipe(seed=s, max_steps=40, eval_every=10, patience=100) for s in range(8)]
    going = {10: {0, 2, 4, 6}, 20: {1, 5}, 30: {3}}
    sizes: list[int] = []
    real = Fit.train_on

    def step(self: Fit, drawn: Drawn) -> None:
        sizes.append(len(next(iter(self.network.parameters()))))
        assert all(len(p) == sizes[-1] for p in self.network.parameters())
        assert all(len(m) == sizes[-1] for pair in self.adam.moments.values() for m in pair)
        real(self, drawn)

    def watch(recipe: Recipe, at: int, _: float) -> None:
        if recipe.seed in going.get(at, ()):
            raise Pruned(at)

    monkeypatch.setattr(Fit, "train_on", step)
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


def test_a_failed_fit_leaves_no_memory_behind(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is kept to the end of the group, and must not keep the model and its data with it."""
    models: list[weakref.ref[Fit]] = []

    def fail(self: Fit, _: Any) -> None:
        assert all(model() is None for model in models)  # nor is there twice the memory while halves are tried
        models.append(weakref.ref(self))
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(Fit, "train_on", fail)
    kept: Any = fit([binary.recipe(seed=s) for s in range(2)], CPU)
    assert [type(e) for e in kept] == [torch.OutOfMemoryError] * 2
    assert len(models) == 3
    gc.collect()
    assert all(model() is None for model in models)
    assert "too much" in "".join(traceback.format_exception(kept[0]))
