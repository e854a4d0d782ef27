"""How large a difference a design can find, and how many repetitions a difference needs."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from bench.leaderboard.statistics.seeds import LEVEL, NO_SPREAD, ONE_SPLIT, Comparison, Design, Difference


def minimum_detectable(
    deviation: float, n: int, *, comparisons: int = 1, inflation: float = 0.0, level: float = LEVEL, power: float = 0.8
) -> float:
    """The true difference that a paired t test finds with the given power, at level / comparisons (Holm's first step).

    `deviation` is the standard deviation of the differences between `n` units. The power is the mean over the sampling
    distribution of that deviation, which matters at few units: at n = 3 the normal approximation is far too hopeful.

    Raises:
        ValueError: n below 2.
    """
    if n < 2:
        raise ValueError(f"expected argument `n` to be at least 2, but got {n}")
    return _standardised(n, level / comparisons, power) * deviation * math.sqrt(1 / n + inflation)


@lru_cache(maxsize=1024)
def _standardised(n: int, level: float, power: float) -> float:
    """The noncentrality at which a two-sided t test with n − 1 degrees of freedom has this power."""
    critical = float(stdtrit(n - 1, 1 - level / 2))
    grid = (np.arange(512) + 0.5) / 512
    scale = np.sqrt(2 * gammaincinv((n - 1) / 2, grid) / (n - 1))  # quantiles of s / σ
    low, high = 0.0, critical * 10 + 10
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if ndtr(middle - critical * scale).mean() >= power else (middle, high)
    return high


def units_to_separate(
    difference: Difference, *, comparisons: int = 1, inflation: float = 0.0, limit: int = 10_000
) -> int | None:
    """How many units in all would find a difference of this size 4 times in 5, were it and its deviation the truth.

    None where the deviation is unknown or zero, or more than `limit` are needed. With several splits more splits
    cannot beat n_test / n_train, so there may be no such number.
    """
    if not difference.deviation or not difference.mean:
        return None

    def enough(n: int) -> bool:
        size = minimum_detectable(difference.deviation or 0.0, n, comparisons=comparisons, inflation=inflation)
        return size <= abs(difference.mean)

    if not enough(limit):
        return None
    low, high = 1, 2
    while not enough(high):
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable(comparison: Comparison, design: Design = ONE_SPLIT, level: float = LEVEL) -> float | None:
    """Minimum detectable difference of a typical pair: pooled deviation, the most common number of units.

    None where nothing was tested or nothing varied.
    """
    if not comparison.adjusted or design.inflation is None:
        return None
    tested = [comparison.differences[pair] for pair in comparison.adjusted]
    pooled = math.sqrt(math.fsum((d.deviation or 0.0) ** 2 for d in tested) / len(tested))
    if pooled <= NO_SPREAD:
        return None
    counts = Counter(d.n for d in tested)
    n = max(counts, key=lambda count: (counts[count], count))
    return minimum_detectable(pooled, n, comparisons=comparison.tested, inflation=design.inflation, level=level)
