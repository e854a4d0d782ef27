"""The figure of differences and ranks."""

from __future__ import annotations

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.html import page
from bench.records.columns import of_records
from tests.leaderboard.builders import series


def test_the_plot_of_ranks_explains_only_what_it_draws() -> None:
    records = series("none", [0.4, 0.5, 0.45]) + series("focal", [0.5, 0.55, 0.6])
    text = page(boards(of_records(records)), [], {}, title="t")
    assert "95% t interval over seeds. Right: ranks" in text
    assert "thin line" not in text
