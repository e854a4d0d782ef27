"""How large a true difference a board would have found, from its own variance."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, ndtr, stdtrit

from bench.leaderboard.statistics.intervals import LEVEL
from bench.leaderboard.statistics.verdicts import Comparison


def minimum_detectable(
    error: float, df: float, *, comparisons: int = 1, level: float = LEVEL, power: float = 0.8
) -> float:
    """The true difference that a t test finds with the given power, at level / comparisons (Holm's first step).

    `error` is the standard error of the mean difference with `df` degrees of freedom. The power is the mean over the
    sampling distribution of that error, which matters at few repeats: the normal approximation is far too hopeful.

    Raises:
        ValueError: df not above 0.
    """
    if not df > 0:
        raise ValueError(f"expected argument `df` to be above 0, but got {df}")
    return _standardised(df, level / comparisons, power) * error


@lru_cache(maxsize=1024)
def _standardised(df: float, level: float, power: float) -> float:
    """The noncentrality at which a two-sided t test with `df` degrees of freedom has this power."""
    critical = float(stdtrit(df, 1 - level / 2))
    grid = (np.arange(512) + 0.5) / 512
    scale = np.sqrt(2 * gammaincinv(df / 2, grid) / df)  # quantiles of s / σ
    low, high = 0.0, critical * 10 + 10
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if ndtr(middle - critical * scale).mean() >= power else (middle, high)
    return high


def detectable(comparison: Comparison, repeats: int | None = None) -> float | None:
    """The true difference of a typical strategy to the baseline that would be found 4 times in 5.

    With another number of `repeats` over splits, variance and overlap are taken to be the same. None where nothing was
    tested, or on one split with another number of repeats.
    """
    n = comparison.repeats
    if comparison.spread is None or comparison.df is None or not comparison.tested:
        return None
    error, df = math.sqrt(comparison.spread), comparison.df
    if repeats is not None and repeats != n:
        if comparison.overlap is None:
            return None
        error *= math.sqrt((1 / repeats + comparison.overlap) / (1 / n + comparison.overlap))
        df *= (repeats - 1) / (n - 1)
    return minimum_detectable(error, df, comparisons=comparison.tested)
