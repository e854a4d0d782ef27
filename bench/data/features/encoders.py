"""Encoders: each turns some columns of a table into one field, fitted on the training rows and on nothing else.

All work column by column on the rows that they are given: a table is encoded block by block and never copied as a
whole.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.tables.schema import coded, release
from bench.data.tables.splits import Rows
from strategies.features import Bag, Field

MISSING, UNKNOWN, RESERVED = 0, 1, 2  # codes of categories; the first two are reserved
LEAST_COUNT = 2  # a category seen once in training is unknown, so that the unknown code gets trained
FARTHEST = 1e6  # standard deviations; beyond, float32 would overflow in a model
SUMMED = 1 << 18  # rows summed at a time
FOLDS = 5  # of out-of-fold target encoding
PRIOR_ROWS = 20.0  # how many rows of the overall shares are mixed into those of a category


class Encoder(Protocol):
    """One field: fitted on training rows when made, applied to any rows (None: all).

    `fitted`: what the training rows become, where that is not what applying the encoder to them would give or would
    be done twice.
    """

    field: Field
    columns: tuple[str, ...]

    @property
    def fitted(self) -> Tensor | Bag | None: ...

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor | Bag: ...


def numbers(frame: pd.DataFrame, name: str, rows: Rows | None) -> npt.NDArray[np.float64]:
    """A numeric column's values in the given rows: a copy, unless all rows are asked for."""
    values = frame[name].to_numpy(dtype=np.float64)
    return values if rows is None else values[rows]


def count(frame: pd.DataFrame, rows: Rows | None) -> int:
    """How many rows are meant."""
    return len(frame) if rows is None else len(rows)


class NumericEncoder:
    """Median for missing, then standardised; an indicator (0 or 1) for each column with gaps in training.

    Output float32 (n, k + indicators), values first; with `missing` kept it is NaN, and there are no indicators. A
    column that is constant in training gives zeros. With `fence`, values beyond so many interquartile ranges of the
    training rows' quartiles are first moved to the fence.
    """

    fitted: Tensor | None = None

    def __init__(
        self, columns: tuple[str, ...], frame: pd.DataFrame, rows: Rows | None = None, *, fence: float | None = None,
        missing: Literal["imputed", "kept"] = "imputed",
    ) -> None:  # fmt: skip
        self.columns, self.kept = columns, missing == "kept"
        found: list[Standard] = []
        for name in columns:
            found.append(Standard(numbers(frame, name, rows), fence))
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

    def __init__(self, values: npt.NDArray[np.float64], fence: float | None = None) -> None:
        gap = np.isnan(values)
        self.gaps = bool(gap.any())
        present = values[~gap] if self.gaps else values
        self.fenced = fence is not None
        self.low, self.high = (-np.inf, np.inf) if fence is None else fences(present, fence)
        self.median = median(present)
        ends = self.filled(np.array([present.min(), present.max()]) if len(present) else np.zeros(2))
        self.size = max(float(np.abs(ends).max()), 1e-300)  # so that no square overflows
        self.mean, deviation = self.moments(values)
        self.constant = deviation == 0 or bool(ends[0] / self.size == ends[1] / self.size)
        self.scale = 1.0 if self.constant else deviation

    def moments(self, values: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Mean and standard deviation of the filled values over `size`, (0, 0) of nothing."""
        n = max(len(values), 1)
        pieces = [values[i : i + SUMMED] for i in range(0, len(values), SUMMED)]
        mean = sum(float((self.filled(piece) / self.size).sum()) for piece in pieces) / n
        squares = sum(float(np.square(self.filled(piece) / self.size - mean).sum()) for piece in pieces)
        return mean, math.sqrt(squares / n)

    def filled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The median for missing, within the fences, (n,); a copy."""
        z = np.where(np.isnan(values), self.median, values)
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


def fences(values: npt.NDArray[np.float64], fence: float) -> tuple[float, float]:
    """Tukey's fences: `fence` interquartile ranges outside the quartiles; none where half of the values are alike."""
    if not len(values):
        return -np.inf, np.inf
    low, high = (2 * float(q) for q in np.quantile(values / 2, [0.25, 0.75]))
    with np.errstate(over="ignore"):
        reach = fence * (high - low)
    return (low - reach, high + reach) if high > low else (-np.inf, np.inf)


class CategoryEncoder:
    """Codes per column: 0 missing, 1 unknown (not in training, or once), then the categories by name.

    A column of `hashed` has so many buckets instead: the CRC-32 of the category picks one, seen in training or not.
    `by_frequency`: then the categories by how many training rows have them, most first, and by name among equals.
    """

    fitted: Tensor | None = None

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows | None = None,
        *,
        hashed: Mapping[str, int] | None = None,
        by_frequency: bool = False,
    ) -> None:
        self.columns, self.hashed = columns, dict(hashed or {})
        self.known = {name: known(frame[name], rows, by_frequency) for name in columns if name not in self.hashed}
        sizes = tuple(RESERVED + (self.hashed.get(name) or len(self.known[name])) for name in columns)
        self.field = Field("categorical", "categorical", sizes=sizes, width=len(columns))
        self.own = Latest(self.translate)

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """int64 (n, k)."""
        out = np.empty((count(frame, rows), len(self.columns)), dtype=np.int64)
        for i, name in enumerate(self.columns):
            codes, names = coded(frame[name], rows)
            out[:, i] = self.own(name, names)[codes]
        return torch.from_numpy(out)

    def translate(self, name: str, names: Collection[str]) -> npt.NDArray[Any]:
        """The codes here of a column's distinct strings, and of missing, the last."""
        buckets, at = self.hashed.get(name), self.known.get(name, {})
        if buckets:
            own = [RESERVED + zlib.crc32(n.encode("utf-8", "surrogatepass")) % buckets for n in names]
        else:
            own = [at.get(n, UNKNOWN) for n in names]
        return np.array([*own, MISSING], dtype=np.int64)


