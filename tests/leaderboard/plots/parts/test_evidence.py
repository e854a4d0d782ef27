"""What figures read of stored predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.html import page
from bench.leaderboard.plots.parts.evidence import RUNS
from bench.leaderboard.plots.registry import evidence_of
from bench.records.columns import of_records
from bench.records.store import Store
from tests.leaderboard.boards.test_bootstrap import folder


def test_plots_of_predictions_read_some_of_many_runs_and_say_so(tmp_path: Path) -> None:
    store, records = folder(tmp_path, n=300, seeds=13)
    (board,) = boards(of_records(records))
    read: list[str] = []

    class Counting(Store):
        def get(self, key: str) -> Any:
            read.append(key)
            return super().get(key)

    evidence = evidence_of(board, Counting(store.root))
    assert len(read) == len(set(read)) == 2 * RUNS
    assert evidence.problems == ("those of predictions show 10 of up to 13 runs of a strategy; the table has all",)
    assert "Plots: those of predictions show 10 of up to 13 runs" in page(
        [board], [], {board.slug: evidence}, title="t"
    )
