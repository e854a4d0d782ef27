"""The references of the benchmarks still run: they use our data and evaluation, and nothing else would notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.commands import imbench, stock
from tests.benchmarks.sweep import STOCK

TINY = ("data=digits_lt", "train.max_steps=20")


@pytest.mark.long
def test_the_reference_of_sweeps_and_of_studies_runs(tmp_path: Path) -> None:
    stock("sweep", "-m", *STOCK, "strategy=none,focal", *TINY, f"results={tmp_path / 'sweep'}", cwd=tmp_path)
    assert len(list((tmp_path / "sweep").glob("*.json"))) == 2
    tiny = ("data=womens", "data.target=one_star", "train.max_steps=20", "tune.trials=2")
    imbench("tune", "strategy=focal", *tiny, f"results={tmp_path / 'tune'}", cwd=tmp_path)
    stock("tune", str(tmp_path / "tune"), cwd=tmp_path)
    assert len(json.loads((tmp_path / "tune" / "stock.json").read_text(encoding="utf-8"))["scores"]) == 2
