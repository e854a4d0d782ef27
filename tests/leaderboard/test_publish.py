"""Boards on a terminal and in files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.leaderboard.publish import print_boards, publish
from tests import ROOT
from tests.leaderboard.builders import golden_records, listen, stored


def test_publish_writes_and_prints(tmp_path: Path) -> None:
    console = listen()
    written = publish(stored(tmp_path, golden_records()), console=console)
    assert [path.name for path in written] == [
        *(f"leaderboard.{ending}" for ending in ("html", "md", "csv", "tex", "json")),
        "changes.csv",
    ]
    text = console.export_text()
    assert "womens · one_star: no verdict: one split of the data, only seeds were varied." in text
    assert "Could be best" not in text  # `run` has printed the tables, and files have them
    assert "leaderboard.csv" in text
    assert not list(tmp_path.glob(".*.tmp"))


def test_show_prints_the_boards_of_some_cells(tmp_path: Path) -> None:
    records = golden_records()
    console = listen()
    keys = [r.key for r in records if r.target == "class"]
    (board,) = print_boards(stored(tmp_path, records), console, keys=[*keys, "absent"])
    assert board.target == "class"
    assert "one_star" not in console.export_text()
    assert print_boards(tmp_path, console, keys=[]) == []


def test_publish_elsewhere_and_filtered(tmp_path: Path) -> None:
    root = stored(tmp_path / "results", golden_records())
    console = listen()
    (_, page, *_) = publish(root, out=tmp_path / "out", console=console, where={"target": "class"})
    assert page.parent == tmp_path / "out"
    assert "one_star" not in page.read_text(encoding="utf-8")
    assert publish(root, console=console, where={"data": "mens"}) == []
    assert "No records with data=mens" in console.export_text()
    with pytest.raises(ValueError, match="data, target, model"):
        publish(root, console=console, where={"seed": "1"})


def test_imports_are_light() -> None:
    """Reading records must not wait for, or depend on, what trained them.

    Of the strategies, it knows how entries are found.
    """
    code = (
        "import sys, bench.leaderboard.publish\n"
        "print([m for m in ('torch', 'pytorch_lightning', 'hydra', 'optuna', 'sklearn', 'scipy.stats',"
        " 'strategies.recipe') if m in sys.modules])"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
