"""Moderated variances and the correction for overlap, by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma

from bench.leaderboard.statistics.variance import moderated, overlap, trigamma_inverse


@given(st.floats(-5, 6))
def test_trigamma_inverse(exponent: float) -> None:
    value = 10**exponent
    assert float(polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-10)


def test_equal_variances_stay_and_are_worth_the_cap() -> None:
    """No variance beyond chance: d0 is infinite, then capped at ν · min(2, k/4)."""
    variances = np.full(8, 0.0004)
    for k, cap in ((8, 2.0), (4, 1.0), (2, 0.5), (30, 2.0)):
        v, df = moderated(variances, np.full(8, 9.0), k)
        assert df == pytest.approx(np.full(8, 9 * (1 + cap)))
        assert (v >= variances).all()


def test_lucky_small_variances_are_lifted_and_noisy_ones_kept() -> None:
    variances = np.array([1e-6, 1e-4, 1.2e-4, 0.9e-4, 1.1e-4, 0.01])
    v, _ = moderated(variances, np.full(6, 4.0), 6)
    assert v[0] > 3 * variances[0]
    assert v[5] == variances[5]


def test_one_strategy_keeps_its_own_variance() -> None:
    v, df = moderated(np.array([0.0004]), np.array([4.0]), 1)
    assert (v.tolist(), df.tolist()) == ([0.0004], [4.0])


def test_overlap_by_hand() -> None:
    """Two splits, d − d′ = .02 and .04: A = (.0002 + .0008)/2 = .0005; B = .002; c = .25 · (1 − .25)."""
    seeds = [np.array([[0.01, 0.03]]), np.array([[0.00, 0.04]])]
    c, estimated = overlap(0.25, np.array([0.002]), seeds)
    assert estimated
    assert c == pytest.approx(0.25 * 0.75)
    assert overlap(0.25, np.array([0.0006]), seeds)[0] == pytest.approx(0.125)  # never below half
    assert overlap(0.25, np.array([0.002]), seeds, averaged=2)[0] == pytest.approx(0.25 * 0.875)
    assert overlap(0.25, np.array([0.002]), seeds[:1]) == (0.25, False)
