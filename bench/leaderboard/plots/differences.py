"""Difference to the baseline, over seeds and over test rows, and the ranks that the tests leave open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.svg import Drawing, Scale, tick_text
from bench.leaderboard.text.numbers import signed
from bench.leaderboard.text.words import short

MOST: Final = 40
"""So many strategies are drawn at most."""

_NAMES = 168.0
_LINE = 24.0
_TOP = 40.0


@dataclass(frozen=True)
class Intervals:
    """The rows that are drawn, with their differences and ranges of ranks, and what the differences are of."""

    words: Words
    rows: tuple[Row, ...]
    difference: str


class Differences(Figure[Board, Intervals]):
    """Who is better than whom on one data set."""

    name = "differences"
    of = Board
    order = 10

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Intervals]:
        rows = tuple(row for row in subject.rows if row.score is not None and row.ranks is not None)[:MOST]
        if len(rows) < 2 or subject.baseline is None:
            return
        table = tuple(
            (
                row.label,
                signed(row.difference.mean, 3) if row.difference else "baseline",
                _range(row.difference),
                _range(row.difference_rows),
                f"{row.ranks[0]}–{row.ranks[1]}" if row.ranks else "–",
            )
            for row in rows
        )
        over = "seeds" if subject.design.splits <= 1 else "splits"
        resampled = any(row.difference_rows for row in rows)
        thin = "; thin line: 95% bootstrap range over test rows, models held fixed" if resampled else ""
        words = Words(
            slug="ranks",
            title="Differences and ranks",
            about=subject.title,
            caption=f"Left: difference to {subject.baseline}; dot and thick line: mean and 95% t interval over "
            f"{over}{thin}. Right: ranks that the Holm-adjusted tests leave open.",
            headings=("Strategy", f"Δ {subject.baseline}", f"95% over {over}", "95% over test rows", "rank range"),
            rows=table,
            description="; ".join(f"{r[0]}: {r[1]}, rank {r[4]}" for r in table),
        )
        yield Intervals(words, rows, f"{subject.score.label} − {short(subject.baseline, 24)}")

    def draw(self, data: Intervals) -> Drawing:
        ends = [0.0]
        for row in data.rows:
            for found in (row.difference, row.difference_rows):
                if found is not None:
                    ends += [v for v in (found.low, found.high, found.mean) if v is not None]
        margin = (max(ends) - min(ends)) * 0.06 or 0.01
        x = Scale(min(ends) - margin, max(ends) + margin, _NAMES, 470)
        count = max(high for row in data.rows if row.ranks for high in row.ranks)
        ranks = Scale(0.5, count + 0.5, 510, 676)
        bottom = _TOP + len(data.rows) * _LINE
        drawing = Drawing(bottom + 20)
        drawing.text((x(0), 11), data.difference, "axis-name", "middle")
        drawing.text((510, 11), "Rank, 1 is best", "axis-name")
        for value in x.ticks(5):
            drawing.line((x(value), _TOP - 10), (x(value), bottom - 4), "zero" if value == 0 else "grid")
            drawing.text((x(value), bottom + 12), tick_text(value), "tick", "middle")
        for place in range(1, count + 1):
            if count <= 12 or place in (1, count) or place % 5 == 0:
                drawing.text((ranks(place), _TOP - 14), str(place), "tick", "middle")
                drawing.line((ranks(place), _TOP - 8), (ranks(place), bottom - 4), "grid")
        for i, row in enumerate(data.rows):
            y = _TOP + (i + 0.5) * _LINE - 2
            drawing.text((_NAMES - 12, y + 4), short(row.label, 24), "name", "end")
            _difference(drawing, row, x, y)
            if row.ranks:
                low, high = ranks(row.ranks[0] - 0.38), ranks(row.ranks[1] + 0.38)
                drawing.bar((low, y - 4), (high - low, 8), "span")
        return drawing


def _difference(drawing: Drawing, row: Row, x: Scale, y: float) -> None:
    if row.difference is None:
        drawing.dot((x(0), y), "r-dot", 3)
        return
    if row.difference_rows and row.difference_rows.low is not None and row.difference_rows.high is not None:
        drawing.line((x(row.difference_rows.low), y), (x(row.difference_rows.high), y), "thin")
    if row.difference.low is not None and row.difference.high is not None:
        drawing.line((x(row.difference.low), y), (x(row.difference.high), y), "thick")
    drawing.dot((x(row.difference.mean), y), "a-dot", 4)


def _range(interval: object) -> str:
    low, high = getattr(interval, "low", None), getattr(interval, "high", None)
    return "–" if low is None or high is None else f"{signed(low, 3)} to {signed(high, 3)}"
