"""CONTRIBUTING's example of a strategy works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import strategies
from bench.records.store import Store
from tests import ROOT
from tests.command_line import TINY, imbench

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_strategy_is_found_and_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One .py and one .yaml, put where a user would put them."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    (yaml,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
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
