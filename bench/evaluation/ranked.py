"""Rankings: AUROC and average precision of many at once, recall at the top, and what ranking metrics are given."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints, margin

RANKED: Final = 1 << 20  # scores that are ranked at once: bounds memory where classes are many


class Ranked:
    """What ranking metrics are given: the test rows and their raw scores, and what one sort of these tells.

    `y` (n,); `table` (C, 2) holds AUROC and average precision of each class against all others, NaN where undefined.
    `weight` (n,): how much each row counts, None where all count alike.
    """

    def __init__(self, logits: Floats, y: Ints, log_p: Floats, weight: Floats | None = None) -> None:
        """`log_p` (n, C) are the log probabilities of `logits` (n, C)."""
        self.logits, self.y, self.n_classes, self.weight = logits, y, logits.shape[1], weight
        margins = (
            np.stack([-self.score, self.score], axis=1) if self.n_classes == 2 else one_vs_rest_margins(logits, log_p)
        )
        step = max(1, RANKED // len(y))
        each = [np.arange(at, min(at + step, self.n_classes)) for at in range(0, self.n_classes, step)]
        tables = [ranking_table(np.ascontiguousarray(margins.T[of]), y == of[:, None], weight) for of in each]
        self.table: Floats = np.concatenate(tables)

    @cached_property
    def score(self) -> Floats:
        """The margins (n,) of two classes: log odds of the positive one."""
        return margin(self.logits)

    @cached_property
    def means(self) -> tuple[float, float]:
        """AUROC and average precision: those of the positive class, or unweighted means over the classes that have any.

        Raises UndefinedMetricError where test holds one class only.
        """
        if self.n_classes == 2:
            return _defined(self.table[1], self.y == 1)
        defined = self.table[~np.isnan(self.table[:, 0])]
        if not len(defined):
            raise UndefinedMetricError("test holds one class only")
        auroc, average_precision = defined.mean(axis=0)
        return float(auroc), float(average_precision)


def ranking_scores(score: Floats, y: Ints, weight: Floats | None = None) -> tuple[float, float]:
    """AUROC and average precision of `score` (n,) for labels `y` (n,) in {0, 1}, from one sort, ties exact.

    Pass margins, since saturated probabilities have ties that the model did not make. Equal to scikit-learn.
    Raises UndefinedMetricError where one class is absent.
    """
    positive = y == 1
    return _defined(ranking_table(score[None], positive[None], weight)[0], positive)


def _defined(found: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    auroc, average_precision = found.tolist()
    if math.isnan(auroc):
        raise UndefinedMetricError("no negative rows" if positive.any() else "no positive rows")
    return auroc, average_precision


def ranking_table(scores: Floats, positive: NDArray[np.bool_], weight: Floats | None = None) -> Floats:
    """AUROC and average precision (K, 2) of K rankings; NaN where all rows are positive, or none.

    `scores` (K, n), `positive` (K, n), the rows to be found, and `weight` (n,). Each gets what it would get alone, to
    the last bit.
    """
    if weight is not None:
        return np.array([_weighted_ranking(*each, weight) for each in zip(scores, positive, strict=True)])
    n, found = scores.shape[1], positive.sum(axis=1)
    ranked = np.sort(scores, axis=1)
    # Sorting puts NaN last, where it would count as the best score.
    _refuse_nan(*ranked[:, -1])
    # Only thresholds at a positive change recall, so rows need counting there alone: under imbalance these are few.
    own, ends = scores[positive], np.append(0, found.cumsum())  # ranking after ranking, and where each ends
    below, upto = np.empty(len(own), dtype=np.int64), np.empty(len(own), dtype=np.int64)
    for row, (a, b) in zip(ranked, pairwise(ends.tolist()), strict=True):
        own[a:b].sort()
        below[a:b], upto[a:b] = row.searchsorted(own[a:b], "left"), row.searchsorted(own[a:b], "right")
    # Among these counts are the positives' own: each pair of them twice, each with itself once.
    counted = np.append(0, np.cumsum(below + upto))
    wins_twice = np.diff(counted[ends]) - found**2
    edge = np.ones(len(own) + 1, dtype=bool)
    edge[1:-1] = own[1:] > own[:-1]
    edge[ends] = True
    edges = np.flatnonzero(edge)
    first, ties = edges[:-1], np.diff(edges)  # where each distinct score begins, and how often it is there
    precision = (np.repeat(ends[1:], found)[first] - first) / (n - below[first])
    cuts = first.searchsorted(ends).tolist()
    caught = np.array([precision[a:b] @ ties[a:b] for a, b in pairwise(cuts)])
    table = np.stack([wins_twice / np.maximum(2 * found * (n - found), 1), caught / np.maximum(found, 1)], axis=1)
    table[(found == 0) | (found == n)] = np.nan
    return table


def _weighted_ranking(score: Floats, positive: NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    """AUROC and average precision of one ranking of weighted rows, equal scores as one step."""
    _refuse_nan(*score[np.isnan(score)][:1])
    if positive.all() or not positive.any():
        return math.nan, math.nan
    found, rows = _steps(score, positive, weight)
    hits, misses = np.cumsum(found), np.cumsum(rows - found)
    wins = found @ (misses[-1] - misses + 0.5 * (rows - found))
    return float(wins / (hits[-1] * misses[-1])), float(found @ (hits / (hits + misses)) / hits[-1])


def _steps(score: Floats, positive: NDArray[np.bool_], weight: Floats) -> tuple[Floats, Floats]:
    """Of each distinct score from the highest down, the weight of its positives and of all of its rows."""
    order = np.argsort(-score, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(score[order])) + 1)
    ranked = weight[order]
    return np.add.reduceat(ranked * positive[order], starts), np.add.reduceat(ranked, starts)


def _refuse_nan(*scores: float) -> None:
    if any(map(math.isnan, scores)):
        raise ValueError("Expected scores without NaN, got NaN. The model diverged: record the cell as such.")


def recall_at(score: Floats, y: Ints, percent: int, weight: Floats | None = None) -> float:
    """Share of the positives among the `percent`% highest of `score` (n,), rounded up to whole rows.

    Rows tied at the cut count by the expectation over random orders. By weight the cut is at `percent`% of all weight,
    where there are no whole rows to round to. UndefinedMetricError without positives.
    """
    positive = y == 1
    if not positive.any():
        raise UndefinedMetricError("no positive rows")
    _refuse_nan(*score[np.isnan(score)][:1])
    if weight is not None:
        found, total = _steps(score, positive, weight)
        before = np.cumsum(total) - total
        taken = np.clip((weight.sum() * percent / 100 - before) / total, 0, 1)
        return float(taken @ found / found.sum())
    n = len(y)
    rows = -(-n * percent // 100)
    cut = np.partition(score, n - rows)[n - rows]
    over, at = score > cut, score == cut
    room = (rows - np.count_nonzero(over)) / np.count_nonzero(at)
    caught = np.count_nonzero(over & positive) + room * np.count_nonzero(at & positive)
    return float(caught / np.count_nonzero(positive))


def precision_at(score: Floats, y: Ints, percent: int, weight: Floats | None = None) -> float:
    """Share of positives among the `percent`% highest of `score` (n,): the yield of a budget of alerts.

    Rows are rounded and ties counted as by `recall_at`; UndefinedMetricError without positives.
    """
    found = recall_at(score, y, percent, weight)
    if weight is None:
        return float(found * np.count_nonzero(y == 1) / -(-len(y) * percent // 100))
    return float(found * weight[y == 1].sum() / (weight.sum() * percent / 100))


def lift_at(score: Floats, y: Ints, percent: int, weight: Floats | None = None) -> float:
    """How many times as many positives the `percent`% highest hold as so many rows at random would."""
    return precision_at(score, y, percent, weight) / float(np.average(y == 1, weights=weight))


def recall_at_false_positives(score: Floats, y: Ints, percent: int, weight: Floats | None = None) -> float:
    """The highest share of positives found by a threshold that calls at most `percent`% of the negatives.

    UndefinedMetricError where one class is absent.
    """
    positive = y == 1
    if not positive.any() or positive.all():
        raise UndefinedMetricError("no negative rows" if positive.any() else "no positive rows")
    _refuse_nan(*score[np.isnan(score)][:1])
    own = np.ones(len(y)) if weight is None else weight
    found, rows = _steps(score, positive, own)
    wrong = np.cumsum(rows - found) / own[~positive].sum()
    kept = wrong <= percent / 100 * (1 + 1e-12)
    return float(np.cumsum(found)[kept][-1] / own[positive].sum()) if kept.any() else 0.0


def one_vs_rest_margins(logits: Floats, log_p: Floats) -> Floats:
    """Log odds (n, C) of each class against all others, log p_c - log(1 - p_c), without saturation.

    `log_p` (n, C) are the log probabilities of `logits` (n, C).
    """
    rows, log_p = np.arange(len(logits)), log_p.copy()
    top = logits.argmax(axis=1)
    # Only the top class can have p > 1/2, where 1 - p cancels: there the others are summed instead.
    rest = logits.copy()
    rest[rows, top] = -np.inf
    highest = rest.max(axis=1)
    rest_total = highest + np.log(np.exp(rest - highest[:, None]).sum(axis=1))
    log_p[rows, top] = -np.inf
    out = log_p - np.log1p(-np.exp(log_p))
    out[rows, top] = logits[rows, top] - rest_total
    return np.asarray(out, dtype=np.float64)


class Ranking(Metric[Ranked]):
    """A metric of the order of the raw scores."""

    kind, views, panel = "ranking", ("raw",), "quality"
