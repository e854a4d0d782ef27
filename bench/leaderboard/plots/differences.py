"""Difference to the baseline with its interval, what it shows, and who could be best."""

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
_CLEAR = ("better", "worse")


@dataclass(frozen=True)
class Intervals:
    """The rows that are drawn, with their differences and verdicts, and what the differences are of."""

    words: Words
    rows: tuple[Row, ...]
    difference: str
    verdicts: tuple[str, ...]  # beside the rows; none where nobody was judged


class Differences(Figure[Board, Intervals]):
    """Who is better than doing nothing on one data set."""

    name = "differences"
    of = Board
    order = 10

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Intervals]:
        rows = tuple(
            row
            for row in subject.rows
            if row.score is not None and (row.difference is not None or row.label == subject.baseline)
        )[:MOST]
        if len(rows) < 2 or subject.baseline is None or subject.comparison.repeats < 2:
            return
        table = tuple(
            (
                row.label,
                signed(row.difference.mean, 3) if row.difference else "baseline",
                _range(row.difference),
                _range(row.difference_rows),
                subject.verdict_text(row) or "baseline",
                row.best_text,
            )
            for row in rows
        )
        over = "seeds and test rows" if subject.design.given and subject.judged else "seeds"
        over = "splits and seeds" if subject.design.splits > 1 else over
        resampled = any(row.difference_rows for row in rows)
        thin = "; thin line: 95% bootstrap range over test rows, models held fixed" if resampled else ""
        shown = " Right: the verdict; with a dot: could be best." if subject.judged else ""
        words = Words(
            slug="differences",
            title="Differences to the baseline",
            about=subject.title,
            caption=f"Difference to {subject.baseline}; dot and thick line: mean and 95% interval over {over}{thin}."
            f"{shown}",
            headings=(
                "Strategy",
                f"Δ {subject.baseline}",
                f"95% over {over}",
                "95% over test rows",
                "verdict",
                "could be best",
            ),
            rows=table,
            description="; ".join(f"{r[0]}: {r[1]}, {r[4]}" for r in table),
        )
        difference = f"{subject.score.label} − {short(subject.baseline, 24)}"
        yield Intervals(words, rows, difference, tuple(line[4] for line in table) if subject.judged else ())

    def draw(self, data: Intervals) -> Drawing:
        ends = [0.0]
        for row in data.rows:
            for found in (row.difference, row.difference_rows):
                if found is not None:
                    ends += [v for v in (found.low, found.high, found.mean) if v is not None]
        margin = (max(ends) - min(ends)) * 0.06 or 0.01
        x = Scale(min(ends) - margin, max(ends) + margin, _NAMES, 560 if data.verdicts else 676)
        bottom = _TOP + len(data.rows) * _LINE
        drawing = Drawing(bottom + 20)
        drawing.text((x(0), 11), data.difference, "axis-name", "middle")
        for value in x.ticks(5):
            drawing.line((x(value), _TOP - 10), (x(value), bottom - 4), "zero" if value == 0 else "grid")
            drawing.text((x(value), bottom + 12), tick_text(value), "tick", "middle")
        for i, row in enumerate(data.rows):
            y = _TOP + (i + 0.5) * _LINE - 2
            drawing.text((_NAMES - 12, y + 4), short(row.label, 24), "name", "end")
            _difference(drawing, row, x, y)
            if data.verdicts:
                if row.could_be_best:
                    drawing.dot((580, y), "a-dot", 4)
                drawing.text((594, y + 4), data.verdicts[i], "name" if row.verdict in _CLEAR else "name soft")
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
