"""Who is better than doing nothing, and who could be best: the one rule behind every verdict.

Differences to the baseline are judged as one family (moderated variances, Holm), and who could be best is judged by
comparing everybody with the best (Hsu 1984, Dunnett's critical value). Boards and advice have no other verdicts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from bench.leaderboard.statistics.design import LOOK, ONE_SPLIT, Design, Unit
from bench.leaderboard.statistics.dunnett import one_sided
from bench.leaderboard.statistics.intervals import LEVEL, NO_SPREAD, Difference, holm
from bench.leaderboard.statistics.pairs import Pairs, RowNoise, differences_of
from bench.leaderboard.statistics.posterior import Posterior, correlated_t
from bench.leaderboard.statistics.variance import overlap

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Verdict = Literal["better", "worse", "same", "undecided", "identical"]

ROPE: Final = 0.01
"""Differences of at most this are practically none: one point of AP or macro-F1 (`board.rope`)."""


@dataclass(frozen=True)
class Comparison:
    """What the repeats say; differences are strategy − baseline in the metric's own sign.

    There are no verdicts where nobody may be judged (`judged` is false), and none of a strategy with too few repeats.
    `beaten_by` holds, of each strategy, those that rule it out as the best. `adjusted` holds Holm's p values, `spread`
    is the mean variance of these mean differences, `df` their degrees of freedom, `repeats` how many repeats there are.
    """

    baseline: str | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    adjusted: Mapping[str, float] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    chances: Mapping[str, Posterior] = field(default_factory=dict)
    beaten_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    overlap: float | None = None
    estimated: bool = False
    repeats: int = 0
    spread: float | None = None
    df: float | None = None
    judged: bool = False
    rope: float = ROPE

    @property
    def tested(self) -> int:
        """How many comparisons with the baseline have a p value: what Holm's adjustment counts."""
        return len(self.adjusted)

    def could_be_best(self, among: Collection[str] | None = None) -> tuple[str, ...]:
        """Those whom none of the others rules out; of all strategies, or of some that are left to choose from."""
        names = [name for name in self.beaten_by if among is None or name in among]
        return tuple(name for name in names if not self.beaten_by[name] & set(names))

    def with_verdict(self, *verdicts: Verdict) -> tuple[str, ...]:
        """The strategies with one of these verdicts."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict in verdicts)


def judge(
    values: Mapping[str, Mapping[Unit, float]],
    baseline: str | None,
    *,
    higher_is_better: bool,
    design: Design = ONE_SPLIT,
    rope: float = ROPE,
    rows: RowNoise | None = None,
    allowed: bool = True,
) -> Comparison:
    """The comparison of strategies by their metric on each unit.

    Args:
        values: each strategy's metric by (split, seed).
        baseline: the strategy to beat; without one there are no differences, but who could be best is said.
        higher_is_better: which way the metric is good.
        design: what was repeated.
        rope: half the width of the region of practical equivalence.
        rows: on a given split, what other test rows would change; without it nobody is judged there.
        allowed: false where a guard forbids verdicts: intervals only.
    """
    names = [name for name, by_unit in values.items() if by_unit]
    by_repeat = [design.repeats(values[name]) for name in names]
    keys = sorted({key for found in by_repeat for key in found})
    if len(names) < 2 or not keys:
        return Comparison(baseline, repeats=len(keys), rope=rope)
    table = np.array([[found.get(key, math.nan) for key in keys] for found in by_repeat])
    usable = [i for i in range(len(names)) if np.isfinite(table[i]).any()]
    names, table = [names[i] for i in usable], table[usable]
    sign = 1.0 if higher_is_better else -1.0
    at = names.index(baseline) if baseline in names else None
    seeds = _per_split(values, names, design) if design.splits > 1 else []
    averaged = _averaged(values, design)
    noise = rows.of(names) if rows is not None and design.splits <= 1 else None

    first, second = (
        np.array(side, np.int64) for side in zip(*itertools.combinations(range(len(names)), 2), strict=True)
    )
    own = [] if at is None else [i for i in range(len(names)) if i != at]
    index = (np.array(own, np.int64), np.full(len(own), at or 0))
    c, estimated = _overlap(table, *(index if own else (first, second)), seeds=seeds, design=design, averaged=averaged)
    judged = allowed and len(keys) >= LOOK and (noise is not None if design.splits <= 1 else c is not None)
    beside = _others(table, at)

    against = differences_of(table, *index, k=beside, c=c, rows=noise) if own else None
    differences, p_values, chances = dict[str, Difference](), dict[str, float](), dict[str, Posterior]()
    for place, i in enumerate(own):
        assert against is not None
        found = _difference(against, place, _common(values[names[i]], values[baseline or ""], design))
        if found is None:
            continue
        if judged and found.n >= LOOK and found.error is not None and found.df is not None and found.p is not None:
            p_values[names[i]] = found.p
            chances[names[i]] = correlated_t(sign * found.mean, found.error, found.df, rope)
        differences[names[i]] = found if judged else replace(found, p=None)
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    verdicts = {
        name: _verdict(d, adjusted.get(name), sign, rope) for name, d in differences.items() if judged and d.n >= LOOK
    }
    beaten: dict[str, frozenset[str]] = {}
    if judged:
        beaten = _beaten(
            names, first, second, differences_of(table, first, second, k=beside, c=c, rows=noise), sign=sign, k=beside
        )
    tested = [place for place, i in enumerate(own) if names[i] in adjusted]
    return Comparison(
        baseline,
        differences,
        adjusted,
        verdicts,
        chances,
        beaten,
        c if design.splits > 1 else None,
        estimated,
        len(keys),
        float((against.error[tested] ** 2).mean()) if against is not None and tested else None,
        float(np.median(against.df[tested])) if against is not None and tested else None,
        judged,
        rope,
    )


def _difference(pairs: Pairs, place: int, common: int) -> Difference | None:
    """One difference to the baseline; None without common repeats."""
    mean, n, error, df = (float(part[place]) for part in (pairs.mean, pairs.n, pairs.error, pairs.df))
    if n == 0:
        return None
    if n < 2 or not math.isfinite(error):
        return Difference(mean, None, None, int(n), None, common)
    if pairs.flat[place]:
        if abs(mean) <= NO_SPREAD:
            return Difference(0.0, 0.0, 0.0, int(n), 1.0, common, 0.0)
        return Difference(mean, None, None, int(n), None, common, 0.0)
    half = float(stdtrit(df, 1 - LEVEL / 2)) * error
    p = 2 * float(stdtr(df, -abs(mean) / error))
    deviation = math.sqrt(float(pairs.variance[place]))
    return Difference(mean, mean - half, mean + half, int(n), p, common, deviation, error, df)


def _verdict(d: Difference, adjusted: float | None, sign: float, rope: float) -> Verdict:
    """What one difference shows: significance first, then equivalence (the 90% interval within ±rope)."""
    if adjusted is None or d.error is None or d.df is None:
        return "identical" if d.low == d.high == 0 else "undecided"
    if adjusted <= LEVEL:
        return "better" if sign * d.mean > 0 else "worse"
    half = float(stdtrit(d.df, 1 - LEVEL)) * d.error
    return "same" if abs(d.mean) + half < rope else "undecided"


def _beaten(
    names: Sequence[str],
    first: Ints,
    second: Ints,
    pairs: Pairs,
    *,
    sign: float,
    k: int,
) -> dict[str, frozenset[str]]:
    """Of each strategy, those that are better by more than Dunnett's critical value times the error (Hsu 1984)."""
    found: dict[str, set[str]] = {name: set() for name in names}
    sure = (pairs.n >= LOOK) & ~pairs.flat & np.isfinite(pairs.error)
    for i, j, mean, error, df in zip(
        *(part[sure].tolist() for part in (first, second, pairs.mean, pairs.error, pairs.df)), strict=True
    ):
        if abs(mean) > one_sided(k, df) * error:
            better, worse = (i, j) if sign * mean > 0 else (j, i)
            found[names[worse]].add(names[better])
    return {name: frozenset(others) for name, others in found.items()}


