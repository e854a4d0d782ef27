"""Regret curves: how far each strategy stays from the best possible model, over rows and over prevalence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.leaderboard.boards.regret import AXES, METRICS, Axis, Family
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Words
from bench.leaderboard.plots.parts.svg import Drawing, Scale, label_places, tick_text
from bench.leaderboard.statistics.intervals import Interval
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import plural, short

LEVELS = 4
"""So many lines a panel at most: the lowest and highest values of the other axis, and those between."""

STRATEGIES = 12
_LEFT, _STEP, _WIDTH = 36.0, 225.0, 146.0  # room for `300,000` at the end of the last line
_TOP, _HEIGHT, _GAP, _BOTTOM = 46.0, 104.0, 38.0, 40.0

_Lines = Mapping[float, Sequence[tuple[float, Interval]]]

_EACH = {"rows": "number of rows", "prevalence": "prevalence"}
_NAMES = {"rows": "Rows", "prevalence": "Prevalence"}


@dataclass(frozen=True)
class Lines:
    """By metric and label, a line over `axis` for each of `levels` of the other one; `across` are its two ends."""

    words: Words
    axis: Axis
    names: Mapping[str, str]  # label -> as it is drawn
    baseline: str | None
    levels: tuple[float, ...]
    across: tuple[float, float]
    lines: Mapping[str, Mapping[str, _Lines]]


class Regret(Figure[Family, Lines]):
    """A figure over rows and one over prevalence, where there are two values or more."""

    name = "regret"
    of = Family
    order = 10

    def data(self, subject: Family, evidence: Evidence) -> Iterator[Lines]:
        labels = sorted(subject.points, key=lambda label: (label != subject.baseline, label))[:STRATEGIES]
        for axis in AXES:
            of = {m: {s: subject.lines(s, m, axis) for s in labels} for m in METRICS}
            of = {metric: lines for metric, lines in of.items() if any(lines.values())}
            if not of:
                continue
            levels = _spread(sorted({level for lines in of.values() for line in lines.values() for level in line}))
            lines = {
                m: {s: {k: v for k, v in own.items() if k in levels} for s, own in by_label.items()}
                for m, by_label in of.items()
            }
            across, words = subject.values(axis), _words(subject, axis, lines, levels)
            ends = (across[0], across[-1])
            names = {label: _name(subject, label) for label in labels}
            yield Lines(words, axis, names, subject.baseline, tuple(levels), ends, lines)

    def draw(self, data: Lines) -> Drawing:
        labels, axis = list(data.names), data.axis
        drawing = Drawing(_TOP + len(labels) * _HEIGHT + (len(labels) - 1) * _GAP + _BOTTOM)
        for column, (metric, lines) in enumerate(data.lines.items()):
            left = _LEFT + column * _STEP
            x = Scale(*data.across, left + 4, left + _WIDTH - 4, log=True)
            low, high = _range(lines)
            drawing.text((left - _LEFT, 11), f"{METRICS[metric]} ↓", "axis-name")
            for place, label in enumerate(labels):
                top = _TOP + place * (_HEIGHT + _GAP)
                y = Scale(low, high, top + _HEIGHT, top, log=True)
                if column == 0:
                    drawing.text((left, top - 9), data.names[label], "name")
                base = lines.get(data.baseline or "", {}) if label != data.baseline else {}
                _panel(drawing, (x, y), lines[label], base, levels=data.levels, axis=axis)
            for i, value in enumerate((x.low, x.high)):
                drawing.text((x(value), drawing.height - _BOTTOM + 14), _text(axis, value), "tick", ("start", "end")[i])
        drawing.text((_LEFT, drawing.height - 4), f"{_NAMES[axis]}, logarithmic →", "axis-name")
        return drawing


def _panel(
    drawing: Drawing, scales: tuple[Scale, Scale], lines: _Lines, base: _Lines, *, levels: Sequence[float], axis: Axis
) -> None:
    x, y = scales
    left, right = x.start - 4, x.stop + 4
    for value in _ticks(y):
        drawing.line((left, y(value)), (right, y(value)), "grid")
        drawing.text((left - 4, y(value) + 3.5), tick_text(value), "tick", "end")
    drawing.line((left, y.start), (right, y.start), "axis")
    for level, line in base.items():
        drawing.path([(x(v), y(interval.mean)) for v, interval in line], f"r d{levels.index(level)}")
    for level, line in lines.items():
        for v, interval in line:
            if interval.low is not None and interval.high is not None:
                drawing.line((x(v), y(max(interval.low, y.low))), (x(v), y(min(interval.high, y.high))), "bar")
        drawing.path([(x(v), y(interval.mean)) for v, interval in line], f"a d{levels.index(level)}")
        for v, interval in line:
            drawing.dot((x(v), y(interval.mean)), "a-dot", 2)
    ends = [(level, y(line[-1][1].mean)) for level, line in lines.items()]
    places = label_places([place for _, place in ends], 11, y.stop + 4, y.start)
    other: Axis = AXES[1 - AXES.index(axis)]
    for (level, at), place in zip(ends, places, strict=True):
        drawing.path([(right, at), (right + 5, place)], "leader")
        drawing.text((right + 7, place + 3.5), _text(other, level), "tick")


def _ticks(y: Scale) -> list[float]:
    """Powers of ten, or where there is but one, 2 and 5 times them, too; at most four."""
    tens = [v for v in y.ticks() if math.isclose(math.log10(v), round(math.log10(v)))]
    found = tens if len(tens) > 1 else y.ticks()
    return found[:: math.ceil(len(found) / 4)]


def _spread(levels: Sequence[float]) -> list[float]:
    """At most `LEVELS` of them, both ends and evenly between."""
    if len(levels) <= LEVELS:
        return list(levels)
    return [levels[round(i * (len(levels) - 1) / (LEVELS - 1))] for i in range(LEVELS)]


def _range(lines: Mapping[str, _Lines]) -> tuple[float, float]:
    """Limits of a logarithmic axis that hold every mean and at most a decade below the least positive one."""
    means = [i.mean for of in lines.values() for line in of.values() for _, i in line if i.mean > 0]
    least, most = min(means, default=1e-3), max(means, default=1.0)
    return least / 1.6, most * 1.6


def _text(axis: Axis, value: float) -> str:
    """`16,000` rows, `2%` prevalence."""
    return f"{value:,.0f}" if axis == "rows" else f"{value * 100:.3g}%"


def _words(family: Family, axis: Axis, lines: Mapping[str, Mapping[str, _Lines]], levels: Sequence[float]) -> Words:
    other: Axis = AXES[1 - AXES.index(axis)]
    metrics = tuple(lines)
    labels = list(lines[metrics[0]])
    over = "seeds" if family.splits <= 1 else "splits"
    grey = f" Grey: {family.baseline}." if family.baseline else ""
    hidden = len(family.values(other)) - len(levels)
    cut = f" {plural(hidden, 'value')} of {_NAMES[other].lower()} not drawn." if hidden > 0 else ""
    lost = len(family.points) - len(labels)
    if family.inexact & set(labels):
        cut += " ° no pure shift of the class prior: correction does not undo it."
    cut += f" {len(family.points) - lost} of {len(family.points)} strategies are drawn." if lost > 0 else ""
    rows = tuple(
        (
            _name(family, label),
            _text("rows", point[0]),
            _text("prevalence", point[1]),
            *(_said(regrets.get(m)) for m in metrics),
        )
        for label in labels
        for point, regrets in sorted(family.points[label].items(), key=lambda p: (p[0][1 - AXES.index(axis)], p[0]))
    )
    description = f"Over {axis}, lowest to highest: " + "; ".join(
        f"{label} at {_NAMES[other].lower()} {_text(other, level)}: {METRICS[metrics[0]]} {number(line[0][1].mean)} to "
        f"{number(line[-1][1].mean)}"
        for label, by_level in lines[metrics[0]].items()
        for level, line in by_level.items()
    )
    return Words(
        slug=axis,
        title=f"Regret over {_NAMES[axis].lower()}",
        about=family.title,
        caption="Distance from the best possible model, whose probabilities are known: 0 is perfect, both axes "
        f"logarithmic. A dash for each {_EACH[other]}, named at its end; dots and bars: mean and 95% t interval over "
        f"{over} (the generator's world fixed), cut where it leaves the panel.{grey}{cut}",
        headings=("Strategy", "rows", "prevalence", *(METRICS[m] for m in metrics)),
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
