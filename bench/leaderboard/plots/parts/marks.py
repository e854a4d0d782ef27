"""Values of classes or groups side by side: a mark for each strategy, a level bar for the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.leaderboard.plots.parts.overlay import AREA, Overlay


def draw_marks(plot: Overlay, values: Mapping[str, Sequence[float | None]], baseline: str | None) -> None:
    """By label the value at each place of x, 0 to n − 1; None is not drawn. Marks of one place stand side by side."""
    places = range(max(map(len, values.values()), default=0))
    step = (AREA.right - AREA.left) / max(len(places), 1)
    for place in places:
        found = [v for own in values.values() if (v := own[place]) is not None]
        if found:
            plot.drawing.line((plot.x(place), plot.y(min(found))), (plot.x(place), plot.y(max(found))), "leader")
    others = [label for label in values if label != baseline]
    for label, own in values.items():
        aside = 0.0 if label == baseline else _aside(others.index(label), len(others)) * step * 0.7
        with plot.series(label, marks=label != baseline) as drawing:
            for place, value in enumerate(own):
                if value is None:
                    continue
                at = (plot.x(place) + aside, plot.y(value))
                if label == baseline:
                    drawing.line((at[0] - step * 0.42, at[1]), (at[0] + step * 0.42, at[1]), "curve")
                else:
                    plot.mark(label, at, min(3.4, step / 5))


def _aside(place: int, of: int) -> float:
    """Where among its neighbours a mark stands, from −.5 to .5, so that equal values do not hide one another."""
    return (place + 0.5) / of - 0.5
