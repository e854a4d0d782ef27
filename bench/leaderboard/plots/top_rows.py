"""What a budget of alerts buys: positives found over the share of rows called, and over that of false alarms.

Rows are called from the highest score down. Shares are on logarithmic axes: a budget is a few rows of a hundred, where
precision, lift and recall at a fixed false-positive rate are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.evaluation.views import Floats, Ints
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Runs, Words
from bench.leaderboard.plots.parts.overlay import Overlay, across, upwards
from bench.leaderboard.plots.parts.svg import Drawing
from bench.leaderboard.text.numbers import number

Shares = tuple[float, ...]
_LEAST: Final = 1e-3
SHARES: Final[Shares] = tuple(sorted({*np.geomspace(_LEAST, 1, 46).tolist(), 0.01, 0.05, 0.1}))
_TOLD: Final = (0.01, 0.05, 0.1)


@dataclass(frozen=True)
class Found:
    """Of one strategy, the positives found (0 to 1) at each of `SHARES`, and the share of positives in the test rows.

    called: as a share of all rows; alarmed: as a share of the negative rows.
    """

    called: Shares
    alarmed: Shares
    prevalence: float


@dataclass(frozen=True)
class FoundCurves:
    """By label, one of the two curves."""

    words: Words
    curves: Mapping[str, Shares]
    baseline: str | None
    axis: str


class TopRows(Figure[Board, FoundCurves]):
    """Of two classes, the mean of the runs."""

    name = "top_rows"
    of = Board
    order = 32
    optional = True

    def measure(self, runs: Runs) -> Found | None:
        """Means over the runs whose test rows are of both classes."""
        each = [
            found_of(*test)
            for test, _ in runs.predictions
            if runs.n_classes == 2 and 0 < np.count_nonzero(test[0] == 1) < len(test[0])
        ]
        return _mean(each) if each else None

    def data(self, subject: Board, evidence: Evidence) -> Iterator[FoundCurves]:
        measured: Mapping[str, Found] = evidence.measured.get(self.name, {})
        found = {row.label: measured[row.label] for row in evidence.shown if row.label in measured}
        if not found:
            return
        baseline = subject.baseline if subject.baseline in found else None
        at = [SHARES.index(share) for share in _TOLD]
        called = {label: own.called for label, own in found.items()}
        rows = tuple(
            (label, *(text for i in at for text in _at_budget(own.called[i], SHARES[i], own.prevalence)))
            for label, own in found.items()
        )
        words = Words(
            slug="found",
            title="What a budget of alerts finds",
            about=subject.title,
            caption="Share of the positives among the rows scored highest, mean of the runs. Dashed: as many rows at "
            "random; so many times above it is the lift.",
            headings=("Strategy", *(f"{name} at {s:.0%}" for s in _TOLD for name in ("recall", "precision", "lift"))),
            rows=rows,
            description=f"Recall at 5% of the rows: {'; '.join(f'{row[0]} {row[4]}' for row in rows)}.",
        )
        yield FoundCurves(words, called, baseline, "Share of rows called →")
        alarmed = {label: own.alarmed for label, own in found.items()}
        rows = tuple((label, *(number(own[i]) for i in at)) for label, own in alarmed.items())
        words = Words(
            slug="alarms",
            title="What false alarms buy",
            about=subject.title,
            caption="The highest recall at which at most this share of the negative rows is called, mean of the runs: "
            "the ROC curve with its first percent in sight. Dashed: an order without meaning.",
            headings=("Strategy", *(f"recall at FPR {s:.0%}" for s in _TOLD)),
            rows=rows,
            description=f"Recall at a false-positive rate of 5%: {'; '.join(f'{r[0]} {r[2]}' for r in rows)}.",
        )
        yield FoundCurves(words, alarmed, baseline, "Share of negative rows called →")

    def draw(self, data: FoundCurves) -> Drawing:
        plot = Overlay(
            [*data.curves], data.baseline, across(_LEAST, 1, log=True), upwards(0, 1), (data.axis, "Positives found ↑")
        )
        ticks = [(10.0**power, f"{10.0**power:.3g}".removeprefix("0")) for power in (-3, -2, -1, 0)]
        plot.grid((ticks, [(level, f"{level:g}".removeprefix("0") or "0") for level in (0, 0.25, 0.5, 0.75, 1)]))
        plot.drawing.path([(plot.x(share), plot.y(share)) for share in SHARES], "dash")
        for label, own in data.curves.items():
            plot.curve(label, list(zip(SHARES, own, strict=True)), dots=False)
        return plot.drawing


def found_of(y: Ints, logits: Floats, weight: Floats) -> Found:
    """The two curves of one run: labels (n,) of both classes, logits (n, 2), weights (n,).

    Rows tied at a cut count by the expectation over random orders; false alarms are cut between scores, as the metric
    of a fixed false-positive rate cuts them.
    """
    score = logits[:, 1] - logits[:, 0]
    order = np.argsort(-score, kind="stable")
    cuts = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    of_all = np.cumsum(weight[order])[cuts]
    hits = np.cumsum(weight[order] * (y[order] == 1))[cuts]
    misses = of_all - hits
    rows, positive = of_all[-1], hits[-1]
    called = np.interp(SHARES, np.append(0, of_all / rows), np.append(0, hits / positive))
    allowed = np.searchsorted(misses / misses[-1], np.array(SHARES) * (1 + 1e-12), side="right")
    alarmed = np.append(0, hits / positive)[allowed]
    return Found(tuple(called.tolist()), tuple(alarmed.tolist()), float(positive / rows))


def _mean(each: Sequence[Found]) -> Found:
    """Of several runs."""
    called, alarmed = (np.mean([getattr(own, name) for own in each], axis=0) for name in ("called", "alarmed"))
    return Found(tuple(called.tolist()), tuple(alarmed.tolist()), float(np.mean([own.prevalence for own in each])))


def _at_budget(recall: float, share: float, prevalence: float) -> tuple[str, str, str]:
    """Recall, precision and lift where this share of the rows is called."""
    return number(recall), number(recall * prevalence / share), number(recall / share)
