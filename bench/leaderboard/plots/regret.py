"""Regret curves: how far each strategy stays from the best possible model, over rows and over prevalence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.boards.regret import AXES, METRICS, Axis, Family
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.overlay import Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing, Scale
from bench.leaderboard.statistics.intervals import Interval
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import list_of, short

STRATEGIES: Final = 16
"""So many strategies are drawn at most; the table of numbers is of these, too."""

_Line = Sequence[tuple[float, Interval]]

_NAMES: Final = {"rows": "Rows", "prevalence": "Prevalence"}


@dataclass(frozen=True)
class Lines:
    """Of one metric, by label, a line over `axis` at one `level` of the other one; `across` are its two ends."""

    words: Words
    axis: Axis
    metric: str
    names: Mapping[str, str]  # label -> as it is drawn
    baseline: str | None
    across: tuple[float, float]
    lines: Mapping[str, _Line]


class Regret(Figure[Family, Lines]):
    """A figure for each metric over rows, and for each over prevalence, where there are two values or more."""

    name = "regret"
    of = Family
    order = 10

    def data(self, subject: Family, evidence: Evidence) -> Iterator[Lines]:
        labels = sorted(subject.points, key=lambda label: (label != subject.baseline, label))[:STRATEGIES]
        for axis in AXES:
            for metric in METRICS:
                of = {label: subject.lines(label, metric, axis) for label in labels}
                level = _level(of)
                if level is None:
                    continue
                lines = {label: by_level[level] for label, by_level in of.items() if level in by_level}
                places = [value for line in lines.values() for value, _ in line]
                names = {label: _name(subject, label) for label in lines}
                words = _words(subject, axis, metric, lines, level)
                ends = (min(places), max(places))
                yield Lines(words, axis, metric, names, subject.baseline, ends, lines)

    def draw(self, data: Lines) -> Drawing:
        low, high = _range(data.lines)
        x, y = across(*_wider(data.across), log=True), upwards(low, high, log=True)
        shown = list(data.names.values())
        base = data.names.get(data.baseline or "")
        axes = (f"{_NAMES[data.axis]}, logarithmic →", f"{METRICS[data.metric]}, logarithmic ↓")
        plot = Overlay(shown, base, x, y, axes)
        places = sorted({value for line in data.lines.values() for value, _ in line})
        plot.grid(([(v, _text(data.axis, v)) for v in places], numbered(_ticks(y))))
        for label, line in data.lines.items():
            plot.curve(data.names[label], [(v, max(interval.mean, low)) for v, interval in line], dots=True)
            with plot.drawing.series(data.names[label], plot.kinds[data.names[label]]):
                for v, interval in line:
                    if interval.low is not None and interval.high is not None:
                        ends = (x(v), y(max(interval.low, low))), (x(v), y(min(interval.high, high)))
                        plot.drawing.line(*ends, "error")
        return plot.drawing


def _level(of: Mapping[str, Mapping[float, _Line]]) -> float | None:
    """The level of the other axis at which most is known; of several, the middle one. None where there is no line."""
    points: dict[float, int] = {}
    for by_level in of.values():
        for level, line in by_level.items():
            points[level] = max(points.get(level, 0), len(line))
    best = sorted(level for level, n in points.items() if n == max(points.values()))
    return best[len(best) // 2] if best else None


def _wider(ends: tuple[float, float]) -> tuple[float, float]:
    """With room for dots and bars at both ends."""
    room = (ends[1] / ends[0]) ** 0.04
    return ends[0] / room, ends[1] * room


def _ticks(y: Scale) -> list[float]:
    """Powers of ten, or where there is but one, 2 and 5 times them, too; at most six."""
    tens = [v for v in y.ticks() if math.isclose(math.log10(v), round(math.log10(v)))]
    found = tens if len(tens) > 1 else y.ticks()
    return found[:: math.ceil(len(found) / 6)]


def _range(lines: Mapping[str, _Line]) -> tuple[float, float]:
    """Limits of a logarithmic axis that hold every mean above 0."""
    means = [i.mean for line in lines.values() for _, i in line if i.mean > 0]
    least, most = min(means, default=1e-3), max(means, default=1.0)
    return least / 1.6, most * 1.6


def _text(axis: Axis, value: float) -> str:
    """`16,000` rows, `2%` prevalence."""
    return f"{value:,.0f}" if axis == "rows" else f"{value * 100:.3g}%"


def _words(family: Family, axis: Axis, metric: str, lines: Mapping[str, _Line], level: float) -> Words:
    other: Axis = AXES[1 - AXES.index(axis)]
    over = "seeds" if family.splits <= 1 else "splits"
    thick = f" Thick: {family.baseline}." if family.baseline in lines else ""
    more = [_text(other, v) for v in family.values(other) if v != level]
    elsewhere = f" At {_NAMES[other].lower()} {_text(other, level)}"
    elsewhere += f"; those at {list_of(more)} are in the table." if more else "."
    inexact = " ° no pure shift of the class prior: correction does not undo it." if family.inexact & set(lines) else ""
    lost = len(family.points) - len(lines)
    cut = f" {len(lines)} of {len(family.points)} strategies are drawn." if lost > 0 else ""
    rows = tuple(
        (_name(family, label), _text("rows", point[0]), _text("prevalence", point[1]), _said(regrets[metric]))
        for label in lines
        for point, regrets in sorted(family.points[label].items(), key=lambda p: (p[0][1 - AXES.index(axis)], p[0]))
        if metric in regrets
    )
    at = f"at {_NAMES[other].lower()} {_text(other, level)}"
    description = f"{METRICS[metric]} over {axis}, lowest to highest, {at}: " + "; ".join(
        f"{label} {number(line[0][1].mean)} to {number(line[-1][1].mean)}" for label, line in lines.items()
    )
    return Words(
        slug=f"{axis}-{metric.replace('/', '-').replace('_', '-')}",
        title=f"Over {_NAMES[axis].lower()}: {METRICS[metric]}",
        about=family.title,
        caption="Distance from the best possible model, whose probabilities are known: 0 is perfect, both axes are "
        f"logarithmic.{elsewhere} Dots and bars: mean and 95% t interval over {over} (the generator's world fixed), "
        f"cut where it leaves the plot.{thick}{inexact}{cut}",
        headings=("Strategy", "rows", "prevalence", METRICS[metric]),
        rows=rows,
        description=description,
    )


def _name(family: Family, label: str) -> str:
    """A strategy as it is drawn: ° where correction does not undo what it does to probabilities."""
    return short(label, 40) + ("°" if label in family.inexact else "")


def _said(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    half = f" ± {number(interval.half, 4)}" if interval.half is not None else ""
    return f"{number(interval.mean, 4)}{half}"
