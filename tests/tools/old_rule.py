"""The rule that boards had before, for comparison: all pairs, each with its own variance, Holm over all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from bench.leaderboard.statistics.intervals import LEVEL, holm

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Old:
    """Of strategies beside the first: significantly better, worse, interval of the difference; and who is rank 1."""

    better: npt.NDArray[np.bool_]
    worse: npt.NDArray[np.bool_]
    low: Floats
    high: Floats
    first: npt.NDArray[np.bool_]


def old_rule(table: Floats, inflation: float) -> Old:
    """Judge a table (K, n), the baseline first; `inflation` is n_test / n_train over splits, 0 over seeds."""
    k, n = table.shape
    a, b = np.triu_indices(k, 1)
    d = table[a] - table[b]
    mean, error = d.mean(axis=1), d.std(axis=1, ddof=1) * math.sqrt(1 / n + inflation)
    with np.errstate(divide="ignore"):  # without noise of its own every difference is sure
        p = 2 * stdtr(n - 1, -np.abs(mean) / error)
    shown = np.array(holm(p.tolist())) <= LEVEL
    beaten = np.zeros(k, bool)
    beaten[np.where(mean > 0, b, a)[shown]] = True
    own = a == 0
    half = float(stdtrit(n - 1, 1 - LEVEL / 2)) * error[own]
    return Old(
        shown[own] & (mean[own] < 0), shown[own] & (mean[own] > 0), -mean[own] - half, -mean[own] + half, ~beaten
    )
