"""The same boards ranked by other metrics: what a page needs to switch between them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.leaderboard.boards.build import BASELINE, boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.statistics.verdicts import ROPE
from bench.records.columns import RecordTable


def ranked_otherwise(
    records: RecordTable, tables: Sequence[Board], *, rope: float = ROPE, baseline: str = BASELINE
) -> dict[str, list[Board]]:
    """By metric, the boards that have it, under the slugs of `tables`.

    The metrics are those that tables show outside of details, where higher or lower is better. Each board is judged by
    the one rule, with its own metric; of several metrics of one board the best is not picked, the reader picks.
    """
    found = {}
    for metric in _metrics(tables):
        ranked = [
            board
            for board in boards(records, metric=metric, rope=rope, baseline=baseline, aspects=False)
            if board.score.key == metric and any(row.score is not None for row in board.rows)
        ]
        if ranked:
            found[metric] = ranked
    return found


def _metrics(tables: Sequence[Board]) -> list[str]:
    """Columns that can rank, without one that ranks every table already."""
    able: dict[str, None] = {}
    for board in tables:
        for column in (board.score, *board.panel("quality", "decisions", "probabilities")):
            if column.higher_is_better is not None and column.ideal is None:
                able[column.key] = None
    return [key for key in able if any(board.score.key != key for board in tables)]
