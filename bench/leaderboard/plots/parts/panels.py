"""Small multiples: one panel a strategy, under shared axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.plots.parts.svg import Drawing, Scale, tick_text
from bench.leaderboard.text.words import short

_COLUMNS: Final = 4
PANEL: Final = (143.0, 118.0)
"""Width and height of a panel."""

_GAP: Final = (24.0, 44.0)
_LEFT, _TOP, _BOTTOM = 34.0, 42.0, 36.0


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in order of x, with the number of rows behind each where that is known."""

    points: tuple[tuple[float, float], ...]
    counts: tuple[float, ...] = ()


def _grid(n: int) -> tuple[float, Iterator[tuple[float, float]]]:
    """Height of the figure and the top left corner of each panel."""
    rows = math.ceil(n / _COLUMNS)
    height = _TOP + rows * PANEL[1] + (rows - 1) * _GAP[1] + _BOTTOM
    step = PANEL[0] + _GAP[0]
    corners = ((_LEFT + (i % _COLUMNS) * step, _TOP + (i // _COLUMNS) * (PANEL[1] + _GAP[1])) for i in range(n))
    return height, corners


def _frame(drawing: Drawing, title: str, x: Scale, y: Scale, *, first: bool, ticks: Sequence[Sequence[float]]) -> None:
    """Title, grid and tick labels of one panel; heights are labelled at the left of a row only."""
    drawing.text((x.start, y.stop - 9), short(title, 22), "name")
    for value in ticks[1]:
        drawing.line((x.start, y(value)), (x.stop, y(value)), "grid")
        if first:
            drawing.text((x.start - 6, y(value) + 3.5), tick_text(value), "tick", "end")
    for number_of, value in enumerate(ticks[0]):
        anchor = "start" if number_of == 0 else "end" if number_of == len(ticks[0]) - 1 else "middle"
        drawing.text((x(value), y.start + 13), tick_text(value), "tick", anchor)
    drawing.line((x.start, y.start), (x.stop, y.start), "axis")


def multiples(
    labels: Sequence[str],
    axes: tuple[str, str],
    scales: Callable[[float, float], tuple[Scale, Scale]],
    draw: Callable[[Drawing, str, Scale, Scale], None],
    ticks: Sequence[Sequence[float]],
) -> Drawing:
    """A panel for each label; `scales` are given its top left corner; `ticks` are those of x and y."""
    height, corners = _grid(len(labels))
    drawing = Drawing(height)
    for i, (label, (left, top)) in enumerate(zip(labels, corners, strict=True)):
        x, y = scales(left, top)
        _frame(drawing, label, x, y, first=i % _COLUMNS == 0, ticks=ticks)
        draw(drawing, label, x, y)
    drawing.text((_LEFT, height - 4), axes[0], "axis-name")
    drawing.text((0, 9), axes[1], "axis-name")
    return drawing
