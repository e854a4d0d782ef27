"""Cleaning: duplicates, rows without target, small classes, the order of classes, copies of the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.data.tables.schema import Table
from tests.data.asked import asked


def file(tmp_path: Path, frame: pd.DataFrame, **options: Any) -> Table:
    frame.to_csv(tmp_path / "t.csv", index=False)
    return asked("file", path=str(tmp_path / "t.csv"), target="y", **options).load()


def test_duplicates_go_and_the_first_stays(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"a": [1.5, 1.5, 2.5, None, None, 3, 4, 1.5], "c": list("xxyzzxyx"), "y": [0, 0, 1, 1, 1, 0, 0, 1]}
    )
    table = file(tmp_path, frame)
    assert table.rows.tolist() == [0, 2, 3, 5, 6, 7]
    assert "dropped 2 duplicate rows (25.0%); to keep them: data.duplicates=keep" in table.log
    assert any(
        line.startswith("kept 1 group of rows with equal features but different labels (2") for line in table.log
    )
    assert table.frame.index.tolist() == list(range(len(table)))


def test_ignored_columns_do_not_hide_duplicates(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6] * 2, "row": range(12), "y": [0, 1, 0, 1, 0, 1] * 2})
    assert len(file(tmp_path, frame, ignore=("row",))) == 6


def test_rows_without_target_and_small_classes_are_dropped_and_logged(tmp_path: Path) -> None:
    y = [None, "b", "b", "b", "a", "a", "a", "a", "c", "c", None, "b"]
    table = file(tmp_path, pd.DataFrame({"a": np.arange(12) * 1.5, "y": y}), min_class_rows=3)
    assert table.rows.tolist() == [1, 2, 3, 4, 5, 6, 7, 11]
    assert "dropped 2 rows without target" in table.log
    assert "dropped classes with fewer than 3 rows: c (2); 2 rows" in table.log


@pytest.mark.parametrize(
    ("labels", "positive", "classes"),
    [
        (["yes"] * 3 + ["no"] * 5, None, ("no", "yes")),
        (["yes"] * 5 + ["no"] * 3, None, ("yes", "no")),
        (["yes"] * 5 + ["no"] * 3, "yes", ("no", "yes")),
        ([0, 1] * 4, None, ("0", "1")),
        ([1.0] * 5 + [0.0] * 4, None, ("1", "0")),
        ([True] * 5 + [False] * 4, "True", ("false", "true")),
        ([10, 9, 2] * 4, None, ("2", "9", "10")),
    ],
)
def test_class_order(tmp_path: Path, labels: list[Any], positive: str | None, classes: tuple[str, ...]) -> None:
    """Of two the positive is last: by default the rarer, of equals the later; more go by number or name."""
    frame = pd.DataFrame({"a": np.arange(len(labels)) * 1.5, "y": labels})
    table = file(tmp_path, frame, positive=positive)
    assert table.classes == classes
    for index, label in zip(table.y, labels, strict=True):
        shown = table.classes[index]
        assert (shown == str(label).lower()) if not isinstance(label, float) else (float(shown) == label)


def test_a_copy_of_the_target_is_warned_of(tmp_path: Path) -> None:
    y = np.arange(40) % 2
    table = file(tmp_path, pd.DataFrame({"a": np.arange(40) * 1.5, "leak": np.where(y, "p", "q"), "y": y}))
    warnings = [line for line in table.log if line.startswith("warning")]
    assert len(warnings) == 1
    assert "'leak' is a copy of target 'y'" in warnings[0]
