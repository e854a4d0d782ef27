"""Categories: as codes, as zeros and ones, and as the class shares of their rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.features.encoder import count
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import coded
from strategies.features import Field

MISSING, UNKNOWN, RESERVED = 0, 1, 2  # codes of categories; the first two are reserved
_LEAST_COUNT = 2  # a category seen once in training is unknown, so that the unknown code gets trained
_FOLDS = 5  # of out-of-fold target encoding
PRIOR_ROWS = 20.0  # how many rows of the overall shares are mixed into those of a category


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
        hashed = dict(hashed or {})
        self._settle(
            columns, {name: known(frame[name], rows, by_frequency) for name in columns if name not in hashed}, hashed
        )

    @classmethod
    def of_known(
        cls, columns: tuple[str, ...], known: Mapping[str, Sequence[str]], hashed: Mapping[str, int]
    ) -> CategoryEncoder:
        """An encoder that was fitted before. `known`: of each column its categories in the order of their codes."""
        made = cls.__new__(cls)
        codes = {name: {label: RESERVED + i for i, label in enumerate(labels)} for name, labels in known.items()}
        made._settle(columns, codes, dict(hashed))
        return made

    def _settle(self, columns: tuple[str, ...], known: dict[str, dict[str, int]], hashed: dict[str, int]) -> None:
        self.columns, self.known, self.hashed = columns, known, hashed
        sizes = tuple(RESERVED + (hashed.get(name) or len(known[name])) for name in columns)
        self.field = Field("categorical", "categorical", sizes=sizes, width=len(columns))
        self.own = _Latest(self.translate)

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


class _Latest:
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
    often = {name: int(n) for name, n in zip(names, counts, strict=True) if n >= _LEAST_COUNT}
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
        fold = np.random.default_rng([len(y), n_classes]).permutation(len(y)) % _FOLDS
        self.tables: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
        self.own = _Latest(self.translate)
        raw = np.empty((len(y), width))
        for i, name in enumerate(columns):
            codes, names = coded(frame[name], rows)
            every = np.zeros((len(names) + 1, n_classes))
            np.add.at(every, (codes, y), 1)  # -1, missing, is the last
            self.tables[name] = dict(zip(names, self.shares(every), strict=False))
            block = slice(i * len(self.shown), (i + 1) * len(self.shown))
            for k in range(_FOLDS):
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

    @classmethod
    def of_shares(
        cls,
        columns: tuple[str, ...],
        n_classes: int,
        tables: dict[str, dict[str, npt.NDArray[np.float64]]],
        *,
        overall: npt.NDArray[np.float64],
        mean: npt.NDArray[np.float64],
        scale: npt.NDArray[np.float64],
    ) -> TargetEncoder:
        """An encoder that was fitted before, for rows that are not its training rows."""
        made = cls.__new__(cls)
        made.columns, made.n_classes, made.tables = columns, n_classes, tables
        made.shown = [1] if n_classes == 2 else list(range(n_classes))
        made.overall, made.mean, made.scale = overall, mean, scale
        made.own = _Latest(made.translate)
        made.field = Field("target_shares", "numeric", width=len(columns) * len(made.shown))
        return made

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
