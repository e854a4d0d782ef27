"""Boards as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import tables_csv
from tests.leaderboard.builders import frame_of, series


def test_csv_numbers_are_never_quoted_as_text() -> None:
    """A negative number is a number; only strings get the apostrophe."""
    (board,) = boards(frame_of([*series("none", [0.5, 0.6]), *series("-x", [0.1, 0.3])]))
    line = next(line for line in csv.DictReader(io.StringIO(tables_csv.comma_separated([board]))) if line["difference"])
    found = {line["strategy"]: line for line in csv.DictReader(io.StringIO(tables_csv.comma_separated([board])))}
    assert float(found["'-x"]["difference"]) == pytest.approx(-0.35)
    assert line["higher_is_better"] == "true"