def _overlap(
    table: Floats,
    first: Ints,
    second: Ints,
    *,
    seeds: Sequence[Floats],
    design: Design,
    averaged: int,
) -> tuple[float | None, bool]:
    """The c of the variance of mean differences: 0 on one split, None where n_test / n_train is unknown."""
    if design.splits <= 1:
        return 0.0, False
    if design.ratio is None:
        return None, False
    d = table[first] - table[second]
    whole = np.isfinite(d).sum(axis=1) > 1
    with np.errstate(invalid="ignore"):
        variance = np.array([np.nanvar(line, ddof=1) if ok else 0.0 for line, ok in zip(d, whole, strict=True)])
    varies = variance > NO_SPREAD**2
    return overlap(design.ratio, variance[varies], [(s[first] - s[second])[varies] for s in seeds], averaged)


def _per_split(values: Mapping[str, Mapping[Unit, float]], names: Sequence[str], design: Design) -> list[Floats]:
    """The values (K, seeds) of each split with several seeds; NaN where a run is missing."""
    units = sorted({unit for name in names for unit in values[name]})
    found = []
    for split, members in itertools.groupby(units, key=lambda unit: unit[0]):
        of_split = list(members)
        if len(of_split) > 1:
            found.append(
                np.array([[values[name].get((split, seed), math.nan) for _, seed in of_split] for name in names])
            )
    return found


def _averaged(values: Mapping[str, Mapping[Unit, float]], design: Design) -> int:
    """How many seeds are averaged in a repeat: 1, or as many as every split has."""
    if design.splits <= 1 or design.counted is not None:
        return 1
    units = {unit for by_unit in values.values() for unit in by_unit}
    return max(1, len(units) // max(1, len({split for split, _ in units})))


def _common(a: Mapping[Unit, float], b: Mapping[Unit, float], design: Design) -> int:
    """How many runs both have of the units that count."""
    return sum(map(design.counts, a.keys() & b.keys()))


def _others(table: Floats, at: int | None) -> int:
    """k: the strategies beside the baseline; those that are the baseline, value for value, are left out."""
    if at is None:
        return len(table) - 1
    with np.errstate(invalid="ignore"):
        same = np.nan_to_num(np.abs(table - table[at])).max(axis=1) <= NO_SPREAD
    return max(1, int((~same).sum()))
