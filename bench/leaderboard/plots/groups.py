"""How each group of the test rows is served, the largest first: a mark for each strategy, a bar for the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.subgroups import IDEAL, LABELS
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.marks import draw_marks
from bench.leaderboard.plots.parts.overlay import Overlay, across, upwards
from bench.leaderboard.plots.parts.svg import Drawing, tick_text
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import short

Means = tuple[float | None, ...]
_DRAWN: Final = ("auroc", "calibration_intercept", "macro_f1")
"""Of the metrics of a group. Average precision is in the tables only: it follows how many positives a group has."""

_MOST: Final = 8
"""So many strategies are drawn at most, the first of the board and the baseline; tables have all."""


@dataclass(frozen=True)
class Served:
    """By label, the means of one metric in each group; `ideal` where it aims at a value."""

    words: Words
    means: Mapping[str, Means]
    baseline: str | None
    heading: str
    ideal: float | None


class Groups(Figure[Board, Served]):
    """For data that name groups: one picture a metric."""

    name = "groups"
    of = Board
    order = 45

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Served]:
        groups = subject.subgroups
        if groups is None or len(groups.shown) < 2:
            return
        known = [row.label for row in subject.rows if row.label in groups.values]
        labels = known[:_MOST] + [label for label in known[_MOST:] if label == subject.baseline]
        for metric in (m for m in _DRAWN if m in groups.metrics):
            nothing = (None,) * len(groups.shown)
            means = {
                label: tuple(i.mean if i else None for i in groups.values[label].get(metric, nothing))
                for label in labels
            }
            means = {label: own for label, own in means.items() if any(v is not None for v in own)}
            if not means:
                continue
            baseline, ideal = subject.baseline if subject.baseline in means else None, IDEAL.get(metric)
            bar = f", a level bar for {baseline}" if baseline else ""
            aim = "" if ideal is None else f" Dashed: {ideal:g}, which is right."
            told = (
                f"{LABELS[metric]} in each group, the largest first, mean of the runs: a mark for each strategy{bar}."
            )
            words = Words(
                slug=f"groups-{metric.replace('_', '-')}",
                title=f"{LABELS[metric]} per group",
                about=subject.title,
                caption=f"{told}{aim}",
                headings=("Group", "test rows", *means),
                rows=tuple(
                    (short(group.name, 60), f"{group.rows:,.0f}", *(number(own[at]) for own in means.values()))
                    for at, group in enumerate(groups.shown)
                ),
                description=told,
            )
            yield Served(words, means, baseline, LABELS[metric], ideal)

    def draw(self, data: Served) -> Drawing:
        found = [v for own in data.means.values() for v in own if v is not None]
        found += [] if data.ideal is None else [data.ideal]
        low, high = min(found), max(found)
        margin = (high - low) * 0.08 or 0.01
        y = upwards(low - margin, high + margin)
        of = len(data.words.rows)
        x = across(-0.5, of - 0.5)
        direction = "↑" if data.ideal is None else ""
        plot = Overlay([*data.means], data.baseline, x, y, ("Groups, largest first →", f"{data.heading} {direction}"))
        width = max(4, 60 // of)
        names = [(float(at), short(row[0], width)) for at, row in enumerate(data.words.rows)]
        plot.grid((names, [(value, tick_text(value)) for value in y.ticks()]))
        if data.ideal is not None:
            plot.drawing.line((x.start, y(data.ideal)), (x.stop, y(data.ideal)), "dash")
        draw_marks(plot, data.means, data.baseline)
        return plot.drawing
