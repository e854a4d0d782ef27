"""The scale of one numeric column: medians for missing, fences or quantiles, then standardised. No torch."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FARTHEST = 1e6  # standard deviations; beyond, float32 would overflow in a model
_KNOTS = 1000  # quantiles of the training values between which others are interpolated
_SUMMED = 1 << 18  # rows summed at a time


class Standard:
    """The scale of one numeric column, from training values float64 (n,) with NaN for missing."""

    knots: npt.NDArray[np.float64] | None = None  # training values, rising, and the quantile of each
    places: npt.NDArray[np.float64] | None = None

    def __init__(self, values: npt.NDArray[np.float64], fence: float | None = None, *, quantiles: bool = False) -> None:
        gap = np.isnan(values)
        self.gaps = bool(gap.any())
        present = values[~gap] if self.gaps else values
        self.fenced = fence is not None
        self.low, self.high = (-np.inf, np.inf) if fence is None else fences(present, fence)
        self.median = _median(present)
        if quantiles and len(present):
            self.knots, self.places = _quantile_knots(present)
        ends = self.filled(np.array([present.min(), present.max()]) if len(present) else np.zeros(2))
        self.size = max(float(np.abs(ends).max()), 1e-300)  # so that no square overflows
        self.mean, deviation = self.moments(values)
        self.constant = deviation == 0 or bool(ends[0] / self.size == ends[1] / self.size)
        self.scale = 1.0 if self.constant else deviation

    def moments(self, values: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Mean and standard deviation of the filled values over `size`, (0, 0) of nothing."""
        n = max(len(values), 1)
        pieces = [values[i : i + _SUMMED] for i in range(0, len(values), _SUMMED)]
        mean = sum(float((self.filled(piece) / self.size).sum()) for piece in pieces) / n
        squares = sum(float(np.square(self.filled(piece) / self.size - mean).sum()) for piece in pieces)
        return mean, math.sqrt(squares / n)

    def filled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The median for missing, within the fences or as a quantile, (n,); a copy."""
        z = np.where(np.isnan(values), self.median, values)
        if self.knots is not None:
            assert self.places is not None
            return np.interp(z, self.knots, self.places)
        return z.clip(self.low, self.high, out=z) if self.fenced else z

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Standardised, (n,)."""
        if self.constant:
            return np.zeros(len(values))
        with np.errstate(over="ignore"):  # a far outlier is clipped below
            z = self.filled(values)
            z /= self.size
            z -= self.mean
            z /= self.scale
        return z.clip(-FARTHEST, FARTHEST, out=z)


def _median(values: npt.NDArray[np.float64]) -> float:
    """The median, 0 of nothing."""
    halves = values / 2  # the middle two may not overflow
    return 2 * float(np.median(halves, overwrite_input=True)) if len(values) else 0.0


def _quantile_knots(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Values at evenly spaced quantiles, each once and rising, and their quantiles: the middle one of those alike.

    Between them one interpolates. As scikit-learn's `QuantileTransformer`, save that it puts the least value at 0 and
    the largest at 1 however many rows have it.
    """
    at = np.linspace(0, 1, min(_KNOTS, len(values)))
    knots, first, alike = np.unique(
        2 * np.quantile(values / 2, at, method="nearest"), return_index=True, return_counts=True
    )
    return knots, (at[first] + at[first + alike - 1]) / 2


def fences(values: npt.NDArray[np.float64], fence: float) -> tuple[float, float]:
    """Tukey's fences: `fence` interquartile ranges outside the quartiles; none where half of the values are alike."""
    if not len(values):
        return -np.inf, np.inf
    low, high = (2 * float(q) for q in np.quantile(values / 2, [0.25, 0.75]))
    with np.errstate(over="ignore"):
        reach = fence * (high - low)
    return (low - reach, high + reach) if high > low else (-np.inf, np.inf)
