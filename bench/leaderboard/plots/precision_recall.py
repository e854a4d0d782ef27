"""Precision at each recall, all strategies in one plot, with the line of prevalence: what a coin would reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Labelled, Runs, Words
from bench.leaderboard.plots.parts.overlay import AREA, Curve, Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing, tick_text
from bench.leaderboard.text.numbers import number

_RECALLS: Final = tuple((i + 1) / 40 for i in range(40))
_TOLD: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Curves:
    """By label, precision at `_RECALLS`; the baseline, where it has a curve; the share of positives."""

    words: Words
    curves: Mapping[str, Curve]
    baseline: str | None
    prevalence: float


class PrecisionRecall(Figure[Board, Curves]):
    """Of two classes, the mean of the runs."""

    name = "precision_recall"
    of = Board
    order = 30
    optional = True

    def measure(self, runs: Runs) -> tuple[Curve, float] | None:
        """The curve and the share of positives."""
        tests = [test for test, _ in runs.predictions]
        if not tests or runs.n_classes != 2:
            return None
        return _mean_precision(tests), float(np.mean([np.average(y == 1, weights=w) for y, _, w in tests]))

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Curves]:
        measured: Mapping[str, tuple[Curve, float]] = evidence.measured.get(self.name, {})
        curves = {row.label: measured[row.label][0] for row in evidence.shown if row.label in measured}
        curves = {label: curve for label, curve in curves.items() if curve.points}
        if not curves:
            return
        prevalence = [share for _, share in measured.values()][-1]
        baseline = subject.baseline if subject.baseline in measured else None
        at = [_RECALLS.index(r) for r in _TOLD]
        rows = tuple((label, *(number(curve.points[i][1]) for i in at)) for label, curve in curves.items())
        thick = f" Thick: {baseline}." if baseline else ""
        words = Words(
            slug="pr",
            title="Precision and recall",
            about=subject.title,
            caption=f"Precision where each recall is first reached, mean of the runs.{thick} Level: prevalence, "
            f"{number(prevalence)}.",
            headings=("Strategy", *(f"precision at recall {tick_text(_RECALLS[i])}" for i in at)),
            rows=rows,
            description=f"Precision at recall .5: {'; '.join(f'{row[0]} {row[3]}' for row in rows)}.",
        )
        yield Curves(words, curves, baseline if baseline in curves else None, prevalence)

    def draw(self, data: Curves) -> Drawing:
        plot = Overlay([*data.curves], data.baseline, across(0, 1), upwards(0, 1), ("Recall →", "Precision ↑"))
        plot.grid((numbered([0, 0.25, 0.5, 0.75, 1]), numbered([0, 0.25, 0.5, 0.75, 1])))
        plot.drawing.line((AREA.left, plot.y(data.prevalence)), (AREA.right, plot.y(data.prevalence)), "dash")
        for label, curve in data.curves.items():
            plot.curve(label, curve.points, dots=False)
        return plot.drawing


def _mean_precision(tests: Sequence[Labelled]) -> Curve:
    """Precision where each recall is first reached, averaged over runs; no points where none has a positive."""
    found = []
    for y, logits, weight in tests:
        scores = logits[:, 1] - logits[:, 0]
        order = np.argsort(-scores, kind="stable")
        rows, hits = np.cumsum(weight[order]), np.cumsum(weight[order] * (y[order] == 1))
        if not hits[-1]:
            continue
        cuts = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        reached = hits[cuts] / hits[-1]
        at = np.searchsorted(reached, np.array(_RECALLS) - 1e-12)
        found.append(hits[cuts][at] / rows[cuts][at])
    means = np.mean(found, axis=0).tolist() if found else []
    return Curve(tuple(zip(_RECALLS, means, strict=False)))
