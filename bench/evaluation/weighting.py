"""What row weights mean in an evaluation: each row stands for as many rows of the population as its weight says.

A weight of 2 counts as two equal rows, in every metric, calibration and rule. Only ratios of weights matter: they are
scaled to a mean of 1 before anything is computed, so that what depends on the number of rows means the same at every
scale. Everything takes None for "all alike", and then computes what it would without weights, to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def row_weights(weight: ArrayLike | None, n: int) -> Floats | None:
    """Weights (n,) with a mean of 1; None where all are equal, since such rows count alike.

    Raises:
        ValueError: another number of weights, or one that is not finite and above 0.
    """
    if weight is None:
        return None
    found = np.asarray(weight, dtype=np.float64)
    if found.shape != (n,) or not bool((np.isfinite(found) & (found > 0)).all()):
        raise ValueError(
            f"Expected {n} finite weights above 0, one per row, got shape {found.shape}"
            + (f" with {int((~(np.isfinite(found) & (found > 0))).sum())} others." if found.shape == (n,) else ".")
        )
    return None if bool((found == found[0]).all()) else found / found.mean()


def weighted_mean(values: ArrayLike, weight: Floats | None) -> float:
    """The mean of `values` (n,), each counted by its weight."""
    found = np.asarray(values)
    return float(found.mean() if weight is None else (weight * found).mean() / weight.mean())


def class_mass(y: Ints, classes: int, weight: Floats | None = None) -> NDArray[np.number[Any]]:
    """Rows per class (C,), int64, each counted by its weight where there are weights: then float64."""
    return np.bincount(y, weights=weight, minlength=classes)
