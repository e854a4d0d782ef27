"""Decision rules, fitted on validation rows: a threshold for two classes, one tau for more.

`logits` (n, C) float64 in nats, C >= 2; `y` (n,) int64 in 0..C-1; with two classes the *margin* z1 - z0 is the log
odds of the positive one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from bench.evaluation.decided import macro_f1s
from bench.evaluation.views import Floats, Ints, checked_prior

TAUS: Final = tuple(step / 20 for step in range(-10, 41))
"""-0.5 to 2 in steps of 0.05; 0, plain argmax, is hit exactly."""
TAU_BLOCK: Final = 1 << 18  # numbers that are decided at once for all taus: bounds memory, and stays in the cache


def fit_threshold(z: Floats, y: Ints) -> float:
    """The margin above which (strictly) a row is called positive, of highest F1 of the positive class.

    `z` (n,) are margins and `y` (n,) labels of validation rows. Neighbouring cuts that tie form an interval,
    of tied intervals the widest counts (then the highest), and the threshold is its middle. If calling every
    row positive is best, the interval below the lowest score counts as one unit wide. Without positives: 0.0,
    which is argmax.
    """
    if not (y == 1).any():
        return 0.0
    order = np.argsort(-z)
    ranked, hits = z[order], np.cumsum(y[order] == 1)
    # A cut lies after the last row of each group of equal scores.
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    f1 = 2.0 * hits[cuts] / (cuts + 1 + hits[-1])
    best = np.flatnonzero(f1 == f1.max())
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


def tau_decisions(logits: Floats, natural: ArrayLike, tau: float) -> Ints:
    """Classes (n,) of largest logit - tau log natural (Menon et al. 2021, eq. 9); tau 0 is argmax."""
    return np.asarray((logits - tau * _log_prior(natural, logits.shape[1])).argmax(axis=1), dtype=np.int64)


def _log_prior(natural: ArrayLike, classes: int) -> Floats:
    return np.asarray(np.log(checked_prior(natural, "natural", classes)), dtype=np.float64)


def fit_tau(logits: Floats, y: Ints, natural: ArrayLike) -> float:
    """The tau of `TAUS` whose decisions have the highest macro-F1 on validation rows.

    `logits` (n, C) are prior-corrected. Of tied taus the one nearest 0 counts, of those the positive one.
    """
    classes = logits.shape[1]
    shifts = np.outer(TAUS, _log_prior(natural, classes))
    step = max(64, TAU_BLOCK // (classes * len(TAUS)))  # with many classes counting costs more than deciding
    hits, predicted = (np.zeros((len(TAUS), classes), dtype=np.int64) for _ in range(2))
    for at in range(0, len(y), step):
        rows, true = logits[at : at + step], y[at : at + step]
        settled = _settled(rows, shifts)
        predicted += np.bincount(settled[settled >= 0], minlength=classes)
        hits += np.bincount(settled[settled == true], minlength=classes)
        rows, true = rows[settled < 0], true[settled < 0]
        decided = (rows - shifts[:, None]).argmax(axis=2)
        cell = decided + classes * np.arange(len(TAUS))[:, None]
        predicted += np.bincount(cell.ravel(), minlength=predicted.size).reshape(predicted.shape)
        hits += np.bincount(cell[decided == true], minlength=hits.size).reshape(hits.shape)
    scores = macro_f1s(hits, np.bincount(y, minlength=classes), predicted)
    # Equal counts summed in one order give equal floats, so equality is a true tie.
    return min((TAUS[t] for t in np.flatnonzero(scores == scores.max())), key=lambda tau: (abs(tau), tau < 0))


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
