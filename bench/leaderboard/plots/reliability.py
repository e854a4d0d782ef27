"""Predicted against observed, one panel a strategy; on the diagonal, probabilities mean what they say."""

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
from bench.leaderboard.plots.parts.panels import PANEL, Curve, multiples
from bench.leaderboard.plots.parts.svg import Drawing, Scale
from bench.leaderboard.text.numbers import number

BINS: Final = 8


@dataclass(frozen=True)
class Curves:
    """By label and view, observed against predicted; of two classes, `low` is where logarithmic axes start."""

    words: Words
    curves: Mapping[str, Mapping[str, Curve]]
    binary: bool
    low: float


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
        curves = {row.label: found[row.label] for row in evidence.shown if row.label in found}
        curves = {label: by_view for label, by_view in curves.items() if by_view["raw"].points}
        if not curves:
            return
        binary = subject.n_classes == 2
        values = [
            v for by_view in curves.values() for c in by_view.values() for point in c.points for v in point if v > 0
        ]
        low = 10.0 ** math.floor(math.log10(min(values, default=0.1))) if binary else 0.0
        told = (
            "Share of positives against the mean prediction, in bins with equally many positives, both on logarithmic "
            "scales. Grey: as trained; colour: recalibrated on validation. Below the diagonal: too high."
            if binary
            else "Accuracy against the probability of the predicted class, in ten bins of equally many rows, as "
            "trained."
        )
        words = Words(
            slug="reliability",
            title="Reliability",
            about=subject.title,
            caption=told,
            headings=("Strategy", "view", "predicted", "observed", "test rows per seed"),
            rows=tuple(
                (label, view, number(p), number(o), f"{count:,.0f}")
                for label, by_view in curves.items()
                for view, curve in by_view.items()
                for (p, o), count in zip(curve.points, curve.counts, strict=True)
            ),
            description=told,
        )
        yield Curves(words, curves, binary, low)

    def draw(self, data: Curves) -> Drawing:
        low, binary = data.low, data.binary

        def scales(left: float, top: float) -> tuple[Scale, Scale]:
            x = Scale(max(low, 1e-4) if binary else 0, 1, left, left + PANEL[0], log=binary)
            return x, Scale(x.low, 1, top + PANEL[1], top, log=binary)

        def panel(drawing: Drawing, label: str, x: Scale, y: Scale) -> None:
            drawing.line((x.start, y.start), (x.stop, y.stop), "dash")
            for kind, view in (("r", "raw"), ("a", "recalibrated")) if binary else (("a", "raw"),):
                points = [(x(p), y(o)) for p, o in data.curves[label].get(view, Curve(())).points]
                drawing.path(points, kind)
                for point in points:
                    drawing.dot(point, f"{kind}-dot", 1.8)

        marks = [m for m in (1e-4, 1e-3, 1e-2, 1e-1, 1.0) if m >= max(low, 1e-4)] if binary else [0, 0.5, 1]
        return multiples(list(data.curves), ("Predicted →", "Observed ↑"), scales, panel, (marks, marks))


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
