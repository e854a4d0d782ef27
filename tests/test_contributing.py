"""CONTRIBUTING's examples work as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import strategies
from bench.__main__ import main
from bench.cli import verbs
from bench.data import sources
from bench.records.store import Store
from tests import ROOT
from tests.command_line import TINY, imbench

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(section: str, folder: Path, *files: str) -> None:
    """Write the Python and YAML blocks of a section into these files, in its order."""
    text = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    for name, block in zip(files, re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.S), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block, encoding="utf-8")


def test_the_example_strategy_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One .py and one .yaml, put where a user would put them."""
    example("Add a strategy", tmp_path, "own/root_weights.py", "conf/strategy/root_weights.yaml")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path / "own")])
    searchpath = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    grid = ("run", "-m", "strategy=none,root_weights", searchpath, *TINY)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = {r.strategy: r for r in Store(tmp_path / "results")}
    assert found["root_weights"].status == "done"
    assert found["root_weights"].metrics != found["none"].metrics


def test_the_example_data_set_is_found_and_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its own option, which other data sets refuse and say whose it is."""
    example("Add a data set", tmp_path, "own/tumours.py", "conf/data/tumours.yaml")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path / "own")])
    searchpath = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    grid = ("run", "-m", *TINY, "data=tumours", "data.measured=mean,worst", searchpath)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = list(Store(tmp_path / "results"))
    assert [(r.data, r.target, r.status) for r in found] == [("tumours", "malignant", "done")] * 2
    assert len({r.config["data"]["fingerprint"] for r in found}) == 2
    assert [r.traits["columns"]["numeric"] for r in found] == [10, 10]
    assert imbench("run", *TINY, "+data.measured=mean", results=tmp_path / "results") == 2
    assert "data.measured: expected unset for source 'digits_lt'" in capsys.readouterr().err
    assert main(["data", "list"]) == 0
    assert "tumours" in capsys.readouterr().out


def test_the_example_verb_is_found_listed_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example("Add a verb", tmp_path, "own/results_list.py")
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path / "own")])
    assert imbench("run", *TINY, results=tmp_path / "results") == 0
    (record,) = Store(tmp_path / "results")
    capsys.readouterr()
    assert main(["results", "list", f"results={tmp_path / 'results'}"]) == 0
    assert capsys.readouterr().out == f"{record.key}  done  none\n"
    assert main(["--help"]) == 0
    assert "  results list   list the records of a results folder\n" in capsys.readouterr().out
    assert main(["results", "list", "--help"]) == 0
    assert "One line each, by key." in capsys.readouterr().out
    assert main(["completion", "query", "imbench results l"]) == 0
    assert capsys.readouterr().out == "list\n"
    assert main(["results", "list", "reslts=x"]) == 2
