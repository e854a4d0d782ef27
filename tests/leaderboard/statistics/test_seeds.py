"""Comparisons over seeds and splits against scipy, by hand, and by simulated copies of one strategy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.leaderboard.statistics.power import detectable, minimum_detectable
from bench.leaderboard.statistics.seeds import Design, Interval, compare, holm, paired, shared_ranks, t_interval


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
    with pytest.raises(ValueError, match="at least 2"):
        minimum_detectable(1.0, 1)


def test_holm_by_hand() -> None:
    """Sorted .005, .01, .03, .04 times 4, 3, 2, 1 = .02, .03, .06, .04; made monotone: .02, .03, .06, .06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_nadeau_bengio_by_hand() -> None:
    """Means of 3 splits .1, .2, .3 (two seeds each): s = .1, variance (1/3 + .25) s², t(.975, 2) = 4.3027."""
    a = {(split, seed): 0.5 + 0.1 * (split + 1) + 0.01 * (-1) ** seed for split in range(3) for seed in range(2)}
    b = dict.fromkeys(a, 0.5)
    difference = compare(a, b, Design(3, 0.25))
    assert difference is not None
    assert difference.mean == pytest.approx(0.2)
    assert difference.half == pytest.approx(4.30265 * 0.1 * (1 / 3 + 0.25) ** 0.5, rel=1e-5)
    assert (difference.n, difference.pairs) == (3, 6)
    unknown = compare(a, b, Design(3, None))
    assert unknown is not None
    assert (unknown.p, unknown.low) == (None, None)


def test_a_a_familywise_error_and_coverage() -> None:
    """Copies of one strategy are called different in at most 5% of 2,000 tables; 95% intervals cover 95%."""
    generator = np.random.default_rng(7)
    tables, names, n = 2000, list("abcdef"), 5
    false, covered = 0, 0
    for _ in range(tables):
        seeds, noise = generator.normal(0, 0.02, n), generator.normal(0, 0.01, (len(names), n))
        values = {
            name: {(0, s): float(0.3 + seeds[s] + e[s]) for s in range(n)} for name, e in zip(names, noise, strict=True)
        }
        ranks = shared_ranks(values, higher_is_better=True).ranks
        false += any(rank != 1 for rank in ranks.values())
        interval = t_interval(list(values["a"].values()))
        covered += interval.low <= 0.3 <= interval.high  # type: ignore[operator]
    assert scipy.stats.binomtest(false, tables).proportion_ci(0.95, "exact").low <= 0.05
    assert false > 0.01 * tables  # not by never finding anything
    bounds = scipy.stats.binomtest(covered, tables).proportion_ci(0.95, "exact")
    assert bounds.low <= 0.95 <= bounds.high


def test_a_a_over_splits_is_conservative() -> None:
    """Copies that differ by seed noise only, 5 splits × 2 seeds: at most the nominal rate."""
    generator = np.random.default_rng(11)
    tables, units = 1000, [(split, seed) for split in range(5) for seed in range(2)]
    false = 0
    for _ in range(tables):
        hard = generator.normal(0, 0.03, 5)
        values = {c: {u: float(hard[u[0]] + generator.normal(0, 0.01)) for u in units} for c in "abc"}
        ranks = shared_ranks(values, higher_is_better=True, design=Design(5, 0.25)).ranks
        false += any(rank != 1 for rank in ranks.values())
    assert scipy.stats.binomtest(false, tables).proportion_ci(0.95, "exact").low <= 0.05


def test_ranks_follow_the_direction_and_ignore_ties() -> None:
    seeds = range(5)
    values = {
        "low": {(0, s): 0.1 + 0.001 * s for s in seeds},
        "high": {(0, s): 0.5 + 0.002 * s * s for s in seeds},
        "twin": {(0, s): 0.5 + 0.002 * s * s for s in seeds},
    }
    assert shared_ranks(values, higher_is_better=True).ranks == {"low": 3, "high": 1, "twin": 1}
    assert shared_ranks(values, higher_is_better=False).ranks == {"low": 1, "high": 2, "twin": 2}


def test_a_strategy_without_common_seeds_has_no_rank() -> None:
    values = {"a": {(0, 0): 0.1, (0, 1): 0.2}, "b": {(0, 0): 0.3, (0, 1): 0.5}, "c": {(0, 1): 0.9}}
    comparison = shared_ranks(values, higher_is_better=True)
    assert comparison.ranks == {"a": 1, "b": 1, "c": None}
    assert comparison.tested == 1  # untestable pairs do not count against the others
    assert detectable(comparison) is not None
