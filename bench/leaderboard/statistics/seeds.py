"""What the repetitions at hand can tell apart: pure functions of numbers, no records and no names of metrics.

A *unit* is one (split, seed). Strategies are compared on the units that both have: the same test rows, the same
partition, the same initial weights. `scipy.special` supplies the distributions (`scipy.stats` takes half a second to
import).
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtr, stdtrit

Unit = tuple[int, int]
"""(split, seed)."""

LEVEL = 0.05
"""The family-wise error rate of shared ranks; intervals cover one minus this."""

FEWEST = 20
"""Below so many units a percentile bootstrap covers too little (75, 84, 90% over 3, 5, 10) and is refused."""

NO_SPREAD = 1e-12  # below this, differences of metrics are equal up to rounding


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

    `n` is what the test counts: pairs on one split, splits where there are several; `deviation` is the standard
    deviation of these `n` differences.
    """

    p: float | None = None
    pairs: int = 0
    deviation: float | None = None

    @property
    def constant(self) -> bool:
        """Whether the differences are all the same and not zero, so that a t test has no variance to judge by."""
        return self.n >= 2 and self.p is None and self.low is None


@dataclass(frozen=True)
class Design:
    """How the units were drawn: the number of splits and, for several, n_test / n_train (None where unknown)."""

    splits: int = 1
    ratio: float | None = None

    @property
    def inflation(self) -> float | None:
        """What Nadeau and Bengio (2003) add to 1/n in the variance of the mean: 0 for one split."""
        return 0.0 if self.splits <= 1 else self.ratio

    def values(self, by_unit: Mapping[Unit, float]) -> list[float]:
        """The values that a test may count: one a seed on one split, else the mean of each split.

        Seeds of one split share their test rows; counting each would pass them off as independent.
        """
        if self.splits <= 1:
            return [by_unit[unit] for unit in sorted(by_unit)]
        grouped: dict[int, list[float]] = defaultdict(list)
        for split, seed in sorted(by_unit):
            grouped[split].append(by_unit[split, seed])
        return [math.fsum(values) / len(values) for values in grouped.values()]

    def estimand(self) -> str:
        """What every interval on the board is about, in a sentence."""
        varied = "train/validation partition, initial weights, batch order"
        if self.splits <= 1:
            return (
                f"Holds for this data set and this split: ± covers what a new seed changes ({varied}), "
                "not other test rows."
            )
        if self.ratio is None:
            return (
                f"{self.splits} splits, but the records do not tell n_train and n_test, so the corrected t test cannot "
                "be computed and no interval is given."
            )
        return (
            f"Holds for this data set: ± covers new splits of it and new seeds ({varied}); Nadeau-Bengio corrected t "
            f"over the means of {self.splits} splits, n_test/n_train = {self.ratio:.3g}."
        )


ONE_SPLIT = Design()


def t_interval(values: Sequence[float], level: float = 1 - LEVEL, inflation: float | None = 0.0) -> Interval:
    """Mean and t interval of independent values; the variance of the mean is (1/n + inflation) s².

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
    p = 2 * float(stdtr(interval.n - 1, -abs(interval.mean) / (deviation * math.sqrt(1 / interval.n + inflation))))
    return Difference(interval.mean, interval.low, interval.high, interval.n, p, pairs, deviation)


def compare(a: Mapping[Unit, float], b: Mapping[Unit, float], design: Design = ONE_SPLIT) -> Difference | None:
    """a − b on the units that both have; None where they have none in common."""
    common = {unit: a[unit] - b[unit] for unit in a.keys() & b.keys()}
    if not common:
        return None
    return paired(design.values(common), inflation=design.inflation, pairs=len(common))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the order given (Holm 1979)."""
    m = len(p_values)
    adjusted = [0.0] * m
    running = 0.0
    for step, index in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (m - step) * p_values[index]))
        adjusted[index] = running
    return adjusted


