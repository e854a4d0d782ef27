"""Numbers as people read them."""

from __future__ import annotations

from bench.leaderboard.statistics.intervals import Interval
from bench.leaderboard.text.numbers import decimals_for, half_width, number, signed, with_interval


def test_numbers() -> None:
    assert [number(v) for v in (0.9234, 1.234, 12.34, 1234.5, 0.0, -0.0001, None)] == [
        ".923", "1.23", "12.3", "1,234", ".000", ".000", "–",
    ]  # fmt: skip
    assert [signed(v, 2) for v in (0.051, -0.051, 0.001)] == ["+.05", "−.05", ".00"]
    assert [half_width(v) for v in (0.0123, 1.26, 25.0)] == [".012", "1.3", "25"]
    assert with_interval(Interval(0.9234, 0.9114, 0.9354, 3), 3) == ".923 ± .012"
    assert [decimals_for([Interval(0, -h, h, 3)]) for h in (0.12, 0.012, 0.0012, 0.00001)] == [2, 3, 4, 4]
    assert decimals_for([Interval(0.5, None, None, 1)]) == 3
