"""The answer of a board in one short sentence, for where many boards stand together; `sentence` has the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.leaderboard.boards.ablation import answer_of_ablation, is_ablation
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.statistics.design import ENOUGH
from bench.leaderboard.statistics.power import detectable
from bench.leaderboard.text.numbers import half_width, with_range
from bench.leaderboard.text.words import both, list_of, opponent, plural

_MOST: Final = 3
_REALISTIC: Final = 0.5
"""What could be missed is said up to this size: above, the number says less than its absence."""


def headline(board: Board, *, brief: bool = False) -> str:
    """What was found on a board, without a full stop: who beats doing nothing and by how much, and who is worse.

    `brief`, for where many stand together, leaves out what could have been missed and who is practically the same.
    """
    scored = [row for row in board.rows if row.score is not None]
    if len(scored) < 2:
        return "nothing to compare yet" if not scored else f"only {scored[0].label} has a value"
    if board.few:
        return "nobody is judged: too few test rows of a class"
    if not board.judged:
        return f"no verdict: {_why(board)}"
    if board.baseline is None:
        return f"no finished run of {board.wanted} to compare with"
    better, worse, same = ([row for row in scored if row.verdict == word] for word in ("better", "worse", "same"))
    against = opponent(board.baseline)
    parts = (
        [_gain(board, better, against)]
        if better
        else [f"nothing was shown to beat {against}{'' if brief else _missed(board)}"]
    )
    parts += [f"{_names(same)} {both(len(same))} practically the same"] if same and not brief else []
    parts += [f"{_names(worse)} {both(len(worse))} worse"] if worse else []
    few = board.comparison.repeats < ENOUGH and (not brief or bool(better or worse))
    text = answer_of_ablation(board).removesuffix(".") if is_ablation(board) else "; ".join(parts)
    if not few:
        return text
    return f"{text[:-1]}; a look)" if text.endswith(")") else f"{text} (a look)"


def _gain(board: Board, better: Sequence[Row], against: str) -> str:
    first, *others = better
    found = first.difference
    size = f" by {with_range(found)}" if found is not None else ""
    also = f", and so {'does' if len(others) == 1 else 'do'} {_others(others)}" if others else ""
    return f"{first.label} beats {against}{size} {board.score.label}{also}"


def _missed(board: Board) -> str:
    smallest = detectable(board.comparison)
    if smallest is None or smallest > _REALISTIC:
        return ""
    return f" (differences below {half_width(smallest)} are easily missed)"


def _why(board: Board) -> str:
    design, n = board.design, board.comparison.repeats
    if design.splits > 1:
        return f"{plural(n, 'repeat')} {both(n)} too few" if design.ratio is not None else "sizes were not recorded"
    if design.given:
        return "other test rows were not resampled, or too few seeds"
    return "one split of the data, only seeds were varied"


def _others(rows: Sequence[Row]) -> str:
    return list_of(row.label for row in rows) if len(rows) <= _MOST else f"{len(rows)} others"


def _names(rows: Sequence[Row]) -> str:
    """Their labels; of many, how many."""
    return list_of(row.label for row in rows) if len(rows) <= _MOST else f"{len(rows)} strategies"
