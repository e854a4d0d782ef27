"""Asymmetric loss: the paper's formula for one label, cross entropy at its limit, finite gradients, a γ a class."""

from __future__ import annotations

import math

import pytest
import torch

from bench.training.losses import place_loss, stack_losses
from strategies.asymmetric import Asymmetric, AsymmetricLoss
from strategies.focal import FocalLoss
from strategies.spec import CrossEntropy
from tests.conftest import CPU, Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


def paper(p: float, y: int, positive: float, negative: float, m: float) -> float:
    """Equations 4 to 7 of Ridnik et al. for one label of probability p."""
    if y == 1:
        return -((1 - p) ** positive) * math.log(p)
    shifted = max(p - m, 0.0)
    return -(shifted**negative) * math.log(1 - shifted)


@pytest.mark.oracle("asymmetric", "equation 7")
@pytest.mark.parametrize(("positive", "negative", "m"), [(0, 4, 0.05), (1, 4, 0.2), (0, 2, 0.0), (1.5, 0.5, 0.1)])
def test_two_classes_are_the_papers_loss(positive: float, negative: float, m: float, binary: Toy) -> None:
    strategy = Asymmetric(gamma_negative=negative, gamma_positive=positive, margin=m)
    loss = strategy.prepare(binary.recipe()).loss
    z = torch.randn(40, 2, generator=gen(), dtype=torch.float64) * 3
    y = torch.arange(40) % 2
    expected = [
        paper(1 / (1 + math.exp(a - b)), t, positive, negative, m)
        for (a, b), t in zip(z.tolist(), y.tolist(), strict=True)
    ]
    torch.testing.assert_close(loss(z, y), torch.tensor(expected, dtype=torch.float64))
    assert not loss.prior_exact


@pytest.mark.oracle("asymmetric", "focal loss, cross entropy")
def test_equal_exponents_without_a_margin_are_focal_and_none_is_cross_entropy() -> None:
    z, y = torch.randn(30, 4, generator=gen()), torch.arange(30) % 4
    torch.testing.assert_close(AsymmetricLoss((2.0,) * 4, (0.0,) * 4)(z, y), FocalLoss(2.0)(z, y))
    off = AsymmetricLoss((0.0,) * 4, (0.0,) * 4)
    assert torch.equal(off(z, y), CrossEntropy()(z, y))
    assert off.prior_exact


def test_the_largest_class_is_the_negative_one(multi: Toy) -> None:
    loss = Asymmetric(gamma_positive=1.0).prepare(multi.recipe()).loss
    assert loss == AsymmetricLoss((4.0, 1.0, 1.0, 1.0), (0.05, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 4.0])
def test_values_and_gradients_are_finite_whatever_the_logits(gamma: float) -> None:
    for size in (0.0, 1.0, 50.0, 200.0):
        z = torch.tensor([[size, -size], [-size, size]] * 2, requires_grad=True)
        value = AsymmetricLoss((gamma, gamma), (0.05, 0.0))(z, torch.tensor([0, 0, 1, 1]))
        (slope,) = torch.autograd.grad(value.sum(), z)
        assert bool(value.isfinite().all())
        assert bool(slope.isfinite().all())


def test_members_of_a_stack_have_their_own() -> None:
    z, y = torch.randn(2, 5, 3, generator=gen()), torch.tensor([[0, 1, 2, 0, 1], [2, 2, 1, 0, 0]])
    losses = [AsymmetricLoss((4.0, 0.0, 0.0), (0.05, 0.0, 0.0)), AsymmetricLoss((1.0, 2.0, 0.5), (0.2, 0.0, 0.1))]
    ((_, together),) = stack_losses(losses)
    found = place_loss(together, CPU, torch.float32)(z, y)
    for k, loss in enumerate(losses):
        torch.testing.assert_close(found[k], loss(z[k], y[k]))


def test_it_trains(binary: Toy) -> None:
    assert not run([Asymmetric()], binary.recipe()).prior_exact
