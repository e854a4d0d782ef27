"""Which record to export: by its key, or the best of a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.export.errors import ExportError
from bench.leaderboard.boards.build import BASELINE, boards
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.publish import select
from bench.leaderboard.reading import read_records
from bench.leaderboard.text.words import plural
from bench.records.record import Record
from bench.records.store import Store

_SHORTEST = 6  # digits of a key that name a record


@dataclass(frozen=True)
class Ranking:
    """How boards are ordered: by which metric (None: the designed one), and who is held against whom."""

    metric: str | None = None
    baseline: str = BASELINE


@dataclass(frozen=True)
class Winner:
    """A record to export, and what its board says of it: the sentence first, then where its strategy stands."""

    key: str
    sentence: str


_DESIGNED = Ranking()


def record_of(store: Store, key: str) -> Record:
    """The record whose key begins so.

    Raises:
        ExportError: none does, or several do.
    """
    if len(key) < _SHORTEST or set(key) - set("0123456789abcdef"):
        raise ExportError(f"{key!r}: expected the key of a record, {_SHORTEST} hexadecimal digits or more of it")
    found = [path.stem for path in store.paths() if path.stem.startswith(key)]
    if len(found) != 1:
        got = f"{len(found)} that do: {', '.join(k[:16] for k in found[:3])}" if found else "none"
        raise ExportError(f"{key}: expected one record of {store.root} whose key begins so, got {got}")
    return finished(store, found[0])


def finished(store: Store, key: str) -> Record:
    """A record that is whole.

    Raises:
        ExportError: there is none.
        ResultsError: it does not prove itself, or its predictions are gone.
    """
    record = store.proven(key)
    if record is None:
        raise ExportError(f"{key[:12]}: expected its record in {store.root}, got none; run the cell first")
    return record


def best_of(root: Path, where: Mapping[str, str], by: Ranking = _DESIGNED) -> Winner:
    """The first record of the row that stands first on the boards of a data set (`where`: data, target, model).

    Raises:
        ExportError: there is no board of it, no row with a score, or the metric cannot order a board.
    """
    every = _boards(root, where, by)
    rows = [(board, row) for board in every for row in board.rows if row.score is not None and row.keys]
    named = ", ".join(f"{name}={value}" for name, value in where.items())
    if not rows:
        raise ExportError(f"{named}: expected records of it in {root}, got none; run strategies on it first")
    if len({board.score.key for board, _ in rows}) > 1:
        raise ExportError(f"{named}: expected boards of one metric, got several; name the strategy and the model")
    higher = bool(rows[0][0].score.higher_is_better)
    usual = float(np.median([len(row.keys) for _, row in rows]))
    full = [(board, row) for board, row in rows if len(row.keys) >= usual]

    def score(entry: tuple[Board, Row]) -> float:
        mean = entry[1].score.mean if entry[1].score is not None else 0.0
        return mean if higher else -mean

    board, row = max(full, key=score)
    return Winner(min(row.keys)[1], _said(board, row))


def sentence_about(root: Path, record: Record, by: Ranking = _DESIGNED) -> str:
    """What the board of a record says of it; empty where there is no board with it.

    Raises:
        ExportError: the metric cannot order a board.
    """
    for board in _boards(root, {"data": record.data, "target": record.target, "model": record.model}, by):
        for row in board.rows:
            if record.key in {key for _, key in row.keys}:
                return _said(board, row)
    return ""


def _boards(root: Path, where: Mapping[str, str], by: Ranking) -> list[Board]:
    """Boards, without intervals over test rows."""
    try:
        return boards(select(read_records(root), where), metric=by.metric, baseline=by.baseline, aspects=False)
    except ValueError as error:
        raise ExportError(f"board.metric: {error}") from None


def _said(board: Board, row: Row) -> str:
    """A board's sentence, and where a row stands."""
    if row.score is None:
        return f"{board.title}: {board.sentence}"
    place = f"{row.label} has {board.score.label} {row.score.mean:.3f} over {plural(len(row.keys), 'run')}"
    return f"{board.title}: {board.sentence} ({place}.)"
