"""What tuning the rows of a board took, and whose budget is not the others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.leaderboard.boards.grouping import RowRecords, trials_of
from bench.leaderboard.boards.model import Budget
from bench.records.columns import RecordTable


def budgets_of(records: RecordTable, groups: Sequence[RowRecords]) -> dict[str, Budget]:
    """What tuning each tuned row took; marked where the trials are not those of most others. Rows
    whose strategy could not be applied, so that nothing was tried, have no budget.

    The budget is trials × the largest number of steps a fit, and boards hold one such number. The steps that a search
    really made differ by its early stops; they are shown, and are no other budget.
    """
    found: dict[str, Budget] = {}
    for group in groups:
        if group.tuned:
            members = list(group.by_unit.values())
            steps, seconds = (
                sorted(v for i in members if (v := records.note(name, i)) is not None)
                for name in ("tuning_steps", "tuning_seconds")
            )
            trials = trials_of(records, members[0])
            if not (trials or steps or seconds):
                continue
            found[group.label] = Budget(
                trials,
                steps[len(steps) // 2] if steps else None,
                seconds[len(seconds) // 2] if seconds else None,
            )
    usual = Counter(b.trials for b in found.values())
    if not usual:
        return {}
    most = max(usual, key=lambda trials: (usual[trials], trials or 0))
    return {label: replace(b, odd=b.trials != most) for label, b in found.items()}
