"""Logit adjustment: its loss, the prior that its logits embody, and what it does to scores afterwards."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from strategies.logit_adjustment import LogitAdjustment
from strategies.oversample import Oversample
from strategies.spec import CrossEntropy
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


@pytest.mark.oracle("logit_adjustment", "equation 10 by loops")
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_the_loss_is_equation_10(tau: float, multi: Toy) -> None:
    """log(1 + Σ_{c≠y} (π_c / π_y)^τ e^(z_c − z_y)), by loops."""
    recipe = LogitAdjustment(tau=tau).prepare(multi.recipe())
    y = multi.train.y[:20]
    z = torch.randn(20, 4, generator=gen(), dtype=torch.float64)
    n = torch.bincount(multi.train.y).tolist()
    expected = [
        math.log1p(sum((n[c] / n[t]) ** tau * math.exp(row[c] - row[t]) for c in range(4) if c != t))
        for t, row in zip(y.tolist(), z.tolist(), strict=True)
    ]
    assert recipe.offset is not None
    found = CrossEntropy()(z + torch.tensor(recipe.offset, dtype=torch.float64), y)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("mode", ["loss", "posthoc"])
def test_the_prior_is_flattened_by_tau(mode: str, multi: Toy) -> None:
    n = torch.bincount(multi.train.y).double()
    for tau in (0.5, 1.0):
        prior = run([LogitAdjustment(tau=tau, mode=mode)], multi.recipe()).prior  # type: ignore[arg-type]
        flat = n ** (1 - tau)
        torch.testing.assert_close(prior, flat / flat.sum(), rtol=1e-9, atol=0)


@pytest.mark.oracle("logit_adjustment", "scores of `none`")
def test_afterwards_two_classes_keep_their_order(binary: Toy) -> None:
    """Equation 9 moves all margins alike: AUROC and average precision are those of `none`, exactly."""
    recipe = binary.recipe(max_steps=30)
    plain, adjusted = run((), recipe), run([LogitAdjustment(mode="posthoc")], recipe)
    y = binary.val.y.numpy()
    before, after = ((z := p.logits(binary.val.x).double())[:, 1] - z[:, 0] for p in (plain, adjusted))
    for measure in (roc_auc_score, average_precision_score):
        assert measure(y, before.numpy()) == measure(y, after.numpy())
    n = torch.bincount(binary.train.y).double()
    torch.testing.assert_close(after - before, torch.full_like(after, math.log(float(n[0] / n[1]))))


def test_balanced_rows_leave_nothing_to_adjust(multi: Toy) -> None:
    recipe = LogitAdjustment().prepare(Oversample().prepare(multi.recipe()))
    assert recipe.offset == pytest.approx([math.log(0.25)] * 4)
