"""`demo` is `run` and `publish` with arguments that it names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.__main__ import main
from bench.cli.verbs import demo
from tests import ROOT


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What `demo` calls, instead of training for minutes."""
    found: list[tuple[str, list[str]]] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self) -> Noted:
            return self

        def act(self, arguments: Sequence[str]) -> int:
            found.append((self.name, list(arguments)))
            return 0

    monkeypatch.setattr(demo, "VERBS", SimpleNamespace(get=Noted))
    return found


def test_it_runs_and_publishes(called: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    (run, grid), (publish, chosen) = called
    assert (run, publish, chosen) == ("run", "publish", ["board.data=womens"])
    assert grid[0] == "-m"
    assert {"data=womens", "data.target=one_star,class", "repeats=5"} < set(grid)
    said = capsys.readouterr().out
    assert "imbench run -m strategy=none,oversample," in said
    assert "imbench publish board.data=womens" in said


def test_what_is_given_replaces_what_it_would_take(called: list[tuple[str, list[str]]], tmp_path: Path) -> None:
    assert main(["demo", "repeats=10", f"results={tmp_path}"]) == 0
    (_, grid), (_, chosen) = called
    assert "repeats=10" in grid
    assert "repeats=5" not in grid
    assert chosen == ["board.data=womens", f"results={tmp_path}"]


def test_make_demo_is_this_verb() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndemo: ")[2].splitlines()[1]
    assert recipe.strip() == "$(BIN)/imbench demo"
