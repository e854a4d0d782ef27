"""The scale of an objective: its formula, and that training does not know it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.registry import refusal
from bench.training.row_stream import RowStream
from bench.training.scale import gradient_scale
from strategies.registry import STRATEGIES
from strategies.spec import Chain, CrossEntropy, Loss, Recipe, Split, Strategy, Training, per_row
from tests.conftest import Toy, asking, trained


@dataclass(frozen=True)
class Times:
    """A loss multiplied by a factor."""

    loss: Loss
    factor: float
    prior_exact: ClassVar[bool] = True

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.factor * self.loss(outputs, targets)


@dataclass(frozen=True)
class Multiplied(Strategy):
    """Innermost of a stack: multiplies the objective, penalty included, of all that is trained."""

    factor: float
    name: ClassVar[str] = "multiplied"

    def train(self, recipe: Recipe) -> Training:
        return (yield [multiplied(recipe, self.factor)])[0]


def multiplied(recipe: Recipe, factor: float) -> Recipe:
    model = recipe.model if isinstance(recipe.model, MLP) else replace(recipe.model, l2=recipe.model.l2 * factor)
    return replace(recipe, loss=Times(recipe.loss, factor), model=model)


def scale_of(recipe: Recipe) -> float:
    stream = RowStream(recipe)
    stream.draw()
    return gradient_scale(recipe, stream)


def labels(toy: Toy, y: Tensor, **fields: Any) -> Recipe:
    return toy.recipe(train=Split(toy.train.x, y, 2), **fields)


def test_of_cross_entropy_it_is_the_deviation_of_the_label(binary: Toy) -> None:
    """√(p (1 − p)) at the log prior: .5 on balanced rows, .19 at 3.6% positives."""
    n = len(binary.train)
    for positives in (9, n // 2):
        p = positives / n
        recipe = labels(binary, (torch.arange(n) < positives).long())
        assert scale_of(recipe) == pytest.approx(math.sqrt(p * (1 - p)), rel=1e-9)


def test_row_weights_count_by_their_squares(binary: Toy) -> None:
    """A row's gradient is multiplied by its weight: the definition, row by row."""
    by_class = torch.tensor([0.5, 6.0])
    recipe = binary.recipe().reweight(per_row(by_class, binary.train.y))
    w = by_class.double()[binary.train.y] / by_class.double()[binary.train.y].mean()
    share = float((w * binary.train.y).sum() / w.sum())
    by_row = w * (binary.train.y.double() - share).abs()
    assert scale_of(recipe) == pytest.approx(float(by_row.pow(2).mean().sqrt()), rel=1e-9)


def test_an_offset_in_training_moves_the_logits_that_it_is_taken_at(binary: Toy) -> None:
    recipe = binary.recipe(prior_bias=False, offset=(1.0, -1.0))
    p = torch.tensor([1.0, -1.0], dtype=torch.float64).softmax(0)[1].item()
    share = float(binary.train.y.double().mean())
    assert scale_of(recipe) == pytest.approx(math.sqrt(share * (1 - p) ** 2 + (1 - share) * p**2), rel=1e-9)


def test_a_loss_without_gradient_has_scale_one(binary: Toy) -> None:
    assert scale_of(binary.recipe(loss=Times(CrossEntropy(), 0.0))) == 1


@pytest.mark.parametrize("factor", [0.125, 8.0])
@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(8,)), MLP(dim=8), Linear(l2=0.5)], ids=str)
@pytest.mark.parametrize("name", sorted(STRATEGIES.names()))
def test_training_does_not_know_the_scale_of_its_objective(
    name: str, model: MLP | Linear, factor: float, binary: Toy
) -> None:
    """Eight times the objective, or an eighth, of every fit: the same bits, but for the dense epsilon of 1e-8."""
    strategy = STRATEGIES.get(name)()
    if refusal(model, strategy):
        pytest.skip("needs an encoder")
    recipe = binary.recipe(model=model, max_steps=12)
    plain = trained(Chain((strategy,)).train(recipe)).logits(binary.val.x)
    other = trained(Chain((strategy, Multiplied(factor))).train(recipe)).logits(binary.val.x)
    assert torch.equal(plain, other)


def test_members_of_a_stack_have_scales_of_their_own(binary: Toy) -> None:
    """And each trains as it would alone."""
    from tests.training.fits import alone, together

    recipes = [binary.recipe(model=Linear()), multiplied(binary.recipe(model=Linear()), 8.0),
               binary.recipe(model=Linear()).reweight(per_row(torch.tensor([1.0, 7.0]), binary.train.y))]  # fmt: skip
    for recipe, member in zip(recipes, together(recipes), strict=True):
        for key, value in alone(recipe).state.items():
            assert torch.equal(member.state[key], value)
    assert torch.equal(
        trained(asking(recipes[0])).logits(binary.val.x), trained(asking(recipes[1])).logits(binary.val.x)
    )
