"""Class shares of rows without labels, where they differ from those of the training data (label shift).

Both ways assume that within a class rows are what they were, and that only the shares of the classes moved.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bench.evaluation.views import Floats, Ints

_ROUNDS: Final = 10_000
_STILL: Final = 1e-10  # change of every share at which the search has ended
_LEAST: Final = 1e-6  # a share; below, log odds would leave all measure


def estimate_by_em(probabilities: Floats, natural: Floats) -> Floats:
    """Shares (C,) of greatest likelihood, from calibrated probabilities (n, C) under the shares `natural` (C,).

    Saerens, Latinne & Decaestecker 2002, section 2.2: shares are the mean of the probabilities under the shares so far.
    With calibrated probabilities it needs fewer rows than `estimate_by_confusion` (Alexandari et al. 2020).

    Raises:
        ValueError: no rows.
    """
    if not len(probabilities):
        raise ValueError("expected rows to estimate class shares from, but got none")
    ratio, shares = probabilities / natural, np.asarray(natural, dtype=np.float64)
    for _ in range(_ROUNDS):
        moved = ratio * shares
        moved /= moved.sum(axis=1, keepdims=True)
        before, shares = shares, moved.mean(axis=0)
        if np.abs(shares - before).max() < _STILL:
            break
    return bounded(shares)


def estimate_by_confusion(decided: Floats, confusion: Floats) -> Floats:
    """Shares (C,) under which decisions would come out as often as they did: `decided` (C,), shares of decisions.

    `confusion` (C, C): share of validation rows that were decided as i and are j. Black-box shift estimation (Lipton,
    Wang & Smola 2018, eq. 4): exact for any classifier in the limit, calibrated or not. Of few rows the solution may
    have negative shares, which become the smallest that there are.

    Raises:
        ValueError: decisions on validation rows do not tell the classes apart, so that nothing can be solved.
    """
    if np.linalg.cond(confusion) > 1e8:
        raise ValueError(
            "expected decisions that tell the classes apart on validation rows, but got a confusion matrix that cannot "
            "be inverted; estimate by EM instead"
        )
    weights = np.linalg.solve(confusion, decided)
    return bounded(np.maximum(weights, 0) * confusion.sum(axis=0))


def confusion_of(decided: Ints, y: Ints, n_classes: int, weight: Floats | None = None) -> Floats:
    """Share of rows (C, C) that were decided as i and are j, from classes (n,); `weight` (n,) or None.

    A class that is never there counts as half a row, decided rightly.
    """
    cells = np.bincount(decided * n_classes + y, weights=weight, minlength=n_classes**2).astype(np.float64)
    found = cells.reshape(n_classes, n_classes)
    absent = np.flatnonzero(found.sum(axis=0) == 0)
    found[absent, absent] = 0.5
    return np.asarray(found / found.sum(), dtype=np.float64)


def bounded(shares: Floats) -> Floats:
    """Shares that are above 0 and sum to 1."""
    kept = np.maximum(shares, _LEAST)
    return np.asarray(kept / kept.sum(), dtype=np.float64)
