"""Cleaning that drops rows: of the training rows only, and reported per class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError, listing
from bench.data.tables.config import TableConfig
from bench.data.tables.imposed import Rows
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import Table
from bench.data.tables.splits import Partition
from bench.data.tables.standard import fences


def clean(table: Table, partition: Partition, config: TableConfig) -> tuple[Partition, list[str]]:
    """The partition without the training rows that `data.missing` and `data.outliers` drop, and what was done.

    Validation and test rows stay as they come: predictions are needed for them too.

    Raises:
        DataError: a class would lose all of its training rows; with the counts.
    """
    log: list[str] = []
    train = partition.train
    if config.missing == "drop":
        gap = np.zeros(len(train), dtype=np.bool_)
        for column in table.columns:
            if column.kind in ("numeric", "categorical"):
                gap |= table.frame[column.name].isna().to_numpy()[train]
        train = drop(table, train, gap, "with missing values (data.missing=drop)", log)
    if config.outliers in ("clip", "drop"):
        far = _outlying(table, train, config.fence)
        what = f"beyond {config.fence:g} interquartile ranges"
        if config.outliers == "drop":
            train = drop(table, train, far, f"{what} (data.outliers=drop)", log)
        else:
            log.append(f"clipped numbers in {per_class(table, train[far])} training rows, {what} (data.outliers=clip)")
    return (partition if train is partition.train else replace(partition, train=train)), log


def _outlying(table: Table, train: Rows, fence: float) -> npt.NDArray[np.bool_]:
    """Which training rows have a number beyond the fences, bool (n,)."""
    far = np.zeros(len(train), dtype=np.bool_)
    for name in table.names("numeric"):
        values = table.frame[name].to_numpy(dtype=np.float64)[train]
        low, high = fences(values[~np.isnan(values)], fence)
        far |= (values < low) | (values > high)
    return far


def drop(table: Table, train: Rows, gone: npt.NDArray[np.bool_], why: str, log: list[str]) -> Rows:
    """The training rows that stay.

    Raises:
        DataError: none of some class would.
    """
    left = train[~gone]
    before, after = (np.bincount(table.y[rows], minlength=len(table.classes)) for rows in (train, left))
    if ((before > 0) & (after == 0)).any():
        lost = listing(
            (f"{c} ({int(b):,})" for c, b, a in zip(table.classes, before, after, strict=True) if b and not a), most=5
        )
        raise DataError(
            f"training rows {why}: expected some of each class to stay, got none of {lost}. "
            "Impute or clip instead, leave the worst columns out with data.ignore, or raise data.fence"
        )
    if gone.any():
        log.append(f"dropped {per_class(table, train[gone])} training {rows_word(int(gone.sum()))} {why}")
    return left


def per_class(table: Table, rows: Rows) -> str:
    """'12 (no: 10, yes: 2)'."""
    counts = np.bincount(table.y[rows], minlength=len(table.classes))
    shares = listing((f"{c}: {n:,}" for c, n in zip(table.classes, counts, strict=True)), most=6)
    return f"{len(rows):,} ({shares})"
