"""LDAM: margins by the paper's formula, its loss by loops, and the second stage from the first."""

from __future__ import annotations

import math

import pytest
import torch

from bench.training.losses import place_loss, stack_losses
from strategies.class_weights import class_weights
from strategies.ldam import Ldam, MarginLoss
from strategies.spec import CosineHead, CrossEntropy
from strategies.stack import Chain
from tests.conftest import CPU, Toy, asking, trained
from tests.strategies.rows import gen


@pytest.mark.oracle("ldam", "equation 13")
def test_margins_fall_with_the_fourth_root_of_the_counts(multi: Toy) -> None:
    """Equation 13, the largest of them `max_margin`."""
    n = torch.bincount(multi.train.y).tolist()
    expected = [0.5 * (min(n) / k) ** 0.25 for k in n]
    assert Ldam().margins(multi.recipe()) == pytest.approx(expected)


@pytest.mark.oracle("ldam", "equation 12 by loops")
def test_the_loss_is_equation_12() -> None:
    """-log e^(z_y − Δ_y) / (e^(z_y − Δ_y) + Σ_{j≠y} e^z_j), by loops."""
    margins = (0.3, 1.0, 2.5)
    z = torch.randn(7, 3, generator=gen(), dtype=torch.float64) * 3
    y = torch.tensor([0, 1, 2, 2, 1, 0, 2])
    expected = []
    for row, t in zip(z.tolist(), y.tolist(), strict=True):
        own = math.exp(row[t] - margins[t])
        expected.append(-math.log(own / (own + sum(math.exp(row[j]) for j in range(3) if j != t))))
    torch.testing.assert_close(MarginLoss(margins)(z, y), torch.tensor(expected, dtype=torch.float64))


def test_without_margins_it_is_cross_entropy() -> None:
    z, y = torch.randn(9, 4, generator=gen()), torch.arange(9) % 4
    assert torch.equal(MarginLoss((0.0,) * 4)(z, y), CrossEntropy()(z, y))


def test_margins_of_a_stack_are_each_members_own() -> None:
    """Alone they become a tensor once; members that differ are stacked."""
    z, y = torch.randn(2, 5, 3, generator=gen()), torch.tensor([[0, 1, 2, 0, 1], [2, 2, 1, 0, 0]])
    losses = [MarginLoss((0.1, 0.2, 0.3)), MarginLoss((1.0, 2.0, 3.0))]
    ((_, together),) = stack_losses(losses)
    found = place_loss(together, CPU, torch.float32)(z, y)
    for k, loss in enumerate(losses):
        alone = place_loss(loss, CPU, torch.float32)
        assert isinstance(alone.margins, torch.Tensor)  # type: ignore[attr-defined]
        torch.testing.assert_close(found[k], alone(z[k], y[k]))


def test_the_second_stage_goes_on_from_the_first_with_weights(multi: Toy) -> None:
    training = Chain((Ldam(),)).train(multi.recipe())
    (first,) = next(training)
    assert first.head == CosineHead(scale=30.0)
    assert first.train.weight is None
    predictor = trained(asking(first))
    (second,) = training.send([predictor])
    assert second.init is predictor
    assert second.keep_head
    assert second.loss == first.loss
    n = torch.bincount(multi.train.y)
    expected = class_weights(n, "effective_number", 0.9999)[multi.train.y]
    torch.testing.assert_close(second.train.weight, expected)


def test_without_the_second_stage_it_is_one_fit(multi: Toy) -> None:
    assert trained(Chain((Ldam(deferred=False),)).train(multi.recipe())).cost.fits == 1
