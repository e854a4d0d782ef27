"""Several data sets: the data set is the block. Pure functions of a table of scores, no records.

Demšar (2006): Friedman over blocks, then pairs. Pairs are judged by Wilcoxon's signed-rank test with Holm's
adjustment and not by Nemenyi's, whose verdict on two strategies depends on which others are present (Benavoli, Corani
and Mangili 2016); Nemenyi's critical difference is given for comparison with the literature. The Bayesian signed-rank
test (Benavoli et al. 2017) says what a p value cannot: how likely two strategies are the same for practical purposes.

Written here instead of taken from scikit-posthocs and baycomp, which the tests use as witnesses: those bring
matplotlib, seaborn and statsmodels (14 packages, two seconds of imports) for a few lines of arithmetic, and scipy's
test behind them leaves the exact distribution where differences tie, just where small tables need it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from bench.leaderboard.statistics.intervals import LEVEL, holm
from bench.leaderboard.statistics.posterior import Posterior

Floats = npt.NDArray[np.float64]

_EXACT_UP_TO = 60  # blocks; beyond it the normal approximation is good to three digits


def average_ranks(scores: Floats, *, higher_is_better: bool) -> Floats:
    """Ranks (blocks, strategies), 1 is best, ties share the mean of their places."""
    values = -scores if higher_is_better else scores
    less = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    equal = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    return np.asarray(less + (equal + 1) / 2, dtype=np.float64)


def friedman(ranks: Floats) -> tuple[float, float]:
    """Friedman's chi-square of ranks (blocks, strategies), corrected for ties, and its p value (Conover 1999)."""
    n, k = ranks.shape
    spread = float(((ranks - (k + 1) / 2) ** 2).sum())
    if spread == 0:
        return 0.0, 1.0
    statistic = (k - 1) * float(((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum()) / spread
    return statistic, float(chdtrc(k - 1, statistic))


def signed_rank(differences: Sequence[float]) -> float:
    """Two-sided p value of Wilcoxon's signed-rank test; zeros take ranks and are then dropped (Pratt 1959).

    Exact given the ranks, ties included, for up to `_EXACT_UP_TO` differences; all zero: 1.
    """
    values = np.asarray(differences, dtype=np.float64)
    sizes = np.abs(values)
    less = (sizes[:, None] > sizes[None, :]).sum(axis=1)
    equal = (sizes[:, None] == sizes[None, :]).sum(axis=1)
    doubled = (2 * less + equal + 1)[values != 0]  # twice the mid-ranks are whole numbers
    if not len(doubled):
        return 1.0
    total, positive = int(doubled.sum()), int(doubled[values[values != 0] > 0].sum())
    smaller = min(positive, total - positive)
    if len(doubled) > _EXACT_UP_TO:
        return min(1.0, 2 * float(ndtr((smaller - total / 2 + 1) / math.sqrt(float((doubled**2).sum()) / 4))))
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for rank in doubled.tolist():
        ways[rank:] = ways[rank:] + ways[: total + 1 - rank]
    return min(1.0, 2 * float(ways[: smaller + 1].sum()) / 2.0 ** len(doubled))


def blocks_needed(comparisons: int, level: float = LEVEL) -> int:
    """The fewest blocks with which Wilcoxon-Holm can find anything: 2 / 2^n ≤ level / comparisons.

    9 for 7 comparisons, 11 for 28: with fewer not even a strategy that wins on every block is significant.
    """
    n = 1
    while 2.0 ** (1 - n) > level / comparisons:
        n += 1
    return n


@lru_cache(maxsize=4)
def _weights(n: int, samples: int, seed: int, prior: float) -> Floats:
    """Dirichlet weights (samples, n) of a pseudo-block and n − 1 blocks: the same for every pair of one table."""
    return np.asarray(np.random.default_rng(seed).dirichlet([prior, *[1.0] * (n - 1)], samples))


def bayesian_signed_rank(
    differences: Sequence[float], rope: float, *, samples: int = 20_000, seed: int = 0, prior: float = 0.5
) -> Posterior:
    """Benavoli et al. (2017, section 4.2): how likely the next block favours either, or neither by more than `rope`.

    `differences` are first − second, higher is better. The prior is one pseudo-block of weight `prior` at 0, inside the
    region. The weights of the blocks are Dirichlet; of each draw the likeliest region counts.
    """
    z = np.concatenate([[0.0], np.asarray(differences, dtype=np.float64)])
    means = (z[:, None] + z[None, :]) / 2  # of all pairs, as in the Walsh averages behind the statistic
    regions = [(means > rope).astype(float), (np.abs(means) <= rope).astype(float), (means < -rope).astype(float)]
    weights = _weights(len(z), samples, seed, prior)
    mass = np.stack([((weights @ region) * weights).sum(axis=1) for region in regions], axis=1)
    first, same, second = np.bincount(mass.argmax(axis=1), minlength=3) / samples
    return Posterior(float(first), float(same), float(second))


def critical_difference(k: int, n: int, level: float = LEVEL) -> float:
    """Nemenyi's critical difference of mean ranks of k strategies over n blocks (Demšar 2006, section 3.2.2)."""
    from scipy.stats import studentized_range  # noqa: PLC0415 - half a second, for boards of several data sets only

    return float(studentized_range.ppf(1 - level, k, np.inf)) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))


