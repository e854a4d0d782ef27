"""Boards on a terminal of any width."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import entries
from bench.records.store import load
from tests.leaderboard.builders import golden_records, series, stored, terminal


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_terminal_shows_every_number_whole(tmp_path: Path, width: int) -> None:
    """A column that does not fit goes to another table; only a strategy's name may break."""
    long = [
        *series("none", [0.31, 0.32]),
        *(
            r
            for params in ({"mode": "weight", "similarity": "cosine"}, {"mode": "sample", "similarity": "sinh"})
            for r in series("importance_weighted", [0.33, 0.34], params=params, train={"lr": 0.1})
        ),
    ]
    tables = boards(load(stored(tmp_path, [*golden_records(), *long])))
    assert len(tables) == 4
    for board in tables:
        text = terminal(board, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        words = text.split()
        for headings, body in (entries.entries(board, "quality"), entries.entries(board, "probabilities", "cost")):
            for line in body:
                for heading, cell in zip(headings, line, strict=True):
                    assert heading == "Strategy" or set(cell.text.split()) <= set(words)
