"""The smallest difference that can be found, against scipy's noncentral t."""

from __future__ import annotations

import pytest
import scipy.stats

from bench.leaderboard.statistics.power import minimum_detectable


@pytest.mark.parametrize(("n", "comparisons"), [(3, 1), (5, 10), (20, 3)])
def test_minimum_detectable_has_its_power(n: int, comparisons: int) -> None:
    """At that true difference, the noncentral t of scipy.stats says: found 4 times in 5."""
    size = minimum_detectable(0.02 / n**0.5, n - 1, comparisons=comparisons)
    critical = scipy.stats.t.ppf(1 - 0.025 / comparisons, n - 1)
    assert scipy.stats.nct.sf(critical, n - 1, size / 0.02 * n**0.5) == pytest.approx(0.8, abs=0.005)