@dataclass(frozen=True)
class Pair:
    """Two strategies over all blocks: mean difference (first − second), wins, ties, losses, p values.

    The posterior is computed for pairs with the baseline only: it takes a thousand times as long as a p value.
    """

    first: str
    second: str
    mean: float
    wins: int
    ties: int
    losses: int
    p: float
    adjusted: float
    posterior: Posterior | None = None

    @property
    def verdict(self) -> Literal["better", "worse", "undecided"]:
        """What was shown of the first, by the adjusted p value."""
        if self.adjusted > LEVEL or self.mean == 0:
            return "undecided"
        return "better" if self.mean > 0 else "worse"


@dataclass(frozen=True)
class Standing:
    """One strategy over all blocks; `against` is its pair with the baseline, adjusted over these pairs only."""

    name: str
    mean_rank: float
    mean_score: float
    against: Pair | None


@dataclass(frozen=True)
class Blocks:
    """What several data sets say together; differences are oriented so that above 0 is better."""

    names: tuple[str, ...]
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    friedman: tuple[float, float]
    cliques: tuple[tuple[str, ...], ...]
    nemenyi: float
    rope: float


def analyse(
    scores: Mapping[str, Mapping[str, float]], *, baseline: str | None, rope: float, higher_is_better: bool = True
) -> Blocks:
    """Everything about a complete table {strategy: {block: score}}.

    Raises:
        ValueError: fewer than two strategies or blocks, or a missing score.
    """
    names = tuple(sorted({block for by_block in scores.values() for block in by_block}))
    if len(scores) < 2 or len(names) < 2 or any(len(by_block) != len(names) for by_block in scores.values()):
        raise ValueError("expected argument `scores` to hold at least two strategies on the same two blocks or more")
    strategies = list(scores)
    table = np.array([[scores[s][b] for s in strategies] for b in names])
    ranks = average_ranks(table, higher_is_better=higher_is_better)
    sign = 1.0 if higher_is_better else -1.0
    oriented = {s: sign * table[:, i] for i, s in enumerate(strategies)}
    pairs = _adjusted([_pair(a, b, oriented, rope) for a, b in itertools.combinations(strategies, 2)])
    against = {}
    if baseline is not None and baseline in scores:
        own = against_baseline(scores, baseline, rope=rope, higher_is_better=higher_is_better)
        against = {
            name: replace(pair, posterior=bayesian_signed_rank(_differences(name, baseline, oriented), rope))
            for name, pair in own.items()
        }
    means = ranks.mean(axis=0)
    order = sorted(range(len(strategies)), key=lambda i: (means[i], strategies[i]))
    standings = tuple(
        Standing(strategies[i], float(means[i]), float(table[:, i].mean()), against.get(strategies[i])) for i in order
    )
    return Blocks(
        names,
        standings,
        tuple(pairs),
        friedman(ranks),
        _cliques([s.name for s in standings], pairs),
        critical_difference(len(strategies), len(names)),
        rope,
    )


def against_baseline(
    scores: Mapping[str, Mapping[str, float]], baseline: str, *, rope: float, higher_is_better: bool = True
) -> dict[str, Pair]:
    """Each strategy of a complete table with the baseline, adjusted over these pairs only; no posteriors."""
    names = sorted(scores[baseline])
    sign = 1.0 if higher_is_better else -1.0
    oriented = {s: sign * np.array([by_block[b] for b in names]) for s, by_block in scores.items()}
    pairs = _adjusted([_pair(s, baseline, oriented, rope) for s in scores if s != baseline])
    return {pair.first: pair for pair in pairs}


def _differences(first: str, second: str, oriented: Mapping[str, Floats]) -> list[float]:
    """first − second by block; equal up to rounding is equal: a tie in the ranks, not a tiny win."""
    differences = oriented[first] - oriented[second]
    return [float(d) for d in np.where(np.abs(differences) < 1e-12, 0.0, differences)]


def _pair(first: str, second: str, oriented: Mapping[str, Floats], rope: float) -> Pair:
    values = _differences(first, second, oriented)
    p = signed_rank(values)
    wins, losses = sum(d > rope for d in values), sum(d < -rope for d in values)
    mean = math.fsum(values) / len(values)
    return Pair(first, second, mean, wins, len(values) - wins - losses, losses, p, p)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    adjusted = holm([pair.p for pair in pairs])
    return [replace(pair, adjusted=p) for pair, p in zip(pairs, adjusted, strict=True)]


def _cliques(ordered: Sequence[str], pairs: Sequence[Pair], level: float = LEVEL) -> tuple[tuple[str, ...], ...]:
    """Runs of strategies, best first, within which no pair is separated; the bars of a critical-difference diagram."""
    separated = {frozenset((p.first, p.second)) for p in pairs if p.adjusted <= level}
    runs: list[tuple[int, int]] = []
    for start in range(len(ordered)):
        stop = start + 1
        while stop < len(ordered) and not any(frozenset((s, ordered[stop])) in separated for s in ordered[start:stop]):
            stop += 1
        if stop - start > 1 and not any(a <= start and stop <= b for a, b in runs):
            runs.append((start, stop))
    return tuple(tuple(ordered[a:b]) for a, b in runs)
