"""Differences of many pairs at once: means, moderated variances, errors and degrees of freedom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.leaderboard.statistics.intervals import NO_SPREAD
from bench.leaderboard.statistics.variance import moderated

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RowNoise:
    """What other test rows would change, on one given split: the covariance (K, K) of strategies over resamples.

    Each strategy's value is its mean over seeds, and all share the resamples. `df` are the degrees of freedom of these
    variances: the rows of the rarest class, less one.
    """

    names: tuple[str, ...]
    covariance: Floats
    df: float

    def of(self, names: Sequence[str]) -> RowNoise | None:
        """The covariance in the order of some names; None where one of them was not resampled."""
        if not set(names) <= set(self.names):
            return None
        order = [self.names.index(name) for name in names]
        return RowNoise(tuple(names), self.covariance[np.ix_(order, order)], self.df)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Differences of pairs: mean, moderated variance v, variance of the mean, degrees of freedom; flat: no variance."""

    mean: Floats
    n: Floats
    variance: Floats
    moderated: Floats
    error: Floats
    df: Floats
    flat: npt.NDArray[np.bool_]


def differences_of(
    table: Floats,
    first: Ints,
    second: Ints,
    *,
    k: int,
    c: float | None,
    rows: RowNoise | None,
) -> Pairs:
    """Differences first − second of rows of a table (K, repeats) on the repeats that both have."""
    d = table[first] - table[second]
    n = np.isfinite(d).sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, np.nansum(d, axis=1) / n, np.nan)
        variance = np.where(n > 1, np.nansum((d - mean[:, None]) ** 2, axis=1) / (n - 1), np.nan)
        width = np.nanmax(np.where(np.isfinite(d), d, -np.inf), axis=1) - np.nanmin(
            np.where(np.isfinite(d), d, np.inf), axis=1
        )
    flat = (n > 1) & (width <= NO_SPREAD)
    lively = (n > 1) & ~flat
    v, df = np.where(flat, 0.0, variance), n - 1
    if lively.any():
        v[lively], df[lively] = moderated(variance[lively], n[lively] - 1, k)
    if rows is None:
        error = np.sqrt(v * (1 / np.maximum(n, 1) + c)) if c is not None else np.full(len(n), np.nan)
        return Pairs(mean, n, variance, v, error, df, flat)
    own = v / np.maximum(n, 1)
    diagonal = np.diag(rows.covariance)
    other = np.maximum(0.0, diagonal[first] + diagonal[second] - 2 * rows.covariance[first, second])
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(lively, own**2 / df, 0.0) + other**2 / rows.df
        together = np.where(weight > 0, (own + other) ** 2 / weight, rows.df)  # Satterthwaite (1946)
    return Pairs(mean, n, variance, v, np.sqrt(own + other), together, flat & (other <= NO_SPREAD**2))
