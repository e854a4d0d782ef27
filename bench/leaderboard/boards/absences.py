"""Cells without numbers: failed, skipped or missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bench.leaderboard.boards.grouping import RowRecords
from bench.leaderboard.boards.model import Absence
from bench.leaderboard.statistics.design import Unit
from bench.leaderboard.text.words import short
from bench.records.columns import RecordTable


def absent_cells(records: RecordTable, groups: Sequence[RowRecords], statuses: Sequence[str]) -> tuple[Absence, ...]:
    """CellValues of some statuses, those of one strategy with one reason together."""
    found: dict[tuple[str, str, str], list[Unit]] = defaultdict(list)
    for group in groups:
        if len(group.done) == len(group.by_unit):
            continue
        for unit, i in group.by_unit.items():
            status = records.text("status", i)
            if status in statuses:
                found[group.label, status, short(records.text("reason", i)) or "no reason recorded"].append(unit)
    return tuple(Absence(label, status, tuple(units), reason) for (label, status, reason), units in found.items())


def missing_cells(groups: Sequence[RowRecords], units: Sequence[Unit]) -> tuple[Absence, ...]:
    """Units that some row has and others lack, those of one row together."""
    lacking = ((g.label, tuple(unit for unit in units if unit not in g.by_unit)) for g in groups)
    return tuple(Absence(label, "missing", absent) for label, absent in lacking if absent)
