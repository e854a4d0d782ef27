"""A board with its verdicts: what a comparison says of each row, and the words for it."""

from __future__ import annotations

from dataclasses import replace

from bench.leaderboard.boards.ablation import is_ablation
from bench.leaderboard.boards.aspects import effects_of, verdicts_of
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.boards.sentences import explain, further, legend, sentence_of
from bench.leaderboard.statistics.verdicts import Comparison
from bench.leaderboard.text.words import opponent


def settled(board: Board, comparison: Comparison) -> Board:
    """The board with the differences, verdicts and sentences of a comparison, instead of any that it had."""
    best = set(comparison.could_be_best())
    rows = tuple(_row(row, comparison, best) for row in board.rows)
    board = replace(board, rows=rows, comparison=comparison)
    return replace(
        board,
        sentence=sentence_of(board),
        effects=_effects(board),
        notes=(*explain(board, board.wanted), *board.remarks),
        further=tuple(further(board)),
        legend=tuple(legend(rows, comparison.rope, judged=board.judged, aspects=len(board.aspects))),
    )


def _effects(board: Board) -> str:
    if board.baseline is None:
        return ""
    judged = {aspect.name: verdicts_of(aspect) for aspect in board.aspects if aspect.comparison.judged}
    return effects_of(judged, "the whole stack" if is_ablation(board) else opponent(board.baseline))


def _row(row: Row, comparison: Comparison, best: set[str]) -> Row:
    return replace(
        row,
        difference=comparison.differences.get(row.label),
        adjusted_p=comparison.adjusted.get(row.label),
        verdict=comparison.verdicts.get(row.label),
        chances=comparison.chances.get(row.label),
        could_be_best=row.label in best if row.label in comparison.beaten_by else None,
    )
