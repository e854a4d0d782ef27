"""Decision rules, fitted on validation rows: a threshold for two classes, one tau for more.

`logits` (n, C) float64 in nats, C >= 2; `y` (n,) int64 in 0..C-1; with two classes the *margin* z1 - z0 is the log
odds of the positive one. `weight` (n,), of mean 1: how much each row counts; None: all alike.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.evaluation.decided import macro_f1s
from bench.evaluation.views import Floats, Ints, checked_prior
from bench.evaluation.weighting import class_mass

_PER_TAU: Final = 20
_FIRST: Final = range(-10, 41)
_FARTHEST: Final = 160
TAUS: Final = tuple(step / _PER_TAU for step in _FIRST)
"""-0.5 to 2 in steps of 0.05, where the search begins; 0, plain argmax, is hit exactly.

It goes on, to -8 and 8, wherever the best of them is an end: that is where the range stopped, not the best tau.
"""
TAU_BLOCK: Final = 1 << 18  # numbers that are decided at once for all taus: bounds memory, and stays in the cache


def fit_threshold(z: Floats, y: Ints, weight: Floats | None = None) -> float:
    """The margin above which (strictly) a row is called positive, of highest F1 of the positive class.

    `z` (n,) are margins and `y` (n,) labels of validation rows. Neighbouring cuts that tie form an interval,
    of tied intervals the widest counts (then the highest), and the threshold is its middle. If calling every
    row positive is best, the interval below the lowest score counts as one unit wide. Without positives: 0.0,
    which is argmax.
    """
    if not (y == 1).any():
        return 0.0
    order = np.argsort(-z)
    ranked, hits, called = z[order], np.cumsum(y[order] == 1), np.arange(1, len(z) + 1)
    if weight is not None:
        hits, called = np.cumsum(weight[order] * (y[order] == 1)), np.cumsum(weight[order])
    # A cut lies after the last row of each group of equal scores.
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    f1 = 2.0 * hits[cuts] / (called[cuts] + hits[-1])
    best = _highest(f1, weight)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    above = ranked[cuts]
    below = np.append(above[1:], above[-1] - 1.0)
    first = np.array([run[0] for run in runs])
    last = np.array([run[-1] for run in runs])
    widest = int(np.argmax(above[first] - below[last]))
    high, low = float(above[first[widest]]), float(below[last[widest]])
    middle = 0.5 * low + 0.5 * high
    # Between neighbouring floats there is no middle; the lower end is still a cut of this interval.
    return middle if low <= middle < high else low


def threshold_of_alerts(z: Floats, share: float, weight: Floats | None = None) -> float:
    """The margin above which (strictly) at most this share of validation rows lie: a budget of alerts.

    `z` (n,) margins; of scores that tie at the cut none is called.
    """
    low, high = _ends(z, share, weight)
    middle = 0.5 * low + 0.5 * high
    return middle if low <= middle < high else low


def threshold_of_false_positives(z: Floats, y: Ints, share: float, weight: Floats | None = None) -> float:
    """The margin above which (strictly) at most this share of the negative validation rows lie: a false-positive rate.

    `z` (n,) margins, `y` (n,) labels. Raises ValueError without negative rows.
    """
    negative = y == 0
    if not negative.any():
        raise ValueError("Expected negative validation rows, got none. Use another rule.")
    return _ends(z[negative], share, None if weight is None else weight[negative])[0]


def _ends(z: Floats, share: float, weight: Floats | None) -> tuple[float, float]:
    """The lowest score above which at most a share of rows lies, and the next higher one, or itself as the last."""
    each, at = np.unique(z, return_inverse=True)
    mass = np.bincount(at, weights=weight).astype(np.float64)
    above = np.cumsum(mass[::-1])[::-1] - mass  # of the rows higher than each score
    first = int(np.argmax(above <= share * mass.sum() * (1 + 1e-12)))  # the highest score has none above it
    return float(each[first]), float(each[min(first + 1, len(each) - 1)])


def tau_decisions(logits: Floats, prior: ArrayLike, tau: float) -> Ints:
    """Classes (n,) of largest logit - tau log prior (Menon et al. 2021, eq. 9); tau 0 is argmax.

    `prior` (C,) is that of the training rows: it says which classes are rare to the model. Where an imbalance was
    imposed on these rows, that is not the prior to which logits are corrected.
    """
    return np.asarray((logits - tau * _log_prior(prior, logits.shape[1])).argmax(axis=1), dtype=np.int64)


def _log_prior(prior: ArrayLike, classes: int) -> Floats:
    return np.asarray(np.log(checked_prior(prior, "prior", classes)), dtype=np.float64)


def fit_tau(logits: Floats, y: Ints, prior: ArrayLike, weight: Floats | None = None) -> float:
    """The tau of `TAUS`, or beyond where the best of these is an end, of highest macro-F1 on validation rows.

    `logits` (n, C) are prior-corrected; `prior` as in `tau_decisions`. Of tied taus the one nearest 0 counts, of those
    the positive one.
    """
    log_prior, steps = _log_prior(prior, logits.shape[1]), _FIRST
    taus, scores = list[int](), np.zeros(0)
    while True:
        taus += steps
        shifts = np.outer(np.array(steps) / _PER_TAU, log_prior)
        scores = np.concatenate([scores, _macro_f1_of(shifts, logits, y, weight)])
        best: int = min((taus[t] for t in _highest(scores, weight)), key=lambda tau: (abs(tau), tau < 0))
        if best not in (min(taus), max(taus)) or abs(best) >= _FARTHEST:
            return best / _PER_TAU
        steps = range(best + 1, 2 * best + 1) if best > 0 else range(2 * best, best)


def _highest(scores: Floats, weight: Floats | None) -> Ints:
    """Where the scores are highest. Equal counts summed in one order give equal floats, sums of weights nearly."""
    return np.flatnonzero(scores >= scores.max() * (1 if weight is None else 1 - 1e-12))


def _macro_f1_of(shifts: Floats, logits: Floats, y: Ints, weight: Floats | None) -> Floats:
    """Macro-F1 (T,) of the decisions after taking each of `shifts` (T, C), of rising taus, from the logits."""
    taus, classes = shifts.shape
    step = max(64, TAU_BLOCK // (classes * taus))  # with many classes counting costs more than deciding
    kind: Any = np.int64 if weight is None else np.float64
    hits, predicted = (np.zeros((taus, classes), dtype=kind) for _ in range(2))
    for at in range(0, len(y), step):
        rows, true, own = logits[at : at + step], y[at : at + step], None if weight is None else weight[at : at + step]
        settled = _settled(rows, shifts)
        predicted += _mass(settled, settled >= 0, classes, own)
        hits += _mass(settled, settled == true, classes, own)
        left = settled < 0
        rows, true, own = rows[left], true[left], None if own is None else own[left]
        decided = (rows - shifts[:, None]).argmax(axis=2)
        cell = decided + classes * np.arange(taus)[:, None]
        each = None if own is None else np.broadcast_to(own, cell.shape)
        predicted += _mass(cell, decided >= 0, predicted.size, each).reshape(predicted.shape)
        hits += _mass(cell, decided == true, hits.size, each).reshape(hits.shape)
    return macro_f1s(hits, class_mass(y, classes, weight), predicted)


def _mass(codes: Ints, counted: NDArray[np.bool_], size: int, weight: Floats | None) -> NDArray[np.number[Any]]:
    """How many of the codes that are `counted` there are of each (size,), or what these weigh."""
    return class_mass(codes[counted], size, None if weight is None else weight[counted])


def _settled(logits: Floats, shifts: Floats) -> Ints:
    """The classes (n,) that every tau decides for, or -1 where taus may differ; `shifts` (T, C) of rising taus.

    Each class is a line in tau, so one that leads at both ends leads between them, by no less than at one of these;
    leads that rounding might undo do not count.
    """
    rows, doubt = np.arange(len(logits)), 1e-9 * (np.abs(logits).max() + np.abs(shifts).max())
    low, high = logits - shifts[0], logits - shifts[-1]
    lead, sure = low.argmax(axis=1), np.ones(len(logits), dtype=bool)
    for end in (low, high):
        best = end[rows, lead]
        end[rows, lead] = -np.inf
        sure &= best - end.max(axis=1) > doubt
    return np.where(sure, lead, -1)
