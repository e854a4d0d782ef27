"""What is imposed on parts that are drawn: an imbalance on the training rows, another prior on the test rows."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.tables.schema import Table

Rows: TypeAlias = npt.NDArray[np.int64]


def impose(train: Rows, table: Table, generator: np.random.Generator) -> Rows:
    """Thin the training rows of each class to the imbalance asked for.

    A random order comes with stratified parts; it is drawn where groups, time or a column have sorted the rows.
    """
    assert table.imbalance is not None
    members = [train[table.y[train] == c] for c in range(len(table.classes))]
    if table.roles is not None and {"group", "time", "given"} & set(table.roles.arrays()):
        members = [generator.permutation(m) for m in members]
    counts = [min(len(m), table.largest or len(m)) for m in members]
    keep = (step if table.imbalance_shape == "step" else long_tail)(counts, table.imbalance)
    return np.concatenate([m[:k] for m, k in zip(members, keep, strict=True)])


def long_tail(counts: list[int], ratio: float) -> list[int]:
    """Rows to keep per class: max(counts) · ratio^(-c / (C-1)) for c = 0 … C-1, as far as there are so many.

    Source: Cui et al. 2019, section 5.1 (long-tailed CIFAR).
    """
    last = max(len(counts) - 1, 1)
    return [min(n, max(1, round(max(counts) * ratio ** (-c / last)))) for c, n in enumerate(counts)]


def step(counts: list[int], ratio: float) -> list[int]:
    """Rows to keep per class: all of the first half of the classes, max(counts) / ratio of the others.

    Source: Buda, Maki & Mazurowski 2018, section 2.1 (step imbalance, half of the classes minority classes).
    """
    few = max(1, round(max(counts) / ratio))
    return [n if c < (len(counts) + 1) // 2 else min(n, few) for c, n in enumerate(counts)]


def shifted(test: Rows, table: Table, generator: np.random.Generator) -> Rows:
    """Test rows of a prior whose odds are `table.shift` times as high: rows of one class are left out at random.

    p(x | y) stays, so p(y | x) has `shift` times the odds.

    Raises:
        DataError: more than two classes.
    """
    if len(table.classes) != 2:
        raise DataError(f"data.shift: expected two classes, got {len(table.classes)}. Unset data.shift")
    thinned, keep = (0, 1 / table.shift) if table.shift > 1 else (1, table.shift)
    stays: npt.NDArray[np.bool_] = (table.y[test] != thinned) | (generator.random(len(test)) < keep)
    return np.asarray(test[stays])
