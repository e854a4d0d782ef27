"""Means, paired differences and their t intervals: pure functions of numbers.

`scipy.special` supplies the distributions (`scipy.stats` takes half a second to import).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

LEVEL = 0.05
"""The error rate of each family of verdicts; intervals cover one minus this."""

FEWEST = 20
"""Of so many rows of a class a test part must have, or a bootstrap and a verdict are refused."""

NO_SPREAD = 1e-12
"""Metrics that differ by no more than this are equal up to rounding."""


@dataclass(frozen=True)
class Interval:
    """A mean of `n` values and its t interval; the bounds are None where `n` is below 2."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Difference(Interval):
    """A mean paired difference, its interval and two-sided p value, and the number of (split, seed) pairs behind it.

    `n` is what the test counts, repeats; `deviation` is the standard deviation of these `n` differences, `error` the
    standard error of the mean and `df` its degrees of freedom.
    """

    p: float | None = None
    pairs: int = 0
    deviation: float | None = None
    error: float | None = None
    df: float | None = None

    @property
    def constant(self) -> bool:
        """Whether the differences are all the same and not zero, so that a t test has no variance to judge by."""
        return self.n >= 2 and self.p is None and self.low is None and self.deviation == 0


def t_interval(values: Sequence[float], level: float = 1 - LEVEL, inflation: float | None = 0.0) -> Interval:
    """Mean and t interval of values; the variance of the mean is (1/n + inflation) s² (Nadeau and Bengio 2003).

    The bounds are None for fewer than two values or where `inflation` is None (unknown). Equal values give an interval
    of width zero, as the formula says.

    Raises:
        ValueError: no values.
    """
    n = len(values)
    if n == 0:
        raise ValueError("expected argument `values` to hold at least one number, but got none")
    mean = math.fsum(values) / n
    if n < 2 or inflation is None:
        return Interval(mean, None, None, n)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * _deviation(values) * math.sqrt(1 / n + inflation)
    return Interval(mean, mean - half, mean + half, n)


def paired(
    differences: Sequence[float],
    level: float = 1 - LEVEL,
    inflation: float | None = 0.0,
    pairs: int | None = None,
) -> Difference:
    """Mean difference with its t interval and two-sided p value (Student's paired t; corrected with `inflation`).

    No p value for fewer than two differences. Differences that are all zero have p = 1. Differences that are all the
    same number *other* than zero have neither p nor interval: the t statistic would be infinite and call two
    repetitions proof, yet coarse metrics (recall among a few positives) repeat a difference by chance.

    Raises:
        ValueError: no differences.
    """
    interval = t_interval(differences, level, inflation)
    pairs = interval.n if pairs is None else pairs
    if interval.low is None or inflation is None:
        return Difference(interval.mean, None, None, interval.n, None, pairs)
    if max(differences) - min(differences) <= NO_SPREAD:
        if max(map(abs, differences)) <= NO_SPREAD:
            return Difference(0.0, 0.0, 0.0, interval.n, 1.0, pairs, 0.0)
        return Difference(interval.mean, None, None, interval.n, None, pairs, 0.0)
    deviation = _deviation(differences)
    error, df = deviation * math.sqrt(1 / interval.n + inflation), interval.n - 1
    p = 2 * float(stdtr(df, -abs(interval.mean) / error))
    return Difference(interval.mean, interval.low, interval.high, interval.n, p, pairs, deviation, error, df)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the order given (Holm 1979)."""
    m = len(p_values)
    adjusted = [0.0] * m
    running = 0.0
    for step, index in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (m - step) * p_values[index]))
        adjusted[index] = running
    return adjusted


def _deviation(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
