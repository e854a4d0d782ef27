"""Partitions. `split` alone fixes the test rows; `seed` then fixes what trains and what validates.

Ways to divide, by what the table says: stratified by class; in k folds; by whole groups; by time; by time and whole
groups; as given by a column. What is imposed afterwards: an imbalance on the training rows, a shift of the prior on
the test rows. Whatever the way, no row and (where groups are kept whole) no group is in two parts, and each part has
rows of each class, or the partition is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError, listing
from bench.data.tables.group_split import folds, giants, group_counts, pick
from bench.data.tables.imposed import Rows, impose, shifted
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import Table

FEW = 20  # rows of a class in a part; below, boards rank nobody


@dataclass(frozen=True, eq=False)
class Partition:
    """Positions in `Table.frame`, int64, sorted; no row is in two parts.

    `merged`: validation rows train as well, and nothing may be chosen by them.

    Raises:
        DataError: a part is empty or two parts overlap.
    """

    train: Rows
    val: Rows
    test: Rows
    notes: tuple[str, ...] = ()  # what the owner of the data should know about the parts
    merged: bool = False

    def with_validation(self) -> Partition:
        """The same parts with the validation rows among the training rows; test rows stay apart."""
        return replace(self, train=np.union1d(self.train, self.val), merged=True)

    def __post_init__(self) -> None:
        for name in ("train", "val", "test"):
            if not len(getattr(self, name)):
                raise DataError(f"partition: expected rows in each part, got none in {name}; add rows")
        parts = (self.train, self.test) if self.merged else (self.train, self.val, self.test)
        seen = np.zeros(max(int(rows.max()) for rows in parts) + 1, dtype=np.bool_)
        for rows in parts:
            seen[rows] = True
        if seen.sum() < sum(map(len, parts)):
            raise DataError("partition: expected disjoint parts, got rows in two of them")


def partition(table: Table, split: int, seed: int, test_fraction: float = 0.2, val_fraction: float = 0.15) -> Partition:
    """Divide the rows in the way that the table asks for. Equal arguments give equal parts.

    Both fractions are of all rows. With `table.imbalance` the training rows, and only these, are thinned to a long
    tail or a step; with `table.shift` the test rows, and only these, to another prior.

    Raises:
        DataError: a part would lack a class (with the counts), or the fractions leave nothing to train on.
    """
    if test_fraction <= 0 or val_fraction <= 0 or test_fraction + val_fraction >= 1:
        raise DataError(
            "test and validation fraction: expected positive numbers that sum to less than 1, "
            f"got {test_fraction} and {val_fraction}"
        )
    roles = table.roles
    if roles is not None and roles.given is not None:
        train, val, test = _by_given(table, roles.given, split, seed, val_fraction)
    elif roles is not None and roles.time is not None:
        groups = roles.group if table.group_split else None
        train, val, test = _by_time(roles.time, groups, split, test_fraction, val_fraction)
    elif roles is not None and roles.group is not None and table.group_split:
        train, val, test = _by_group(table, roles.group, split, seed, (test_fraction, val_fraction))
    else:
        train, val, test = by_class(table, split, seed, test_fraction, val_fraction)
    if table.imbalance is not None:
        train = impose(train, table, np.random.default_rng([split, 2, seed]))
    if table.shift != 1:
        test = shifted(test, table, np.random.default_rng([split, 3]))
    _check_classes(table, {"train": train, "validation": val, "test": test})
    if table.group_split and roles is not None and roles.group is not None:
        _check_groups(roles.group, train, val, test)
    train, val, test = np.sort(train), np.sort(val), np.sort(test)
    return Partition(train, val, test, notes=notes(table, train, val, test, (test_fraction, val_fraction)))


def notes(table: Table, train: Rows, val: Rows, test: Rows, fractions: tuple[float, float]) -> tuple[str, ...]:
    """What is left out and why, giant groups, and parts with few rows of a class, each in one line."""
    found: list[str] = []
    roles = table.roles
    grouped = roles is not None and roles.group is not None and table.group_split
    if roles is not None and roles.time is not None:
        used = len(train) + len(val) + len(test)
        later = int((roles.time > roles.time[test].max()).sum())
        earlier = len(table) - used - later if table.imbalance is None and table.shift == 1 else 0
        if later:
            found.append(f"left out {later:,} {rows_word(later)} later than the test window of this split")
        if earlier and grouped:
            share = f"{earlier:,} {rows_word(earlier)} ({earlier / len(table):.1%})"
            found.append(f"left out {share} of groups that were seen before the window of their part")
    elif grouped and roles is not None and roles.group is not None and roles.given is None and not table.folds:
        counts = group_counts(roles.group, table.y, len(table.classes))
        found += [said for said in [giants(counts, fractions, roles.groups)] if said]
    few = _few_rows(table, {"validation": val, "test": test})
    return (*found, *([few] if few else []))


def _few_rows(table: Table, parts: dict[str, Rows]) -> str:
    """What is said of parts with fewer than `FEW` rows of a class; of many classes, where most are so small."""
    small = []
    for name, rows in parts.items():
        counts = np.bincount(table.y[rows], minlength=len(table.classes))
        poor = np.flatnonzero(counts < FEW)
        if len(poor) > (0 if len(table.classes) == 2 else len(table.classes) // 2):
            rarest = int(counts.argmin())
            small.append(f"{counts[rarest]:,} {name} {rows_word(int(counts[rarest]))} of {table.classes[rarest]!r}")
    if not small:
        return ""
    return (
        f"warning: {' and '.join(small)}: below {FEW} no ranking of strategies is evidence. Add rows, raise "
        "data.test_fraction, or use data.folds and several splits"
    )


def by_class(table: Table, split: int, seed: int, test_fraction: float, val_fraction: float) -> tuple[Rows, Rows, Rows]:
    """Each class in the same proportions, at least one row of it to each part; with `table.folds`, test is one fold.

    Raises:
        DataError: a class has fewer than three rows, or fewer than there are folds.
    """
    turn, fold = divmod(split, table.folds) if table.folds else (split, 0)
    testing = np.random.default_rng([turn, 0])
    validating = np.random.default_rng([split, 1, seed])
    parts: list[tuple[Rows, Rows, Rows]] = []
    least = max(3, table.folds or 0)
    for index, name in enumerate(table.classes):
        members = np.flatnonzero(table.y == index).astype(np.int64)
        if len(members) < least:
            raise DataError(
                f"target {table.target!r}: expected at least {least} rows of class {name!r} to split, "
                f"got {len(members)}. "
                + ("Lower data.folds" if table.folds else f"Drop small classes with data.min_class_rows={least}")
            )
        order = testing.permutation(members)
        if table.folds:
            test = order[fold :: table.folds]
        else:
            test = order[: min(max(round(len(members) * test_fraction), 1), len(members) - 2)]
        n_val = min(max(round(len(members) * val_fraction), 1), len(members) - len(test) - 1)
        rest = validating.permutation(np.setdiff1d(members, test, assume_unique=True))
        parts.append((rest[n_val:], rest[:n_val], test))
    train, val, test = (np.concatenate(part) for part in zip(*parts, strict=True))
    return train, val, test


def _by_group(
    table: Table, group: Rows, split: int, seed: int, fractions: tuple[float, float]
) -> tuple[Rows, Rows, Rows]:
    """Whole groups; rows and classes of the parts as near to the fractions as a search gets.

    A group larger than a part trains, unless there are folds; where such groups leave too few rows for both parts, what
    is left is shared in proportion.
    """
    counts = group_counts(group, table.y, len(table.classes))
    turn, fold = divmod(split, table.folds) if table.folds else (split, 0)
    testing, validating = np.random.default_rng([turn, 0]), np.random.default_rng([split, 1, seed])
    part = np.zeros(len(counts), dtype=np.int8)  # 0 train, 1 val, 2 test, per group
    test_fraction, val_fraction = _within_reach(counts, fractions)
    if table.folds:
        part[folds(counts, table.folds, testing) == fold] = 2
    else:
        part[pick(counts, test_fraction, testing)] = 2
    rest = np.flatnonzero(part == 0)
    left = counts[rest, 0].sum() / max(counts[:, 0].sum(), 1)
    if len(rest) > 1:
        part[rest[pick(counts[rest], min(val_fraction / left, 0.5), validating)]] = 1
    of_row = part[group]
    train, val, test = (np.flatnonzero(of_row == p).astype(np.int64) for p in (0, 1, 2))
    return train, val, test


def _within_reach(counts: Rows, fractions: tuple[float, float]) -> tuple[float, float]:
    """The fractions of test and validation, lowered in proportion where giant groups leave less than both."""
    rows = counts[:, 0] / counts[:, 0].sum()
    small = rows[rows <= fractions[0]].sum()
    if small == 0 or small >= sum(fractions):
        return fractions
    scale = float(small) / sum(fractions)
    return fractions[0] * scale, fractions[1] * scale


def _by_time(
    time: Rows, group: Rows | None, split: int, test_fraction: float, val_fraction: float
) -> tuple[Rows, Rows, Rows]:
    """The latest rows test, the latest before them validate; rows of one moment stay together.

    split i moves the test window i windows back, and what is later is left out (rolling origin). With groups, a part
    holds only groups that were not seen before its window began; what is left of earlier groups is left out.

    Raises:
        DataError: the windows reach back before the first rows.
    """
    order = np.sort(time)
    n = len(order)
    end = n - round(split * test_fraction * n)
    start, middle = end - round(test_fraction * n), end - round((test_fraction + val_fraction) * n)
    if middle <= 0 or start >= end:
        raise DataError(
            f"split by time: expected rows before the test window of split {split}, got none; lower split, "
            "data.test_fraction or data.val_fraction"
        )
    last = time.max() + 1 if end >= n else order[end]
    windows = [(0, order[middle]), (order[middle], order[start]), (order[start], last)]
    parts = []
    for begins, ends in windows:
        inside = (time >= begins) & (time < ends)
        if group is not None:
            first = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
            np.minimum.at(first, group, time)
            inside &= first[group] >= begins
        parts.append(np.flatnonzero(inside).astype(np.int64))
    return parts[0], parts[1], parts[2]


def _by_given(
    table: Table, given: npt.NDArray[np.int8], split: int, seed: int, val_fraction: float
) -> tuple[Rows, Rows, Rows]:
    """As a column says; where it names no validation rows, they are drawn from the training rows, by class.

    Raises:
        DataError: another split is asked for, or the column names no training or test rows.
    """
    if split:
        raise DataError(f"split: expected 0, because data.given fixes the test rows, got {split}. Unset split")
    train, val, test = (np.flatnonzero(given == part).astype(np.int64) for part in (0, 1, 2))
    for name, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise DataError(f"data.given: expected rows that say {name}, got none in {len(given):,} rows")
    if len(val):
        return train, val, test
    validating = np.random.default_rng([split, 1, seed])
    drawn = []
    for index in range(len(table.classes)):
        members = validating.permutation(train[table.y[train] == index])
        drawn.append(members[: max(1, round(len(members) * val_fraction)) if len(members) > 1 else 0])
    val = np.concatenate(drawn)
    return np.setdiff1d(train, val, assume_unique=True), val, test


def _check_classes(table: Table, parts: dict[str, Rows]) -> None:
    """Refuse parts without rows of some class.

    Raises:
        DataError: with the counts of every part.
    """
    counts = {name: np.bincount(table.y[rows], minlength=len(table.classes)) for name, rows in parts.items()}
    lacking = [(name, c) for name, count in counts.items() for c in np.flatnonzero(count == 0)]
    if not lacking:
        return
    rare = sorted({int(c) for _, c in lacking})
    shown = listing(
        (
            f"{table.classes[c]!r}: " + ", ".join(f"{name} {int(count[c]):,}" for name, count in counts.items())
            for c in rare
        ),
        most=5,
    )
    both = table.group_split and table.roles is not None and table.roles.time is not None
    why = "With data.time and data.group a part holds only groups that were not seen before it. " if both else ""
    raise DataError(
        f"target {table.target!r}: expected rows of each class in each part, got {shown}. {why}"
        "Try another split or larger fractions, or divide the rows in another way (data.group, data.time, data.given)"
    )


def _check_groups(group: Rows, *parts: Rows) -> None:
    """Assert that no group is in two parts.

    Raises:
        DataError: one is; counts them. A given column may say so.
    """
    seen = np.zeros(int(group.max()) + 1, dtype=np.int8)
    for rows in parts:
        seen[np.unique(group[rows])] += 1
    torn = int((seen > 1).sum())
    if torn:
        raise DataError(
            f"data.group: expected each group in one part only, got {torn:,} {'group' if torn == 1 else 'groups'} in "
            "several. "
            "Unset data.given, or set data.group_split=false if groups may be split"
        )
