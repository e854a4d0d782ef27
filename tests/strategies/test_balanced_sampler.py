"""Class-balanced and square-root sampling: shares by the paper's formula, rows drawn alike."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare

from strategies.balanced_sampler import BalancedSampler, DrawByClass
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import counts, gen, labels


@pytest.mark.parametrize("power", [0.0, 0.5, 0.8])
def test_shares_are_equation_1(power: float) -> None:
    n = (600, 250, 100, 50)
    y = labels(*n)
    found = counts(DrawByClass(power)(torch.arange(1000), y, gen()), y)
    shares = [k**power / sum(j**power for j in n) for k in n]
    assert found == [round(1000 * s) for s in shares]


def test_rows_of_a_class_are_drawn_alike_and_with_replacement() -> None:
    y = labels(2000, 40)
    rows = DrawByClass(0.0)(torch.arange(2040), y, gen(1))
    for c, n in ((0, 2000), (1, 40)):
        drawn = torch.bincount(rows, minlength=2040)[y == c]
        assert len(drawn) == n
        assert int(drawn.max()) > 1
        assert chisquare(drawn.numpy()).pvalue > 1e-3


def test_a_class_of_one_row_stays_in_the_epoch() -> None:
    y = labels(999, 1)
    assert counts(DrawByClass(0.99)(torch.arange(1000), y, gen()), y)[1] >= 1


def test_it_sees_what_earlier_samplers_left() -> None:
    y = labels(90, 10)
    left = torch.cat([(y == 0).nonzero().flatten()[:30], (y == 1).nonzero().flatten()])
    rows = DrawByClass(0.0)(left, y, gen())
    assert len(rows) == 40
    assert set(rows.tolist()) <= set(left.tolist())


def test_the_prior_is_that_of_the_draws(multi: Toy) -> None:
    n = torch.bincount(multi.train.y).double()
    wanted = (len(multi.train) * n.sqrt() / n.sqrt().sum()).round()
    prior = run([BalancedSampler(power=0.5)], multi.recipe()).prior
    torch.testing.assert_close(prior, wanted / wanted.sum(), rtol=1e-9, atol=0)
