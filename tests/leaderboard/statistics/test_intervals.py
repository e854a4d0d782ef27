"""t intervals, paired differences and Holm's adjustment against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.leaderboard.statistics.intervals import Interval, holm, paired, t_interval
from bench.leaderboard.statistics.power import minimum_detectable


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=12).filter(lambda v: np.std(v) > 1e-6))
def test_paired_agrees_with_scipy(values: list[float]) -> None:
    witness = scipy.stats.ttest_rel(values, np.zeros(len(values)))
    mine = paired(values)
    assert mine.p == pytest.approx(witness.pvalue, rel=1e-9)
    bounds = witness.confidence_interval(0.95)
    assert (mine.low, mine.high) == pytest.approx((bounds.low, bounds.high))


def test_paired_without_variance_is_honest() -> None:
    assert paired([0.0, 0.0, 0.0]).p == 1
    constant = paired([0.02, 0.02])
    assert constant.constant
    assert (constant.p, constant.low) == (None, None)
    assert paired([0.1 + 0.2, 0.3]).p is None  # equal up to rounding is equal
    assert paired([0.02]).p is None
    assert not paired([0.02]).constant


def test_too_few_values() -> None:
    assert t_interval([0.4]) == Interval(0.4, None, None, 1)
    with pytest.raises(ValueError, match="at least one"):
        t_interval([])
    with pytest.raises(ValueError, match="above 0"):
        minimum_detectable(1.0, 0)


def test_holm_by_hand() -> None:
    """Sorted .005, .01, .03, .04 times 4, 3, 2, 1 = .02, .03, .06, .04; made monotone: .02, .03, .06, .06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]
