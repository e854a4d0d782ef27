"""The committed records give the committed tables, and these were checked by hand and by scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import markdown, tables_csv
from bench.leaderboard.statistics.dunnett import one_sided
from bench.records.store import load
from tests.leaderboard.builders import GOLDEN, golden_records, row, stored
from tests.leaderboard.golden.make_records import FURTHER, REPEATS
from tests.leaderboard.statistics.second import rule


def test_golden(tmp_path: Path) -> None:
    """The committed records give the committed tables, to the byte.

    Checked by hand on womens · one_star, five seeds of one split (AP; t(.975) is 2.7764 for 4 degrees of freedom): none
    .30 .32 .34 .32 .32: mean .32, s² = .0008/4, half 2.7764 · √(.0002/5) = .0176; no verdict there. The verdicts of
    womens · recommended, ten repeats, are those of the second implementation.
    """
    tables = boards(load(stored(tmp_path, golden_records())))
    # Bytes, so that neither line ends nor encodings are smoothed over.
    assert markdown.markdown(tables).encode() == (GOLDEN / "leaderboard.md").read_bytes()
    assert tables_csv.comma_separated(tables).encode() == (GOLDEN / "leaderboard.csv").read_bytes()


def test_golden_verdicts_by_the_second_implementation(tmp_path: Path) -> None:
    by_title = {board.title: board for board in boards(load(stored(tmp_path, golden_records())))}
    board = by_title["womens · recommended · mlp"]
    further: dict[str, Any] = {strategy: tuple(values) for strategy, values in FURTHER.items()}
    wanted = rule(REPEATS, "none", 0.25, further, one_sided)
    assert board.comparison.overlap == pytest.approx(wanted["c"])
    for label, (mean, low, high, p, _) in wanted["differences"].items():
        d = row(board, label).difference
        assert (d.mean, d.low, d.high, d.p) == pytest.approx((mean, low, high, p))
    assert {r.label: r.verdict for r in board.rows if r.verdict} == wanted["verdicts"]
    assert {r.label for r in board.rows if r.could_be_best} == wanted["best"]
    assert [r.label for r in board.rows] == ["class_weights", "focal", "none", "undersample"]
    seeds = by_title["womens · one_star · mlp"]
    assert [r.label for r in seeds.rows] == ["focal", "none", "oversample", "transfer", "self_supervised"]
    assert not seeds.judged
