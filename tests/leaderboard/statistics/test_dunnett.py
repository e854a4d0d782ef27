"""Critical values against adaptive integration, scipy's multivariate t and the printed table."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from bench.leaderboard.statistics.dunnett import one_sided
from tests.leaderboard.statistics.second import beyond_all


@pytest.mark.parametrize(
    ("k", "df", "printed"), [(1, 5, 2.02), (2, 5, 2.44), (2, 10, 2.15), (5, 10, 2.56), (9, 20, 2.60)]
)
def test_the_printed_table(k: int, df: float, printed: float) -> None:
    """Dunnett (1955), table 1a: one-sided 95% values."""
    assert one_sided(k, df) == pytest.approx(printed, abs=0.006)


@pytest.mark.parametrize(("k", "df"), [(2, 4.0), (7, 12.5), (30, 27.0)])
def test_against_adaptive_integration(k: int, df: float) -> None:
    assert beyond_all(one_sided(k, df), k, df) == pytest.approx(0.05, abs=1e-9)


def test_against_the_multivariate_t() -> None:
    """scipy integrates the distribution of three t statistics with correlation 1/2 by quasi-Monte-Carlo."""
    h = one_sided(3, 8.0)
    shape = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    witness = scipy.stats.multivariate_t(shape=shape, df=8, seed=0).cdf(np.full(3, h), maxpts=200_000)
    assert witness == pytest.approx(0.95, abs=2e-4)


def test_impossible_arguments() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        one_sided(0, 5)
    with pytest.raises(ValueError, match="above 0"):
        one_sided(3, 0)
