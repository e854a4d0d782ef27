"""The values behind a board's cells: which count, their means, and why a row has none."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.leaderboard.boards.grouping import RowRecords
from bench.leaderboard.boards.model import MetricColumn, describe_units
from bench.leaderboard.statistics.design import Design, Unit
from bench.leaderboard.statistics.intervals import t_interval
from bench.leaderboard.text.words import plural, short
from bench.records.columns import RecordTable


class CellValues:
    """Values of the finished cells of some rows: by unit, or as the mean or median of each row."""

    def __init__(self, records: RecordTable, groups: Sequence[RowRecords], design: Design) -> None:
        self.records, self.groups, self.design = records, groups, design
        self.index = np.array([i for group in groups for i in group.done.values()], np.int64)
        self.bounds = np.cumsum([0, *(len(group.done) for group in groups)])
        self.weights = np.concatenate([np.zeros(0), *(_weights(group.done, design) for group in groups)])

    def column(self, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One value for each finished cell, row after row; NaN where undefined."""
        column = self.records.numbers.get(key)
        return np.full(len(self.index), np.nan) if column is None else column[self.index]

    def by_unit(self, key: str, heading: str, notes: list[str]) -> dict[str, dict[Unit, float]]:
        """The values of each row that has one on every unit that counts; see `_kept`."""
        values = self.column(key)
        kept, whole = self._kept(key, heading, values, notes)
        found: dict[str, dict[Unit, float]] = {}
        for number, group in enumerate(self.groups):
            part = slice(self.bounds[number], self.bounds[number + 1])
            if whole[number]:
                line = zip(group.done, values[part].tolist(), kept[part].tolist(), strict=True)
                found[group.label] = {unit: value for unit, value, keep in line if keep}
        return {label: by_unit for label, by_unit in found.items() if by_unit}

    def means(self, column: MetricColumn, notes: list[str]) -> list[float | None]:
        """The mean of each row, over splits of the means over seeds; None where undefined."""
        values = self.column(column.key)
        if not np.isnan(values).any():
            sums = [0.0] * len(self.groups)
            filled = np.flatnonzero(np.diff(self.bounds))
            if len(filled):
                totals = np.add.reduceat(values * self.weights, self.bounds[filled])
                for number, total in zip(filled.tolist(), totals.tolist(), strict=True):
                    sums[number] = total
            counts = [bool(self.weights[a:b].any()) for a, b in itertools.pairwise(self.bounds)]
            return [total if counted else None for total, counted in zip(sums, counts, strict=True)]
        by_unit = self.by_unit(column.key, column.heading, notes if not column.detail else [])
        counted_values = [self.design.values(by_unit.get(g.label, {})) for g in self.groups]
        return [t_interval(found).mean if found else None for found in counted_values]

    def median(self, key: str) -> list[float | None]:
        """The median of each row over the cells that have a value."""
        values, found = self.column(key), []
        for start, stop in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            part = np.sort(values[start:stop][np.isfinite(values[start:stop])])
            found.append(float((part[(len(part) - 1) // 2] + part[len(part) // 2]) / 2) if len(part) else None)
        return found

    def _kept(
        self, key: str, heading: str, values: np.ndarray[Any, np.dtype[np.float64]], notes: list[str]
    ) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], list[bool]]:
        """Which cells count, and which rows have a value on all of theirs; what is missing is noted.

        A unit where a metric is undefined for every strategy (a property of the data) is left out for all. Where only
        some strategies lack it, averaging what they do have would compare different test rows, so these have no value.
        """
        defined = np.isfinite(values)
        if defined.all():
            return defined, [bool(group.done) for group in self.groups]
        units = [unit for group in self.groups for unit in group.done]
        holders: dict[Unit, list[bool]] = defaultdict(list)
        for unit, has in zip(units, defined.tolist(), strict=True):
            holders[unit].append(has)
        left_out = {unit for unit, has in holders.items() if len(has) > 1 and not any(has)}
        if left_out:
            where = [i for i, unit in zip(self.index.tolist(), units, strict=True) if unit in left_out]
            reasons = _reasons(self.records, where, key)
            notes.append(
                f"{heading} is undefined for every strategy on {describe_units(left_out)}, left out: {reasons}."
            )
        whole = []
        for number, group in enumerate(self.groups):
            start = int(self.bounds[number])
            lacking = {
                unit: i
                for at, (unit, i) in enumerate(group.done.items(), start)
                if not defined[at] and unit not in left_out
            }
            whole.append(bool(group.done) and not lacking)
            if lacking:
                notes.append(
                    f"{heading} of {group.label} is undefined on {len(lacking)} of "
                    f"{plural(len(group.done.keys() - left_out), 'run')} ({describe_units(lacking)}) and shown as –: "
                    f"{_reasons(self.records, lacking.values(), key)}."
                )
        return np.array([unit not in left_out for unit in units], bool), whole


def _weights(done: Mapping[Unit, int], design: Design) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What each cell counts in the mean of its row: splits alike, and the counted seeds of one split alike."""
    if design.splits <= 1:
        return np.full(len(done), 1 / max(1, len(done)))
    seeds = Counter(unit[0] for unit in done if design.counts(unit))
    return np.array([1 / (len(seeds) * seeds[unit[0]]) if design.counts(unit) else 0.0 for unit in done])


def _reasons(records: RecordTable, positions: Iterable[int], key: str) -> str:
    found = (records.parsed("undefined", i).get(key) or "the record gives no reason" for i in positions)
    return "; ".join(sorted({short(reason).rstrip(".") for reason in found}))