@dataclass(frozen=True)
class Comparison:
    """All pairs of strategies: shared ranks, the differences (first − second), and Holm-adjusted p values.

    A rank is None where a strategy is in no pair with two or more common units: nothing was tested. `ranges` is what
    the same tests leave open: from the rank to the number of strategies less those that are significantly worse.
    """

    ranks: Mapping[str, int | None]
    differences: Mapping[tuple[str, str], Difference]
    adjusted: Mapping[tuple[str, str], float]
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def tested(self) -> int:
        """How many pairs have a p value: what Holm's adjustment counts."""
        return len(self.adjusted)

    def between(self, a: str, b: str) -> Difference | None:
        """a − b, whichever way round it was computed; None where they have no unit in common."""
        if (a, b) in self.differences:
            return self.differences[a, b]
        d = self.differences.get((b, a))
        if d is None:
            return None
        low, high = (None, None) if d.low is None or d.high is None else (-d.high, -d.low)
        return Difference(-d.mean, low, high, d.n, d.p, d.pairs, d.deviation)

    def p_of(self, a: str, b: str) -> float | None:
        """The adjusted p value of a pair, whichever way round."""
        return self.adjusted.get((a, b), self.adjusted.get((b, a)))


def pairwise(
    values: Mapping[str, Mapping[Unit, float]], design: Design = ONE_SPLIT
) -> dict[tuple[str, str], Difference]:
    """`compare` of every pair that has units in common; at once where all have the same units."""
    names, first = list(values), next(iter(values.values()), {})
    if len(first) < 2 or design.inflation is None or any(v.keys() != first.keys() for v in values.values()):
        found = {(a, b): compare(values[a], values[b], design) for a, b in itertools.combinations(names, 2)}
        return {pair: d for pair, d in found.items() if d is not None}
    matrix = np.array([design.values(v) for v in values.values()])
    n = matrix.shape[1]
    if n < 2:
        found = {(a, b): compare(values[a], values[b], design) for a, b in itertools.combinations(names, 2)}
        return {pair: d for pair, d in found.items() if d is not None}
    rows, columns = np.triu_indices(len(names), 1)
    differences = matrix[rows] - matrix[columns]
    means, deviations = differences.mean(axis=1), differences.std(axis=1, ddof=1)
    flat = np.ptp(differences, axis=1) <= NO_SPREAD
    errors = np.where(flat, 1.0, deviations) * math.sqrt(1 / n + design.inflation)
    halves = float(stdtrit(n - 1, 1 - LEVEL / 2)) * errors
    p_values = 2 * stdtr(n - 1, -np.abs(means) / errors)
    result: dict[tuple[str, str], Difference] = {}
    columns_of = (rows, columns, means, halves, p_values, deviations, flat)
    for i, j, mean, half, p, s, same in zip(*(c.tolist() for c in columns_of), strict=True):
        pair = names[i], names[j]
        if same:  # rare, and with rules of its own
            result[pair] = paired([mean] * n, inflation=design.inflation, pairs=len(first))
        else:
            result[pair] = Difference(mean, mean - half, mean + half, n, p, len(first), s)
    return result


def shared_ranks(
    values: Mapping[str, Mapping[Unit, float]],
    *,
    higher_is_better: bool,
    design: Design = ONE_SPLIT,
    level: float = LEVEL,
) -> Comparison:
    """Rank = 1 + number of strategies that are significantly better.

    Better means: the paired t test on the common units, Holm-adjusted over all pairs that can be tested, has p ≤ level.
    `values` maps each strategy to its metric by unit.
    """
    differences = pairwise(values, design)
    testable = {pair: d.p for pair, d in differences.items() if d.p is not None}
    adjusted = dict(zip(testable, holm(list(testable.values())), strict=True))
    compared = {name for pair, d in differences.items() if d.n >= 2 and design.inflation is not None for name in pair}
    better, worse = dict.fromkeys(values, 0), dict.fromkeys(values, 0)
    for (a, b), p in adjusted.items():
        if p <= level:
            first_wins = (differences[a, b].mean > 0) == higher_is_better
            better[b if first_wins else a] += 1
            worse[a if first_wins else b] += 1
    ranks = {name: 1 + better[name] if name in compared else None for name in values}
    ranges = {name: (1 + better[name], len(compared) - worse[name]) for name in values if name in compared}
    return Comparison(ranks, differences, adjusted, ranges)


def _deviation(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
