"""Stratified partitions. `split` alone fixes the test rows; `seed` then fixes what trains and what validates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.data.schema import DataError, Table

Rows: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Partition:
    """Positions in `Table.frame`, int64, sorted; no row is in two parts.

    Raises:
        DataError: a part is empty or two parts overlap.
    """

    train: Rows
    val: Rows
    test: Rows

    def __post_init__(self) -> None:
        for name in ("train", "val", "test"):
            if not len(getattr(self, name)):
                raise DataError(f"partition: expected rows in each part, got none in {name}; add rows")
        joined = np.concatenate([self.train, self.val, self.test])
        if len(np.unique(joined)) < len(joined):
            raise DataError("partition: expected disjoint parts, got rows in two of them")


def partition(table: Table, split: int, seed: int, test_fraction: float = 0.2, val_fraction: float = 0.15) -> Partition:
    """Divide each class in the same proportions, at least one row of it to each part.

    Both fractions are of all rows. With `table.imbalance` the training rows, and only these, are thinned to an
    exponential long tail. Equal arguments give equal parts.

    Raises:
        DataError: a class has fewer than three rows, or the fractions leave nothing to train on.
    """
    if test_fraction <= 0 or val_fraction <= 0 or test_fraction + val_fraction >= 1:
        raise DataError(
            "test and validation fraction: expected positive numbers that sum to less than 1, "
            f"got {test_fraction} and {val_fraction}"
        )
    testing = np.random.default_rng([split, 0])
    validating = np.random.default_rng([split, 1, seed])
    parts: list[tuple[Rows, Rows, Rows]] = []
    for index, name in enumerate(table.classes):
        members = np.flatnonzero(table.y == index).astype(np.int64)
        if len(members) < 3:
            raise DataError(
                f"target {table.target!r}: expected at least 3 rows of class {name!r} to split, got {len(members)}. "
                "Drop small classes with data.min_class_rows=3"
            )
        n_test = min(max(round(len(members) * test_fraction), 1), len(members) - 2)
        n_val = min(max(round(len(members) * val_fraction), 1), len(members) - n_test - 1)
        order = testing.permutation(members)
        rest = validating.permutation(np.sort(order[n_test:]))
        parts.append((rest[n_val:], rest[:n_val], order[:n_test]))
    if table.imbalance is not None:
        keep = long_tail([len(train) for train, _, _ in parts], table.imbalance)
        parts = [(train[:k], val, test) for (train, val, test), k in zip(parts, keep, strict=True)]
    train, val, test = (np.sort(np.concatenate(part)) for part in zip(*parts, strict=True))
    return Partition(train, val, test)


def long_tail(counts: list[int], ratio: float) -> list[int]:
    """Rows to keep per class: max(counts) · ratio^(-c / (C-1)) for c = 0 … C-1, as far as there are so many.

    Source: Cui et al. 2019, section 5.1 (long-tailed CIFAR).
    """
    last = max(len(counts) - 1, 1)
    return [min(n, max(1, round(max(counts) * ratio ** (-c / last)))) for c, n in enumerate(counts)]