class Latest:
    """What `make` says of a column and its distinct strings, asked anew only when these are others.

    Blocks of a categorical column have them in common: else the cost of a row would grow with the categories.
    """

    def __init__(self, make: Callable[[str, Collection[str]], npt.NDArray[Any]]) -> None:
        self.make = make
        self.made: dict[str, tuple[Collection[str], npt.NDArray[Any]]] = {}

    def __call__(self, name: str, names: Collection[str]) -> npt.NDArray[Any]:
        if name not in self.made or self.made[name][0] is not names:
            self.made[name] = names, self.make(name, names)
        return self.made[name][1]


class OneHotEncoder:
    """A 0 or 1 for each code of each column of a `CategoryEncoder`: float32 (n, sum of its sizes)."""

    fitted: Tensor | None = None

    def __init__(self, codes: CategoryEncoder) -> None:
        self.codes, self.columns = codes, codes.columns
        self.field = Field("one_hot", "numeric", width=sum(codes.field.sizes))
        self.starts = torch.tensor((0, *codes.field.sizes[:-1])).cumsum(0)

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """float32 (n, width)."""
        at = self.codes(frame, rows) + self.starts
        return torch.zeros(len(at), self.field.width).scatter_(1, at, 1.0)


def known(values: pd.Series[Any], rows: Rows | None, by_frequency: bool = False) -> dict[str, int]:
    """The codes of the categories that training rows hold often enough, by name or by frequency and name."""
    codes, names = coded(values, rows)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    often = {name: int(n) for name, n in zip(names, counts, strict=True) if n >= LEAST_COUNT}
    kept = sorted(often, key=lambda name: (-often[name], name)) if by_frequency else sorted(often)
    return {name: RESERVED + i for i, name in enumerate(kept)}


class TargetEncoder:
    """Class shares of each category, standardised: float32 (n, k · C), or (n, k) for two classes.

    A category's shares are mixed with the overall ones as if these were `PRIOR_ROWS` rows more (Micci-Barreca 2001,
    eq. 4). For the training rows they come from the other four fifths of the training rows, so that no row sees its
    own label; missing and unseen categories have the overall shares.
    """

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows,
        y: npt.NDArray[np.int64],
        n_classes: int,
    ) -> None:
        self.columns, self.n_classes = columns, n_classes
        self.shown = [1] if n_classes == 2 else list(range(n_classes))
        width = len(columns) * len(self.shown)
        self.overall = np.bincount(y, minlength=n_classes) / len(y)
        fold = np.random.default_rng([len(y), n_classes]).permutation(len(y)) % FOLDS
        self.tables: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
        self.own = Latest(self.translate)
        raw = np.empty((len(y), width))
        for i, name in enumerate(columns):
            codes, names = coded(frame[name], rows)
            every = np.zeros((len(names) + 1, n_classes))
            np.add.at(every, (codes, y), 1)  # -1, missing, is the last
            self.tables[name] = dict(zip(names, self.shares(every), strict=False))
            block = slice(i * len(self.shown), (i + 1) * len(self.shown))
            for k in range(FOLDS):
                held = np.flatnonzero(fold == k)
                own = np.zeros_like(every)
                np.add.at(own, (codes[held], y[held]), 1)
                shares = self.shares(every - own)
                shares[-1] = self.overall
                raw[held, block] = shares[codes[held]][:, self.shown]
        self.mean = raw.mean(axis=0)
        deviation = raw.std(axis=0)
        self.scale = np.where(deviation > 0, deviation, 1.0)
        self.fitted = torch.from_numpy(((raw - self.mean) / self.scale).astype(np.float32))
        self.field = Field("target_shares", "numeric", width=width)

    def translate(self, name: str, names: Collection[str]) -> npt.NDArray[Any]:
        """The shown shares of a column's distinct strings, and of missing, the last."""
        every = np.array([*(self.tables[name].get(n, self.overall) for n in names), self.overall])
        return every[:, self.shown]

    def shares(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Counts per category and class -> smoothed shares."""
        smoothed: npt.NDArray[np.float64] = (counts + PRIOR_ROWS * self.overall) / (
            counts.sum(axis=1, keepdims=True) + PRIOR_ROWS
        )
        return smoothed

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """float32 (n, width); for rows that are not the training rows."""
        out = np.empty((count(frame, rows), self.field.width), dtype=np.float32)
        for i, name in enumerate(self.columns):
            codes, names = coded(frame[name], rows)
            block = slice(i * len(self.shown), (i + 1) * len(self.shown))
            out[:, block] = (self.own(name, names)[codes] - self.mean[block]) / self.scale[block]
        return torch.from_numpy(out)
