"""`imbench ablate`: the whole stack, each member left out, and none, held against the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import TINY, imbench, records

CELL = (*TINY, "strategy=[undersample,class_weights,focal]")


def test_each_member_is_left_out_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imbench("ablate", *CELL, "repeats=2", results=tmp_path) == 0
    whole = "undersample+class_weights+focal"
    stacks = {whole, "class_weights+focal", "undersample+focal", "undersample+class_weights", "none"}
    assert {name for name, _ in records(tmp_path)} == stacks
    assert len(records(tmp_path)) == 2 * len(stacks)
    out = capsys.readouterr().out
    assert "No verdict: 2 repeats are too few" in " ".join(out.split())
    assert "Δ whole stack" in out
    assert all(f"without {name}" in out for name in whole.split("+"))
    assert f"next: imbench publish results={tmp_path} board.baseline={whole}" in out
    assert imbench("publish", f"board.baseline={whole}", "board.bootstrap=0", results=tmp_path) == 0
    page = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert "Δ whole stack" in page
    assert f"Differences are to the whole stack, {whole}." in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("strategy=focal",), "expected a stack of two strategies or more, got focal"),
        (("strategy=none",), "expected a stack of two strategies or more, got none"),
        (("-m", CELL[-1], "seed=0,1"), "expected one stack, got 2 configurations"),
    ],
)
def test_what_cannot_be_ablated_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert imbench("ablate", *words, *TINY, results=tmp_path) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["marketplace", "apparel", "cross_border"])
def test_every_preset_can_be_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Its stack has members that apply to its data, each with a record to be."""
    assert imbench("plan", f"experiment={name}", results=tmp_path) == 0
    out = capsys.readouterr().out
    assert "1 cell: 0 done" in out
    assert "do not apply" not in out
