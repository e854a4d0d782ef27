"""Quality against training time, with the strategies that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.curves import Evidence
from bench.leaderboard.plots.parts.svg import Drawing, Figure, Scale, label_places, tick_text
from bench.leaderboard.text import number, short

COST = "train_seconds"


def pareto(points: Sequence[tuple[str, float, float]], *, higher_is_better: bool) -> list[str]:
    """Names of the points (name, cost, quality) that no other one beats in one and equals in the other."""
    sign = 1.0 if higher_is_better else -1.0

    def beaten(cost: float, quality: float) -> bool:
        return any(
            (c <= cost and sign * q >= sign * quality) and (c < cost or sign * q > sign * quality) for _, c, q in points
        )

    return [name for name, cost, quality in points if not beaten(cost, quality)]


def quality_and_time(board: Board, evidence: Evidence) -> Figure | None:
    """A dot for each strategy, labelled; the Pareto front as a stepped line."""
    points = [
        (row.label, cost, row.score.mean)
        for row in evidence.shown
        if row.score is not None and (cost := row.cells.get(COST)) is not None and cost > 0
    ]
    if len(points) < 2:
        return None
    higher = bool(board.score.higher_is_better)
    front = set(pareto(points, higher_is_better=higher))
    costs, values = [p[1] for p in points], [p[2] for p in points]
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
    way = "↑" if higher else "↓"
    drawing.text((0, 9), f"{board.score.label}{f', {board.score.view}' if board.score.view else ''} {way}", "axis-name")
    drawing.text((46, 318), "Training seconds, logarithmic →", "axis-name")
    ordered = sorted((p for p in points if p[0] in front), key=lambda p: p[1])
    steps: list[tuple[float, float]] = []
    for _, cost, value in ordered:
        if steps:
            steps.append((x(cost), steps[-1][1]))
        steps.append((x(cost), y(value)))
    drawing.path([*steps, (520, steps[-1][1])], "front")
    places = label_places([y(p[2]) for p in points], 15, 20, 290)
    for (name, cost, value), place in zip(points, places, strict=True):
        kind = "a-dot" if name in front else "r-dot"
        drawing.path([(x(cost) + 6, y(value)), (528, place)], "leader")
        drawing.dot((x(cost), y(value)), kind, 4.5)
        drawing.text((534, place + 4), short(name, 24), "name" if name in front else "name soft")
    rows = tuple(
        (name, number(cost), number(value), "yes" if name in front else "no")
        for name, cost, value in sorted(points, key=lambda p: p[1])
    )
    caption = (
        "Median training seconds of a cell, all its fits together, against the ranking metric. Line and colour: the "
        "Pareto front, strategies that no other beats in both."
    )
    description = "; ".join(f"{r[0]}: {r[1]} s, {r[2]}{', on the front' if r[3] == 'yes' else ''}" for r in rows)
    slug = f"{board.slug}-cost"
    headings = ("Strategy", "training seconds", board.score.label, "on the Pareto front")
    svg = drawing.render(slug, f"Quality and training time, {board.title}", description)
    return Figure(slug, "Quality and training time", caption, svg, headings, rows)
