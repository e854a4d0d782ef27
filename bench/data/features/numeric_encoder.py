"""Numbers: medians for missing, or NaN, then standardised."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.features.encoder import count
from bench.data.tables.far_apart import FARTHEST
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import release
from strategies.features import Field

_KNOTS = 1000  # quantiles of the training values between which others are interpolated
_SUMMED = 1 << 18  # rows summed at a time


class NumericEncoder:
    """Median for missing, then standardised; an indicator (0 or 1) for each column with gaps in training.

    Output float32 (n, k + indicators), values first; with `missing` kept it is NaN, and there are no indicators. A
    column that is constant in training gives zeros. With `fence`, values beyond so many interquartile ranges of the
    training rows' quartiles are first moved to the fence; with `quantiles`, each value first becomes its quantile.
    """

    fitted: Tensor | None = None

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows | None = None,
        *,
        fence: float | None = None,
        quantiles: bool = False,
        missing: Literal["imputed", "kept"] = "imputed",
    ) -> None:
        self.columns, self.kept = columns, missing == "kept"
        found: list[Standard] = []
        for name in columns:
            found.append(Standard(numbers(frame, name, rows), fence, quantiles=quantiles))
            release(frame[name])
        self.standards = found
        self.indicated = [i for i, standard in enumerate(found) if standard.gaps and not self.kept]
        self.field = Field("numeric", "numeric", width=len(columns) + len(self.indicated))

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """float32 (n, width)."""
        out = np.empty((count(frame, rows), self.field.width), dtype=np.float32)
        extra = len(self.columns)
        for i, (name, standard) in enumerate(zip(self.columns, self.standards, strict=True)):
            values = numbers(frame, name, rows)
            out[:, i] = standard(values)
            if self.kept:
                out[np.isnan(values), i] = np.nan
            elif standard.gaps:
                out[:, extra] = np.isnan(values)
                extra += 1
        return torch.from_numpy(out)


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
        self.median = median(present)
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


def median(values: npt.NDArray[np.float64]) -> float:
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


def numbers(frame: pd.DataFrame, name: str, rows: Rows | None) -> npt.NDArray[np.float64]:
    """A numeric column's values in the given rows: a copy, unless all rows are asked for."""
    values = frame[name].to_numpy(dtype=np.float64)
    return values if rows is None else values[rows]
