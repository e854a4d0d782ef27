"""The table of a board on the page."""

from __future__ import annotations

import re

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.html import page
from bench.records.columns import of_records
from tests.leaderboard.builders import series


def test_names_of_strategies_break_after_underscores() -> None:
    """On a narrow screen their column is a few words wide, and a name must not break within a word."""
    records = [*series("none", [0.3, 0.4]), *series("logit_adjustment", [0.35, 0.4])]
    text = page(boards(of_records(records)), [], {}, title="Board")
    rows = re.findall(r'<th scope="row">([^/]*?)(?=<td|</th>)', text)
    assert "logit_<wbr>adjustment" in rows
