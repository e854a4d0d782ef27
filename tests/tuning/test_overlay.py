"""Histories of several studies in one plot."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pandas as pd
import pytest

from bench.tuning.overlay import best_so_far, write_overlays


def study(root: Path, strategy: str, values: list[float], *, split: int = 0, column: str = "raw/auroc") -> Any:
    """A study as far as the plot reads it."""
    return SimpleNamespace(
        folder=root / "tuned" / strategy,
        identity=SimpleNamespace(columns=(column,)),
        planned=SimpleNamespace(data_name="Orders", target="sent back"),
        base=SimpleNamespace(strategy=strategy, split=split, model=SimpleNamespace(name="mlp")),
        trials=lambda *states: [SimpleNamespace(values=[value]) for value in values],
    )


@pytest.mark.parametrize(
    ("column", "best"),
    [("raw/auroc", [0.3, 0.5, 0.5, 0.6]), ("recalibrated/log_loss", [0.3, 0.3, 0.2, 0.2])],
)
def test_the_best_so_far_rises_or_falls_with_the_objective(column: str, best: list[float], tmp_path: Path) -> None:
    table = best_so_far([study(tmp_path, "focal", [0.3, 0.5, 0.2, 0.6], column=column)])
    assert table["best"].tolist() == best
    assert table["number"].tolist() == [1, 2, 3, 4]


def test_one_plot_for_each_split_with_every_strategy_and_its_best(tmp_path: Path) -> None:
    """The legend has the best strategy first; the table beside the plot has all points."""
    searched = [
        study(tmp_path, "none", [0.5, 0.6, 0.7]), study(tmp_path, "focal", [0.5, 0.8, 0.8]),
        study(tmp_path, "crt", []), study(tmp_path, "none", [0.5], split=1), study(tmp_path, "focal", [0.4], split=1),
    ]  # fmt: skip
    written = write_overlays(cast(Any, searched))
    assert [path.name for path in written] == [
        f"orders-sent_back-mlp-split{split}.{ending}" for split in (0, 1) for ending in ("svg", "csv")
    ]
    assert {path.parent for path in written} == {tmp_path / "tuned" / "histories"}
    texts = [n.text for n in ElementTree.parse(written[0]).iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text and text.startswith(("none", "focal"))] == ["focal 0.8000", "none 0.7000"]
    assert len(pd.read_csv(written[1])) == 6


def test_a_study_alone_makes_no_overlay(tmp_path: Path) -> None:
    assert write_overlays([study(tmp_path, "none", [0.5, 0.6, 0.7])]) == []
