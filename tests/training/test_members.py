"""Members of a stack: to the last bit what they are alone, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.training.predictor import Fitted
from bench.training.stacking import exact, signature
from strategies.focal import Focal
from strategies.predictor import Predictor
from strategies.registry import STRATEGIES
from strategies.self_supervised import SelfSupervised
from strategies.stack import Chain
from tests.conftest import Toy, outcomes, table
from tests.training.fits import alone, mixture, same, together


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


@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(6,)), Linear()], ids=str)
@pytest.mark.parametrize("fixture", ["binary", "multi"])
@pytest.mark.parametrize(
    ("dtype", "noise"), [(torch.float64, 1e-12), (torch.float32, 2e-4)], ids=["float64", "float32"]
)
def test_a_stack_trains_what_its_members_train_alone(
    dtype: torch.dtype, noise: float, fixture: str, model: Any, request: pytest.FixtureRequest
) -> None:
    """Logits after sixty steps to 1e-12 in float64; in float32 up to rounding that sixty steps have carried on.

    Priors, curves' steps and costs are the same; a member that stops early leaves without disturbing the others.
    """
    toy: Toy = request.getfixturevalue(fixture)
    recipes = mixture(toy, dtype, model)
    stacked = together(recipes)
    for recipe, member in zip(recipes, stacked, strict=True):
        own = alone(recipe)
        assert isinstance(member, Fitted)
        expected = own.logits(toy.val.x)
        torch.testing.assert_close(
            member.logits(toy.val.x), expected, rtol=noise, atol=noise * float(expected.abs().max())
        )
        assert torch.equal(member.prior, own.prior)
        assert member.prior_exact == own.prior_exact
        assert [step for step, _ in member.curve] == [step for step, _ in own.curve]
        assert (member.cost.fits, member.cost.steps) == (own.cost.fits, own.cost.steps)
        assert member.notes == own.notes
    assert min(member.cost.steps for member in stacked) < 60  # one did stop early


def test_members_of_one_stack_differ(binary: Toy) -> None:
    """The comparison above is not one of a model with itself."""
    z = [member.logits(binary.val.x) for member in together(mixture(binary, torch.float64, MLP(dim=8)))]
    for i, a in enumerate(z):
        for b in z[:i]:
            assert not torch.allclose(a, b, atol=1e-3)


def test_members_may_train_on_tables_of_their_own() -> None:
    """Other features, labels, number of rows, as source tasks have."""
    toys = [table((0.8, 0.2), n_train=n, n_val=v, seed=s) for n, v, s in ((100, 40, 1), (240, 120, 2), (70, 90, 3))]
    recipes = [toy.recipe(dtype=torch.float64, max_steps=20, eval_every=5) for toy in toys]
    for recipe, member in zip(recipes, together(recipes), strict=True):
        torch.testing.assert_close(
            member.logits(recipe.val.x), alone(recipe).logits(recipe.val.x), rtol=1e-12, atol=1e-12
        )


def test_pretext_stages_stack(binary: Toy) -> None:
    """Augmented batches and contrastive losses of several temperatures."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=8, eval_every=4)
    asks = [SelfSupervised(temperature=t).pretext(replace(recipe, seed=s)) for t, s in ((0.1, 1), (1.0, 2), (1.0, 3))]
    for ask, member in zip(asks, together(asks), strict=True):
        own = alone(ask)
        for name, value in own.state.items():
            torch.testing.assert_close(member.state[name], value, rtol=1e-11, atol=1e-12)


def test_a_member_is_looked_at_when_it_would_be_alone(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=60, eval_every=20)
    member, _ = together([recipe, replace(recipe, max_steps=30, seed=1)])
    assert [step for step, _ in member.curve] == [step for step, _ in alone(recipe).curve]


def test_members_with_other_budgets_stop_at_their_own(binary: Toy) -> None:
    recipe = binary.recipe(eval_every=10, patience=100)
    got = together([replace(recipe, max_steps=n, seed=n) for n in (5, 40, 10)])
    assert [member.cost.steps for member in got] == [5, 40, 10]


def test_driving_in_a_stack_is_driving_one_by_one(binary: Toy) -> None:
    """Whole strategies, two-stage ones among them, in float64."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=12)
    parts = [() if name == "none" else (STRATEGIES.get(name)(),) for name in STRATEGIES.names()]
    runs = [outcomes([Chain(p).train(recipe) for p in parts], stack) for stack in (1, 16)]
    for one, many in zip(*runs, strict=True):
        assert isinstance(one, Predictor)
        assert isinstance(many, Predictor)
        torch.testing.assert_close(many.logits(recipe.val.x), one.logits(recipe.val.x), rtol=1e-10, atol=1e-11)
        assert (one.cost.fits, one.cost.steps) == (many.cost.fits, many.cost.steps)


def test_stacked_strategies_are_the_ones_alone(multi: Toy) -> None:
    """Two stages in one stack with one-stage ones, in the precision of records."""
    recipe = multi.recipe(max_steps=12)
    runs = [outcomes([Chain((Focal(gamma=g),)).train(recipe) for g in (0.0, 2.0)], stack) for stack in (1, 2)]
    for one, many in zip(*runs, strict=True):
        assert isinstance(one, Predictor)
        assert isinstance(many, Predictor)
        torch.testing.assert_close(many.logits(recipe.val.x), one.logits(recipe.val.x), rtol=2e-4, atol=2e-5)
