"""Boards × strategies: the difference to doing nothing and its verdict, for a glance at all boards together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.boards.model import Board, MetricColumn, Row
from bench.leaderboard.text.words import short

MOST: Final = 30
"""So many strategies are columns at most, those on most boards; each board's table has all."""


@dataclass(frozen=True)
class Place:
    """One strategy on one board: Δ, how good that is (above 0 is better), its verdict, or why there is nothing."""

    difference: float | None
    gain: float | None
    verdict: str
    absent: str = ""


@dataclass(frozen=True)
class Matrix:
    """Strategies, the best mean gain first, and each board with its places by strategy; `cut` were left out."""

    labels: tuple[str, ...]
    lines: tuple[tuple[Board, Mapping[str, Place]], ...]
    cut: int = 0


def matrix_of(boards: Sequence[Board]) -> Matrix:
    """The matrix of boards that have a baseline; its own row is no column."""
    counts: Counter[str] = Counter()
    lines: list[tuple[Board, Mapping[str, Place]]] = []
    for board in boards:
        if board.baseline is None:
            continue
        places = {row.label: _place(board, row) for row in board.rows if row.label != board.baseline}
        counts.update(places.keys())
        lines.append((board, places))
    most = sorted(counts, key=lambda label: (-counts[label], label))[:MOST]
    ordered = sorted(most, key=lambda label: (-_mean_gain(label, lines), label))
    return Matrix(tuple(ordered), tuple(lines), len(counts) - len(ordered))


def _mean_gain(label: str, lines: Sequence[tuple[Board, Mapping[str, Place]]]) -> float:
    """Of the boards where it has one; those without any come last."""
    gains = [p.gain for _, places in lines if (p := places.get(label)) is not None and p.gain is not None]
    return sum(gains) / len(gains) if gains else -math.inf


def gain(column: MetricColumn, difference: float) -> float:
    """A difference with the sign turned so that above 0 is better."""
    return difference if column.higher_is_better else -difference


def _place(board: Board, row: Row) -> Place:
    if row.difference is None:
        return Place(None, None, "", _absent(board, row))
    mean = row.difference.mean
    return Place(mean, gain(board.score, mean), row.verdict or "")


def _absent(board: Board, row: Row) -> str:
    """`skipped: no other label`, `failed`, `not run`."""
    for word, absences in (("skipped", board.skipped), ("failed", board.failed), ("not run", board.missing)):
        for absence in absences:
            if absence.label == row.label:
                return f"{word}: {short(absence.reason, 100)}" if absence.reason else word
    return "no value"
