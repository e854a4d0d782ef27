"""Boards that leave one strategy of a stack out at a time: what their rows are called, and what they say.

The whole stack is what the others are held against, so a row that is *worse* speaks for the strategy that it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bench.leaderboard.boards.grouping import RowRecords
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.statistics.power import detectable
from bench.leaderboard.text.numbers import half_width, number, with_range
from bench.leaderboard.text.words import list_of
from bench.records.files import ResultsError

WHOLE: Final = "whole stack"
_WITHOUT: Final = "without "


def named_by_what_they_lack(rows: Sequence[RowRecords], baseline: str) -> list[RowRecords]:
    """The rows, those of the stack `baseline` as `whole stack` and of it without one strategy as `without NAME`.

    All keep their labels where no row lacks exactly one strategy of the baseline: that is no ablation.
    """
    stack = baseline.split("+")
    fewer = {"+".join(stack[:i] + stack[i + 1 :]): name for i, name in enumerate(stack)} if len(stack) > 1 else {}
    if not any(row.strategy in fewer for row in rows):
        return list(rows)
    names = {baseline: WHOLE, **{own: f"{_WITHOUT}{name}" for own, name in fewer.items()}}
    alone = [row.strategy for row in rows]
    return [
        replace(row, label=names[row.strategy])
        if row.strategy in names and alone.count(row.strategy) == 1  # of several the label tells them apart
        else row
        for row in rows
    ]


def is_ablation(board: Board) -> bool:
    """Whether the rows of a board are held against a whole stack."""
    return board.baseline == WHOLE


def check_baseline(wanted: str, boards: Sequence[Board]) -> None:
    """Refuse a baseline that no board has.

    Raises:
        ResultsError: none has it; names those that there are.
    """
    if boards and all(board.baseline is None for board in boards):
        known = sorted({row.strategy for board in boards for row in board.rows if row.score is not None})
        raise ResultsError(
            f"board.baseline={wanted}: expected a strategy or a stack with finished runs; there are "
            f"{list_of(known) or 'none'}; choose one of these"
        )


def answer_of_ablation(board: Board) -> str:
    """What each strategy of the stack is worth, and whether the whole of it beats doing nothing."""
    metric, found = board.score.label, board.comparison
    by_verdict: dict[str, list[Row]] = {}
    for row in board.rows:
        if row.label.startswith(_WITHOUT) and row.score is not None:
            by_verdict.setdefault(row.verdict or "undecided", []).append(row)
    parts = [
        f"{_lacked(row)} is worth {with_range(row.difference)} {metric}: without it the stack is worse"
        for row in by_verdict.get("worse", ())
    ]
    parts += [
        f"without {_lacked(row)} the stack is better, by {with_range(row.difference)} {metric}"
        for row in by_verdict.get("better", ())
    ]
    if same := [*by_verdict.get("same", ()), *by_verdict.get("identical", ())]:
        names, region = " or ".join(map(_lacked, same)), number(found.rope, 2)
        parts.append(f"without {names} the stack is practically the same (within ±{region} {metric})")
    if unknown := by_verdict.get("undecided"):
        smallest = detectable(found)
        missed = f" (differences below {half_width(smallest)} are easily missed)" if smallest is not None else ""
        parts.append(f"whether {' or '.join(map(_lacked, unknown))} is worth anything was not shown{missed}")
    none = next((row for row in board.rows if row.strategy == "none"), None)
    parts += [_of_the_whole(none, metric)] if none is not None and none.score is not None else []
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text.startswith(("without", "whether")) else f"{text}."


def _lacked(row: Row) -> str:
    return row.label.removeprefix(_WITHOUT)


def _of_the_whole(none: Row, metric: str) -> str:
    """The whole stack beside doing nothing."""
    size = f"{with_range(none.difference)} {metric}"
    return {
        "worse": f"the whole stack beats doing nothing by {size}",
        "better": f"doing nothing beats the whole stack by {size}",
        "same": "the whole stack is practically the same as doing nothing",
        "identical": "the whole stack is the same as doing nothing",
    }.get(none.verdict or "", "the whole stack was not shown to beat doing nothing")
