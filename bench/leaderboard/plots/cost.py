"""Quality against training time, with the strategies that no other beats in both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.leaderboard.boards.columns import COST
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.overlay import FEWEST
from bench.leaderboard.plots.parts.svg import Drawing, Scale, label_places, tick_text
from bench.leaderboard.statistics.pareto import pareto
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import short


@dataclass(frozen=True)
class Points:
    """(label, seconds, quality) of each strategy, those on the Pareto front, and what quality is."""

    words: Words
    points: tuple[tuple[str, float, float], ...]
    front: frozenset[str]
    quality: str


class Cost(Figure[Board, Points]):
    """A dot for each strategy, labelled; the Pareto front as a stepped line."""

    name = "cost"
    of = Board
    order = 20
    optional = True

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Points]:
        points = tuple(
            (row.label, cost, row.score.mean)
            for row in evidence.shown
            if row.score is not None and (cost := row.values.get(COST)) is not None and cost > 0
        )
        if len(points) < 2:
            return
        score, higher = subject.score, bool(subject.score.higher_is_better)
        front = frozenset(pareto(points, higher_is_better=higher))
        rows = tuple(
            (name, number(cost), number(value), "yes" if name in front else "no")
            for name, cost, value in sorted(points, key=lambda p: p[1])
        )
        words = Words(
            slug="cost",
            title="Quality and training time",
            about=subject.title,
            caption="Median training seconds of a cell, all its fits together, against the ranking metric. Colour, and "
            "a line through three or more: the Pareto front, strategies that no other beats in both.",
            headings=("Strategy", "training seconds", score.label, "on the Pareto front"),
            rows=rows,
            description="; ".join(f"{r[0]}: {r[1]} s, {r[2]}{', on the front' if r[3] == 'yes' else ''}" for r in rows),
        )
        quality = f"{score.label}{f', {score.view}' if score.view else ''} {'↑' if higher else '↓'}"
        yield Points(words, points, front, quality)

    def draw(self, data: Points) -> Drawing:
        costs, values = [p[1] for p in data.points], [p[2] for p in data.points]
        margin = (max(values) - min(values)) * 0.12 or 0.01
        x = Scale(min(costs) * 0.85, max(costs) * 1.18, 46, 520, log=True)
        y = Scale(min(values) - margin, max(values) + margin, 286, 26)
        drawing = Drawing(322)
        for value in y.ticks(4):
            drawing.line((46, y(value)), (520, y(value)), "grid")
            drawing.text((40, y(value) + 4), tick_text(value), "tick", "end")
        for value in x.ticks():
            drawing.text((x(value), 300), tick_text(value), "tick", "middle")
        drawing.line((46, 286), (520, 286), "axis")
        drawing.text((0, 9), data.quality, "axis-name")
        drawing.text((46, 318), "Training seconds, logarithmic →", "axis-name")
        steps: list[tuple[float, float]] = []
        for _, cost, value in sorted((p for p in data.points if p[0] in data.front), key=lambda p: p[1]):
            if steps:
                steps.append((x(cost), steps[-1][1]))
            steps.append((x(cost), y(value)))
        if len(data.front) >= FEWEST:
            drawing.path([*steps, (520, steps[-1][1])], "front")
        places = label_places([y(p[2]) for p in data.points], 15, 20, 290)
        for (name, cost, value), place in zip(data.points, places, strict=True):
            kind = "a-dot" if name in data.front else "r-dot"
            drawing.path([(x(cost) + 6, y(value)), (528, place)], "leader")
            drawing.dot((x(cost), y(value)), kind, 4.5)
            drawing.text((534, place + 4), short(name, 24), "name" if name in data.front else "name soft")
        return drawing
