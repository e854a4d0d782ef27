"""The figure of differences and verdicts."""

from __future__ import annotations

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.html import page
from bench.records.columns import of_records
from tests.leaderboard.builders import repeats, series


def test_the_plot_explains_only_what_it_draws() -> None:
    records = series("none", [0.4, 0.5, 0.45]) + series("focal", [0.5, 0.55, 0.6])
    text = page(boards(of_records(records)), [], {}, title="t")
    assert "95% interval over seeds." in text
    assert "Right: the verdict" not in text
    assert "thin line" not in text


def test_verdicts_stand_beside_the_differences() -> None:
    values = [0.4, 0.5, 0.45, 0.41, 0.43]
    records = repeats("none", values) + repeats("focal", [v + 0.1 + i / 999 for i, v in enumerate(values)])
    text = page(boards(of_records(records)), [], {}, title="t")
    assert "95% interval over splits and seeds. Right: the verdict" in text
    assert ">better</text>" in text
