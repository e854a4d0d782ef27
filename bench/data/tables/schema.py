"""A loaded and cleaned table: its columns and kinds, labels, what was dropped and why. No torch here."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing
from bench.data.tables.class_costs import OUTCOMES, Costs, cost_matrix, of_outcomes

ColumnKind = Literal["numeric", "categorical", "text", "ignored"]
KINDS: tuple[ColumnKind, ...] = ("numeric", "categorical", "text", "ignored")

BLOCK = 1 << 14  # rows worked on at a time

Strings: TypeAlias = npt.NDArray[np.object_]
"""(n,) of str, None where missing."""


@dataclass(frozen=True)
class FeatureColumn:
    """A feature column and how it is used."""

    name: str
    kind: ColumnKind


@dataclass(frozen=True, eq=False)
class OtherTarget:
    """Another label of the same rows. y int64 (n,), -1 where a row has none; `drops`: features that give it away."""

    y: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    drops: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Roles:
    """Per row, each (n,) or None. weight float64, positive; group int64 codes of `groups`; time int64, ranks of the
    distinct times; given int8: 0 train, 1 validation, 2 test; report_by int64 codes of `reports`; query int64 codes;
    cost_* float64: what a true negative, false positive, false negative, true positive costs.
    """

    weight: npt.NDArray[np.float64] | None = None
    group: npt.NDArray[np.int64] | None = None
    groups: tuple[str, ...] = ()
    time: npt.NDArray[np.int64] | None = None
    given: npt.NDArray[np.int8] | None = None
    report_by: npt.NDArray[np.int64] | None = None
    reports: tuple[str, ...] = ()
    query: npt.NDArray[np.int64] | None = None
    cost_tn: npt.NDArray[np.float64] | None = None
    cost_fp: npt.NDArray[np.float64] | None = None
    cost_fn: npt.NDArray[np.float64] | None = None
    cost_tp: npt.NDArray[np.float64] | None = None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Those that there are."""
        costs = ("cost_tn", "cost_fp", "cost_fn", "cost_tp")
        known = ("weight", "group", "time", "given", "report_by", "query", *costs)
        named = {name: getattr(self, name) for name in known}
        return {name: array for name, array in named.items() if array is not None}

    def reported(self) -> tuple[npt.NDArray[np.int64], tuple[str, ...]] | None:
        """Codes (n,) and names of what metrics are reported within: `report_by`, else the groups; None without any."""
        if self.report_by is not None:
            return self.report_by, self.reports
        return None if self.group is None else (self.group, self.groups)

    def take(self, rows: npt.NDArray[np.int64]) -> Roles:
        """The given rows."""
        taken: dict[str, Any] = {name: array[rows] for name, array in self.arrays().items()}
        return replace(self, **taken)


@dataclass(frozen=True, eq=False)
class Table:
    """One data set for one target: typed features, labels, no two rows alike.

    frame: feature columns only, in the order of `columns`; numeric float64 with NaN for missing, categorical and
    text object columns of str or None; index 0 … n-1. y int64 (n,) indexes `classes`; of two classes index 1 is the
    positive one. rows int64 (n,): row numbers in the source. `imbalance`: ratio of the exponential long tail or step
    that `partition` imposes on the training rows, None to leave them as they are. `truth` float64 (n,): the true
    probability of class 1, where it is known. `elsewhere`: labelled rows of other populations with the same columns,
    to transfer from. `frame` may hold memory-mapped numbers and categorical columns (codes) instead of objects.
    """

    name: str
    target: str
    frame: pd.DataFrame
    columns: tuple[FeatureColumn, ...]
    y: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    fingerprint: str
    version: int
    source: str
    licence: str
    other: Mapping[str, OtherTarget] = field(default_factory=dict)
    transfer_source: str | None = None
    imbalance: float | None = None
    ignored: Mapping[str, str] = field(default_factory=dict)  # column -> why it is no feature
    log: tuple[str, ...] = ()
    roles: Roles | None = None  # weights, groups, time, given parts
    group_split: bool = False  # whether whole groups go to one part
    folds: int | None = None
    shift: float = 1.0
    imbalance_shape: str = "exponential"
    largest: int | None = None  # training rows of the largest class, where an imbalance is imposed
    truth: npt.NDArray[np.float64] | None = None
    elsewhere: Mapping[str, Table] = field(default_factory=dict)
    unlabelled: pd.DataFrame | None = None  # the same columns of rows without a label, where they are asked for
    cost: Costs | None = None  # what decisions cost: by outcome, or by the names of several classes

    def __len__(self) -> int:
        return len(self.y)

    def costs(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64] | None:
        """What decisions on these rows cost (n, C²): at c · C + d deciding for class d where c is true.

        Of two classes these are true negative, false positive, false negative, true positive.

        Raises:
            DataError: costs of several classes that do not fit these.
        """
        if self.cost is None:
            return None
        if not of_outcomes(self.cost):
            return np.tile(cost_matrix(self.cost, self.classes).ravel(), (len(rows), 1))
        found = np.zeros((len(rows), 4))
        for i, outcome in enumerate(OUTCOMES):
            held: Any = self.cost.get(outcome, 0.0)
            column = getattr(self.roles, f"cost_{outcome}") if isinstance(held, str) else None
            found[:, i] = held if column is None else column[rows]
        return found

    def names(self, kind: ColumnKind) -> list[str]:
        """The feature columns of a kind, sorted."""
        return [c.name for c in self.columns if c.kind == kind]

    def counts(self) -> npt.NDArray[np.int64]:
        """Rows per class, int64 (C,)."""
        return np.bincount(self.y, minlength=len(self.classes)).astype(np.int64)


