"""The keys that all tables share: their ranges, and what of them enters a run key."""

from __future__ import annotations

from typing import Any

import pytest

from bench.data.errors import DataError
from bench.data.tables.config import TableConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"given": "a", "folds": 5}, "data.given and data.folds: expected one way to split"),
        ({"folds": 1}, "data.folds: expected 2 or more"),
        ({"shift": 0.0}, "data.shift: expected a factor above 0"),
        ({"hashed": {"Age": 1}}, "data.hashed.Age: expected 2 buckets"),
        ({"crosses": (("Age",),)}, "data.crosses: expected groups of two"),
        ({"test_fraction": 1.0}, "data.test_fraction: expected a number between 0 and 1"),
        ({"test_fraction": 0.6, "val_fraction": 0.4}, "expected less than 1"),
        ({"imbalance": 0.5}, "data.imbalance"),
        ({"vocabulary": 0}, "data.vocabulary"),
        ({"min_class_rows": -1}, "data.min_class_rows"),
    ],
)
def test_numbers_out_of_range_and_contradictions_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TableConfig(**options)


def test_options_enter_the_run_key_only_when_they_are_on() -> None:
    assert TableConfig().key() == {}
    on = TableConfig(hashed={"a": 8}, folds=5, shift=2.0, missing="drop", outliers="clip")
    assert on.key() == {"hashed": {"a": 8}, "folds": 5, "shift": 2.0, "missing": "drop", "outliers": ["clip", 3.0]}
