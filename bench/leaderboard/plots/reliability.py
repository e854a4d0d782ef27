"""Predicted against observed, all strategies in one plot; on the diagonal, probabilities mean what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.evaluation.views import Floats, fit_temperature, log_softmax
from bench.evaluation.weighting import row_weights
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Labelled, Runs, Words
from bench.leaderboard.plots.parts.overlay import Curve, Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing
from bench.leaderboard.text.numbers import number

BINS: Final = 8


@dataclass(frozen=True)
class Curves:
    """By label, observed against predicted in one view; of two classes, `low` is where logarithmic axes start."""

    words: Words
    curves: Mapping[str, Curve]
    baseline: str | None
    binary: bool
    low: float


_VIEWS: Final = {"raw": ("Reliability as trained", ""), "recalibrated": ("Reliability, recalibrated", "-recalibrated")}
_LEAST: Final = 1e-4
"""Where logarithmic axes start at the lowest."""


class Reliability(Figure[Board, Curves]):
    """Of two classes p1 against the share of positives, of more the top probability against accuracy."""

    name = "reliability"
    of = Board
    order = 50
    optional = True

    def measure(self, runs: Runs) -> Mapping[str, Curve] | None:
        """The curve of each view, all runs together."""
        if not runs.predictions:
            return None
        if runs.n_classes == 2:
            return _positive_rates(runs.predictions)
        return {"raw": _accuracies([test for test, _ in runs.predictions])}

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Curves]:
        found: Mapping[str, Mapping[str, Curve]] = evidence.measured.get(self.name, {})
        by_label = {row.label: found[row.label] for row in evidence.shown if row.label in found}
        by_label = {label: views for label, views in by_label.items() if views["raw"].points}
        binary, baseline = subject.n_classes == 2, subject.baseline if subject.baseline in by_label else None
        for view in _VIEWS:
            curves = {label: views[view] for label, views in by_label.items() if view in views}
            if curves:
                low = _low(curves) if binary else 0.0
                yield Curves(_words(subject, curves, view), curves, baseline, binary, low)

    def draw(self, data: Curves) -> Drawing:
        low, binary = data.low, data.binary
        x, y = across(low, 1, log=binary), upwards(low, 1, log=binary)
        plot = Overlay([*data.curves], data.baseline, x, y, ("Predicted →", "Observed ↑"))
        marks = x.ticks() if binary else [0, 0.25, 0.5, 0.75, 1]
        plot.grid((numbered(marks), numbered(marks)))
        plot.drawing.line((x.start, y.start), (x.stop, y.stop), "dash")
        for label, curve in data.curves.items():
            plot.curve(label, [(max(p, low), max(o, low)) for p, o in curve.points], dots=True)
        return plot.drawing


def _low(curves: Mapping[str, Curve]) -> float:
    """The round number, 1, 2 or 5 times a power of ten, at or below all points."""
    least = min((v for curve in curves.values() for point in curve.points for v in point if v > 0), default=0.1)
    power = 10.0 ** math.floor(math.log10(least))
    return max(_LEAST, *(m * power for m in (1, 2, 5) if m * power <= least))


def _words(subject: Board, curves: Mapping[str, Curve], view: str) -> Words:
    title, slug = _VIEWS[view]
    if subject.n_classes == 2:
        how = "as trained" if view == "raw" else "recalibrated on validation"
        told = (
            f"Share of positives against the mean prediction, {how}, in bins with equally many positives, both on "
            "logarithmic scales. Below the diagonal: predictions are too high."
        )
    else:
        told = (
            "Accuracy against the probability of the predicted class, in ten bins of equally many rows, as trained. "
            "Below the diagonal: too sure."
        )
    return Words(
        slug=f"reliability{slug}",
        title=title,
        about=subject.title,
        caption=told,
        headings=("Strategy", "predicted", "observed", "test rows per run"),
        rows=tuple(
            (label, number(p), number(o), f"{count:,.0f}")
            for label, curve in curves.items()
            for (p, o), count in zip(curve.points, curve.counts, strict=True)
        ),
        description=told,
    )


def _positive_rates(parts: Sequence[tuple[Labelled, Labelled]]) -> dict[str, Curve]:
    """Mean prediction and share of positives in bins with equally many positives, as trained and recalibrated.

    The recalibration is fitted again on the validation rows. For two classes its intercept absorbs the prior
    correction, so this is the recalibrated view of the record.
    """
    raw, recalibrated, labels, weights = [], [], [], []
    for (y, test, weight), (val_y, val, val_weight) in parts:
        labels.append(y)
        weights.append(weight)
        raw.append(_positive(test))
        recalibrated.append(_positive(fit_temperature(val, val_y, row_weights(val_weight, len(val_y))).apply(test)))
    y, w = np.concatenate(labels), np.concatenate(weights)
    return {
        "raw": _binned(np.concatenate(raw), y, w, len(parts)),
        "recalibrated": _binned(np.concatenate(recalibrated), y, w, len(parts)),
    }


def _positive(logits: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(logits)[:, 1]))


def _binned(p: Floats, y: npt.NDArray[np.int64], weight: Floats, runs: int) -> Curve:
    positives = np.sort(p[y == 1])
    if len(positives) < BINS:
        return Curve(())
    edges = np.unique(np.quantile(positives, np.arange(1, BINS) / BINS))
    places = np.searchsorted(edges, p, side="right")
    points, counts = [], []
    for place in range(len(edges) + 1):
        inside = places == place
        if inside.any():
            own = weight[inside]
            points.append((float(np.average(p[inside], weights=own)), float(np.average(y[inside] == 1, weights=own))))
            counts.append(float(inside.sum()) / runs)
    return Curve(tuple(points), tuple(counts))


def _accuracies(tests: Sequence[Labelled]) -> Curve:
    """Top probability against accuracy in ten bins of equally many rows, as trained."""
    top, right, weights = [], [], []
    for y, logits, weight in tests:
        weights.append(weight)
        probabilities = np.exp(log_softmax(logits))
        top.append(probabilities.max(axis=1))
        right.append(probabilities.argmax(axis=1) == y)
    p, hit, w = np.concatenate(top), np.concatenate(right), np.concatenate(weights)
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    points = tuple(
        (float(np.average(p[b], weights=w[b])), float(np.average(hit[b], weights=w[b]))) for b in bins if len(b)
    )
    return Curve(points, tuple(len(b) / len(tests) for b in bins if len(b)))
