"""Balanced softmax: its loss by the paper's formula, logit adjustment under another name, its prior."""

from __future__ import annotations

import math

import pytest
import torch

from strategies.balanced_softmax import BalancedSoftmax
from strategies.logit_adjustment import LogitAdjustment
from strategies.undersample import Undersample
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


@pytest.mark.oracle("balanced_softmax", "equation 3 by loops")
def test_the_loss_is_equation_3(multi: Toy) -> None:
    """-log n_y e^(z_y) / Σ_j n_j e^(z_j), by loops."""
    recipe = BalancedSoftmax().prepare(multi.recipe())
    assert recipe.offset is not None
    n = torch.bincount(multi.train.y).tolist()
    z, y = torch.randn(9, 4, generator=gen(), dtype=torch.float64), torch.arange(9) % 4
    expected = [
        -math.log(n[t] * math.exp(row[t]) / sum(n[j] * math.exp(row[j]) for j in range(4)))
        for row, t in zip(z.tolist(), y.tolist(), strict=True)
    ]
    found = recipe.loss(z + torch.tensor(recipe.offset, dtype=torch.float64), y)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_it_is_logit_adjustment_of_the_loss(power: float, multi: Toy) -> None:
    """Bit for bit; the prior is the counts to the power 1 - `power`."""
    ours, theirs = (run([s], multi.recipe()) for s in (BalancedSoftmax(power), LogitAdjustment(tau=power)))
    assert torch.equal(ours.logits(multi.val.x), theirs.logits(multi.val.x))
    share = torch.bincount(multi.train.y).double() ** (1 - power)
    torch.testing.assert_close(ours.prior, share / share.sum())
    assert ours.prior_exact


def test_it_counts_the_rows_that_a_sampler_before_it_left(binary: Toy) -> None:
    recipe = BalancedSoftmax().prepare(Undersample(ratio=0.5).prepare(binary.recipe()))
    assert recipe.offset == pytest.approx((math.log(2 / 3), math.log(1 / 3)), abs=1e-9)