def fingerprint(
    target: str,
    classes: tuple[str, ...],
    *,
    y: npt.NDArray[np.int64],
    columns: tuple[FeatureColumn, ...],
    frame: Mapping[str, pd.Series[Any]] | pd.DataFrame,
    imbalance: float | None = None,
    roles: Mapping[str, npt.NDArray[Any]] | None = None,
) -> str:
    """SHA-256 of what the table says and not of how it was stored: 64 hexadecimal digits.

    Covers names and kinds of the features, values, target, classes, labels, row order, imposed imbalance and, where
    there are any, weights, groups, times, given parts and true probabilities; neither file name nor format nor the
    order of columns.
    """
    header: dict[str, Any] = {"target": target, "classes": classes, "rows": len(y), "imbalance": imbalance}
    header["columns"] = [[c.name, c.kind] for c in columns]
    if roles:
        header["roles"] = {name: hashlib.sha256(little(v).tobytes()).hexdigest() for name, v in sorted(roles.items())}
    sha = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    sha.update(y.astype("<i8").data)
    for column in columns:
        _add_values(sha, column.kind, frame[column.name])
    return sha.hexdigest()


def frame_hash(frame: pd.DataFrame, columns: tuple[FeatureColumn, ...]) -> str:
    """SHA-256 of rows without labels."""
    sha = hashlib.sha256()
    for column in columns:
        _add_values(sha, column.kind, frame[column.name])
    return sha.hexdigest()


def _add_values(sha: Any, kind: ColumnKind, values: pd.Series[Any]) -> None:
    """Hash one column: numbers as little-endian float64; strings as their lengths in bytes, -1 for none, then bytes."""
    if kind == "numeric":
        for numbers in blocks(values.to_numpy()):
            canonical = np.where(np.isnan(numbers), np.nan, numbers + 0.0)  # one NaN, no -0.0
            sha.update(canonical.astype("<f8", copy=False).data)
        return
    codes, names = coded(values)
    encoded = [*(n.encode("utf-8", "surrogatepass") for n in names), b""]  # -1, missing, is the last
    lengths = np.array([*(len(b) for b in encoded[:-1]), -1], dtype="<i8")
    for block in blocks(codes):
        sha.update(lengths[block].data)
    strings = pa.array(encoded, pa.large_binary())
    for block in blocks(codes):
        taken = strings.take(pa.array(np.where(block < 0, len(names), block)))
        _, offsets, characters = taken.buffers()
        ends = np.frombuffer(offsets, np.int64)[[taken.offset, taken.offset + len(taken)]]
        if characters is not None:
            sha.update(memoryview(characters)[ends[0] : ends[1]])


def blocks(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """An array in pieces that fit a processor's cache: work on these costs the same per row however many there are."""
    for start in range(0, len(values), BLOCK):
        yield values[start : start + BLOCK]


def coded(
    values: pd.Series[Any], rows: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.integer[Any]], Collection[str]]:
    """A column of strings, or the given rows of it, as codes (n,), -1 for missing, into distinct strings.

    These are in no particular order, and some may have no row. Of a categorical column they are one object always.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.array.codes  # `values.cat.codes` would copy them all
        return codes if rows is None else codes[rows], values.dtype.categories
    codes, names = pd.factorize(values if rows is None else values.iloc[rows])
    return codes, list(names)


def release(values: pd.Series[Any]) -> None:
    """Give back the memory in which the system shows this process a column's file; it stays cached, and readable."""
    array: Any = values.array.codes if isinstance(values.dtype, pd.CategoricalDtype) else values.to_numpy()
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)


def little(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same numbers, little-endian."""
    return values.astype(values.dtype.newbyteorder("<"))


def check_names(file: str, header: Sequence[str]) -> list[str]:
    """Column names without outer spaces.

    Raises:
        DataError: some are the same.
    """
    names = [n.strip() or f"column{i}" for i, n in enumerate(header)]
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise DataError(f"{file}: expected distinct column names, got several of {listing(repeated)}. Rename them")
    return names
