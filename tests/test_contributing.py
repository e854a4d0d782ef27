"""CONTRIBUTING's examples of a strategy and of a model work as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import strategies
from bench.records.store import Store
from tests import ROOT
from tests.command_line import TINY, imbench
from tests.models.plugin import Offered, install

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(heading: str, language: str) -> str:
    """The block of a language in a section."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, re.S)
    return str(found)


def test_the_example_strategy_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One .py and one .yaml, put where a user would put them."""
    code, yaml = example("Add a strategy", "python"), example("Add a strategy", "yaml")
    for folder, name, content in (("own", "root_weights.py", code), ("conf/strategy", "root_weights.yaml", yaml)):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(content, encoding="utf-8")
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path / "own")])
    searchpath = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    grid = ("run", "-m", "strategy=none,root_weights", searchpath, *TINY)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = {r.strategy: r for r in Store(tmp_path / "results")}
    assert found["root_weights"].status == "done"
    assert found["root_weights"].metrics != found["none"].metrics


def test_the_example_model_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary module in a package of its own, with strategies of every kind; a record for each, and a board."""
    code, yaml = example("Add a model", "python"), example("Add a model", "yaml")
    where = install(tmp_path, monkeypatch, Offered("residual", code, yaml, "Residual"))
    assert 'residual = "' in example("Add a model", "toml")
    tiny = [o for o in TINY if not o.startswith("model=")]
    grid = ("run", "-m", "strategy=none,focal,oversample,self_supervised", "model=residual", where, *tiny)
    assert imbench(*grid, results=tmp_path / "results") == 0
    found = {r.strategy: r for r in Store(tmp_path / "results")}
    assert {r.status for r in found.values()} == {"done"}
    assert len(found) == 4
    assert found["none"].config["model"] == {
        "name": "residual", "version": 1, "width": 64, "takes": {"categories": "one-hot"}
    }  # fmt: skip
    scores = {name: r.metrics["default/macro_f1"] for name, r in found.items()}
    assert len(set(scores.values())) == 4
    assert imbench("publish", results=tmp_path / "results") == 0
