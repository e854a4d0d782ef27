"""The correlated Bayesian t test, with baycomp as the witness."""

from __future__ import annotations

import baycomp  # type: ignore[import-untyped]
import numpy as np
import pytest

from bench.leaderboard.statistics.posterior import correlated_t


@pytest.mark.parametrize("runs", [1, 3])
def test_baycomp_agrees(runs: int) -> None:
    """It derives n_test / n_train from folds, 1 / (n / runs − 1), and names the winner of larger scores first."""
    x = np.random.default_rng(runs).normal(0.02, 0.02, 10 * runs)
    n = len(x)
    error = float(np.sqrt(x.var(ddof=1) * (1 / n + 1 / (n // runs - 1))))
    mine = correlated_t(float(x.mean()), error, n - 1, 0.01)
    theirs = baycomp.CorrelatedTTest(x, np.zeros(n), 0.01, runs=runs).probs()
    assert (mine.first, mine.same, mine.second) == pytest.approx(theirs, abs=1e-9)
