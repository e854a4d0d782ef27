"""The Pareto front by hand."""

from __future__ import annotations

from bench.leaderboard.statistics.pareto import pareto


def test_pareto_front() -> None:
    points = [("cheap", 1.0, 0.3), ("good", 5.0, 0.6), ("worse", 6.0, 0.5), ("twin", 5.0, 0.6), ("slow", 2.0, 0.3)]
    assert pareto(points, higher_is_better=True) == ["cheap", "good", "twin"]
    assert pareto(points, higher_is_better=False) == ["cheap"]
