"""Class weights that follow validation: the formula, what training does with them, their prior, networks and trees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.training.row_stream import RowStream
from strategies.adaptive import Adaptive, FollowRecall
from strategies.class_weights import ClassWeights
from strategies.oversample import Oversample
from tests.conftest import Toy, asking, outcomes, trained
from tests.strategies.fits import run


@pytest.mark.oracle("adaptive", "equation 3 by hand")
def test_weights_are_the_share_of_a_class_that_is_missed() -> None:
    """Three of four, and one of two right, of five and three with the one counted as wrong; geometric mean 1."""
    y = torch.tensor([0, 0, 0, 0, 1, 1])
    logits = torch.nn.functional.one_hot(torch.tensor([0, 0, 0, 1, 1, 0]), 2).double()
    new = FollowRecall(1.0, 0.0)(logits, y, torch.ones(2, dtype=torch.float64))
    assert float(new[1] / new[0]) == pytest.approx((1 - 1 / 3) / (1 - 3 / 5))
    half = FollowRecall(2.0, 0.5)(logits, y, torch.tensor([1.0, 9.0], dtype=torch.float64))
    assert float(half[1] / half[0]) == pytest.approx((((2 / 3) / (2 / 5)) ** 2 * 9) ** 0.5)


def test_a_class_without_validation_rows_has_a_mean_weight() -> None:
    y, logits = torch.tensor([0, 0, 2]), torch.eye(3, dtype=torch.float64)
    new = FollowRecall(1.0, 0.0)(logits, y, torch.ones(3, dtype=torch.float64))
    assert float(new[1]) == pytest.approx(float((new[0] * new[2]) ** 0.5))


@dataclass(frozen=True)
class Fixed:
    """The same factors at every look."""

    factors: tuple[float, ...]

    def __call__(self, logits: Tensor, y: Tensor, factors: Tensor) -> Tensor:
        return torch.tensor(self.factors, dtype=torch.float64)


def test_a_stream_gives_weights_of_mean_one_and_counts_them_in_its_prior(binary: Toy) -> None:
    recipe = replace(binary.recipe(), steer=Fixed((1.0, 7.0)))
    stream = RowStream(recipe)
    _, before = stream.take(4)
    assert before is not None
    assert bool((before == 1).all())
    stream.hear(torch.zeros(len(recipe.val), 2), recipe.val.y)
    assert torch.equal(stream.prior(), RowStream(recipe).recipe.embodied(stream.mass))
    stream.follow()
    rows = stream.rows
    _, weights = stream.take(1)
    assert weights is not None
    of = {0: 1.0, 1: 7.0}
    n = torch.bincount(binary.train.y).double()
    scale = n.sum() / (n[0] + 7 * n[1])
    expected = torch.tensor([of[int(c)] for c in binary.train.y[rows[:32]]], dtype=torch.float64) * scale
    torch.testing.assert_close(weights[0], expected)
    share = n * torch.tensor([1.0, 7.0])
    torch.testing.assert_close(stream.prior(), share / share.sum())


@pytest.mark.oracle("adaptive", "factors of 1 are none, bit for bit")
def test_factors_of_one_train_what_no_factors_train(multi: Toy) -> None:
    """To the bits; and factors on row weights multiply them."""
    recipe = multi.recipe(max_steps=12)
    plain, same = (trained(asking(r)) for r in (recipe, replace(recipe, steer=Fixed((1.0,) * 4))))
    torch.testing.assert_close(plain.logits(multi.val.x), same.logits(multi.val.x), rtol=0, atol=1e-6)
    n = torch.bincount(multi.train.y).double()
    weights = tuple((n.sum() / n).tolist())
    steered = replace(recipe, steer=Fixed(weights))
    balanced = trained(asking(steered)).prior
    torch.testing.assert_close(balanced, torch.full((4,), 0.25, dtype=torch.float64), atol=1e-3, rtol=0)
    both = replace(ClassWeights().prepare(recipe), steer=Fixed(weights))
    powered = n * (n.sum() / n) ** 2
    torch.testing.assert_close(trained(asking(both)).prior, powered / powered.sum(), atol=1e-3, rtol=0)


def test_trees_take_the_factors_too(multi: Toy) -> None:
    """Weights that never change are class weights from the second look's trees on; the prior says so."""
    trees = LightGBM(max_trees=10, look_every=5)
    n = torch.bincount(multi.train.y).double()
    recipe = replace(multi.recipe(model=trees, select="last"), steer=Fixed(tuple((n.sum() / n).tolist())))
    steered, plain = trained(asking(recipe)), trained(asking(multi.recipe(model=trees, select="last")))
    torch.testing.assert_close(steered.prior, torch.full((4,), 0.25, dtype=torch.float64), atol=1e-6, rtol=0)
    assert not torch.allclose(steered.logits(multi.val.x), plain.logits(multi.val.x))


@pytest.mark.parametrize("model", [None, LightGBM(max_trees=40, look_every=5)])
def test_it_raises_what_is_predicted_for_the_rarest(model: LightGBM | None, binary: Toy) -> None:
    fields = {"max_steps": 120, "eval_every": 10} | ({} if model is None else {"model": model})
    recipe = binary.recipe(**fields)
    plain, ours = run((), recipe), run([Adaptive(memory=0.5)], recipe)
    rare = binary.val.y == 1
    found = [float(p.logits(binary.val.x).softmax(-1)[rare, 1].mean()) for p in (plain, ours)]
    assert found[1] > found[0] + 0.02
    assert float(ours.prior[1]) > float(plain.prior[1])
    assert not ours.prior_exact


def test_members_of_a_stack_follow_their_own_validation(binary: Toy) -> None:
    """Beside others, with and without weights, as alone."""
    recipes = [Adaptive().prepare(binary.recipe(seed=1)), Oversample().prepare(binary.recipe(seed=2))]
    recipes.append(Adaptive(tau=2.0).prepare(binary.recipe(seed=3)))
    together = outcomes([asking(*recipes)], stack=3)
    assert not isinstance(together[0], Exception), together[0]
    alone = trained(asking(recipes[-1]))
    torch.testing.assert_close(alone.logits(binary.val.x), together[0].logits(binary.val.x))
    assert torch.equal(alone.prior, together[0].prior)
