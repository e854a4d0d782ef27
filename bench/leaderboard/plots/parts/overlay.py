"""All strategies in one large plot: a colour and a dash for each, the baseline in ink, names beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.plots.parts.svg import Drawing, Scale, tick_text
from bench.leaderboard.text.words import short

_HUES: Final = 6  # `--s0` to `--s5` of the style sheet; beyond, the same ones dashed
_NAMES: Final = 500.0
_LINE: Final = 19.0
_LEFT, _TOP = 46.0, 24.0
_BOTTOM: Final = 44.0
FEWEST: Final = 3
"""Points that a line may join: through two it would claim a course that nobody has seen."""


@dataclass(frozen=True)
class Area:
    """Where the plot lies: left and right, bottom and top, in the drawing's units."""

    left: float = _LEFT
    right: float = 484.0
    bottom: float = 384.0
    top: float = _TOP


AREA: Final = Area()


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in order of x, with the number of rows behind each where that is known."""

    points: tuple[tuple[float, float], ...]
    counts: tuple[float, ...] = ()


def _kinds_of(labels: Sequence[str], baseline: str | None) -> dict[str, str]:
    """The classes of each series: the same strategies in the same order look the same in all figures of a board."""
    others = [label for label in labels if label != baseline]
    found = {label: f"s{i % _HUES}{' dashed' if i // _HUES % 2 else ''}" for i, label in enumerate(others)}
    return {label: found.get(label, "sb") for label in labels}


class Overlay:
    """A drawing with axes, to which series are added one by one."""

    def __init__(self, labels: Sequence[str], baseline: str | None, x: Scale, y: Scale, axes: tuple[str, str]) -> None:
        self.kinds = _kinds_of(labels, baseline)
        self.x, self.y = x, y
        self.drawing = Drawing(max(AREA.bottom + _BOTTOM, _TOP + _LINE * len(labels) + 12))
        self.drawing.text((0, 9), axes[1], "axis-name")
        self.drawing.text((AREA.left, AREA.bottom + 34), axes[0], "axis-name")
        self.places = {label: _TOP + _LINE * i + 8 for i, label in enumerate(labels)}

    def grid(self, ticks: tuple[Sequence[tuple[float, str]], Sequence[tuple[float, str]]]) -> None:
        """Lines and words of the ticks of x and y."""
        for value, text in ticks[1]:
            self.drawing.line((AREA.left, self.y(value)), (AREA.right, self.y(value)), "grid")
            self.drawing.text((AREA.left - 6, self.y(value) + 3.5), text, "tick", "end")
        for value, text in ticks[0]:
            self.drawing.line((self.x(value), AREA.bottom), (self.x(value), AREA.bottom + 4), "axis")
            self.drawing.text((self.x(value), AREA.bottom + 17), text, "tick", "middle")
        self.drawing.line((AREA.left, AREA.bottom), (AREA.right, AREA.bottom), "axis")

    @contextmanager
    def series(self, label: str, *, marks: bool = False) -> Iterator[Drawing]:
        """The drawing while what is drawn belongs to a strategy; its name is put beside the plot.

        `marks`: it is drawn as marks without a line, filled ones or, of a dashed series, rings.
        """
        with self.drawing.series(label, self.kinds[label]):
            place = self.places[label]
            if not marks:
                self.drawing.line((_NAMES, place), (_NAMES + 22, place), "curve")
            else:
                self.mark(label, (_NAMES + 11, place))
            self.drawing.text((_NAMES + 28, place + 4), short(label, 22), "name")
            yield self.drawing

    def mark(self, label: str, at: tuple[float, float], radius: float = 3.4) -> None:
        """A mark of a series: filled, or a ring where its line would be dashed."""
        if "dashed" in self.kinds[label]:
            self.drawing.ring(at, radius)
        else:
            self.drawing.dot(at, "mark", radius)

    def curve(self, label: str, points: Sequence[tuple[float, float]], *, dots: bool) -> None:
        """A line through three points or more, with or without dots; of fewer the dots alone."""
        at = [(self.x(a), self.y(b)) for a, b in points]
        with self.series(label) as drawing:
            if len(at) >= FEWEST:
                drawing.path(at, "curve")
            if dots or len(at) < FEWEST:
                for point in at:
                    drawing.dot(point, "mark", 2.6)


def numbered(values: Sequence[float]) -> list[tuple[float, str]]:
    """Ticks with their numbers."""
    return [(value, tick_text(value)) for value in values]


def across(low: float, high: float, *, log: bool = False) -> Scale:
    """The scale of x in the plot."""
    return Scale(low, high, AREA.left, AREA.right, log=log)


def upwards(low: float, high: float, *, log: bool = False) -> Scale:
    """The scale of y in the plot."""
    return Scale(low, high, AREA.bottom, AREA.top, log=log)
