"""Meta-Weight-Net: the gradient of the look ahead by its formula, what weights it learns, its balanced rows."""

from __future__ import annotations

import pytest
import torch

from strategies.meta_weight import MetaWeight, learnt_weights, looked_ahead, row_losses
from strategies.spec import Recipe
from strategies.stack import Chain
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import run
from tests.strategies.rows import gen


@pytest.mark.oracle("meta_weight", "equation 12")
def test_the_look_ahead_differentiates_as_the_paper_says() -> None:
    """Equation 12: d(meta loss)/d(weight i) = -rate · <gradient of the meta loss, gradient of row i's>, here of the
    weighted mean: less the mean gradient, over the sum of weights."""
    v, y = torch.randn(6, 3, generator=gen(), dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 0])
    m, t = torch.randn(4, 3, generator=gen(1), dtype=torch.float64), torch.tensor([0, 1, 2, 1])
    head = torch.randn(3, 3, generator=gen(2), dtype=torch.float64, requires_grad=True)
    weight = torch.rand(6, generator=gen(3), dtype=torch.float64).requires_grad_()
    ahead = looked_ahead(head, v, y, weight, 0.3)
    (found,) = torch.autograd.grad(row_losses(ahead, m, t).mean(), weight)
    by_row = []
    for i in range(6):
        (slope,) = torch.autograd.grad(row_losses(head, v[i : i + 1], y[i : i + 1]).sum(), head)
        by_row.append(slope)
    w = weight.detach()
    mean = sum(wi * g for wi, g in zip(w, by_row, strict=True)) / w.sum()
    at = (head - 0.3 * mean).detach().requires_grad_()
    (meta,) = torch.autograd.grad(row_losses(at, m, t).mean(), at)
    expected = torch.stack([-0.3 * (meta * (g - mean)).sum() / w.sum() for g in by_row])
    torch.testing.assert_close(found, expected)


def test_rare_rows_come_to_weigh_more() -> None:
    """Two overlapping heaps of 19 to 1, a balanced set: what is hard for the head is the rare class."""
    y = torch.tensor([0] * 950 + [1] * 50)
    v = torch.randn(1000, 2, generator=gen()) + y.unsqueeze(1) * 1.5
    meta = torch.cat([torch.arange(25), torch.arange(950, 975)])
    w = learnt_weights(v, y, meta, 200, gen(1))
    assert float(w.mean()) == pytest.approx(1)
    assert bool((w > 0).all())
    assert float(w[y == 1].mean()) > 1.3 * float(w[y == 0].mean())


def test_the_first_model_is_plain_and_the_balanced_rows_are_training_rows(multi: Toy) -> None:
    training = Chain((MetaWeight(meta=5),)).train(multi.recipe())
    (first,) = next(training)
    assert first.auxiliary
    assert first.train is multi.train
    (second,) = training.send([trained(asking(first))])
    assert isinstance(second, Recipe)
    assert second.train.weight is not None
    assert float(second.train.weight.mean()) == pytest.approx(1)
    assert 1 < second.notes["effective_sample_size"] <= len(multi.train)
    rows = MetaWeight(meta=5).balanced(multi.recipe())
    assert torch.bincount(multi.train.y[rows]).tolist() == [5] * 4
    assert len(set(rows.tolist())) == 20


def test_it_trains_and_is_no_prior_shift(binary: Toy) -> None:
    predictor = run([MetaWeight(steps=20)], binary.recipe())
    assert predictor.cost.fits == 2
    assert not predictor.prior_exact
