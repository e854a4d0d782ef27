"""What decisions cost, over the share of rows that are called positive: where the money is, and how flat it lies.

Rows are called in the order in which calling them pays most, by recalibrated probability and the row's own costs. The
dot is the rule of least cost on validation rows; dashed, the cheaper of calling nobody and calling everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.evaluation.costs import break_even, paid
from bench.evaluation.views import Floats, Ints, Temperature, margin, prior_corrected
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Runs, Words
from bench.leaderboard.plots.parts.overlay import AREA, Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing
from bench.leaderboard.text.numbers import number
from bench.records.record import Record

_SHARES: Final = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, *(i / 20 for i in range(2, 21)))
_TOLD: Final = (0.01, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Costs:
    """Of one strategy, means of its runs: cost of a row at each share, of one answer for all, and by the rule."""

    curve: tuple[float, ...]
    alone: float
    share: float  # called positive by the rule
    cost: float  # of a row, then


@dataclass(frozen=True)
class CostCurves:
    """By label."""

    words: Words
    curves: Mapping[str, Costs]
    highest: float
    baseline: str | None


class CostCurve(Figure[Board, CostCurves]):
    """For data that say what decisions cost."""

    name = "cost_curve"
    of = Board
    order = 35
    optional = True

    def measure(self, runs: Runs) -> Costs | None:
        """Costs of the runs, where all of them have some and were calibrated."""
        known = [record for record in runs.records if record.predictions and "cost_threshold" in record.fitted]
        if not runs.costs or not len(runs.costs) == len(known) == len(runs.predictions):
            return None
        each = zip(known, runs.predictions, runs.costs, strict=True)
        found = [costs_of(record, test, costs) for record, (test, _), costs in each]
        means = [np.mean([getattr(run, name) for run in found], axis=0) for name in ("curve", "alone", "share", "cost")]
        return Costs(tuple(means[0].tolist()), *(float(mean) for mean in means[1:]))

    def data(self, subject: Board, evidence: Evidence) -> Iterator[CostCurves]:
        measured: Mapping[str, Costs] = evidence.measured.get(self.name, {})
        curves = {row.label: measured[row.label] for row in evidence.shown if row.label in measured}
        if not curves:
            return
        at = [_SHARES.index(share) for share in _TOLD]
        rows = tuple(
            (label, *(number(own.curve[i]) for i in at), number(own.cost), f"{own.share:.1%}", number(own.alone))
            for label, own in curves.items()
        )
        words = Words(
            slug="costs",
            title="Cost of decisions",
            about=subject.title,
            caption="Cost of a row where so large a share of the rows is called positive, those first for which it "
            "pays most; mean of the runs. Dot: the rule of least cost on validation rows. Dashed: one answer for all.",
            headings=("Strategy", *(f"cost at {s:.0%}" for s in _TOLD), "cost by rule", "called", "one answer"),
            rows=rows,
            description=f"Cost of a row by the rule: {'; '.join(f'{row[0]} {row[5]}' for row in rows)}.",
        )
        highest = max(max(own.curve[: _SHARES.index(0.5) + 1]) for own in curves.values())
        yield CostCurves(words, curves, max(highest, *(own.alone for own in curves.values())), subject.baseline)

    def draw(self, data: CostCurves) -> Drawing:
        lowest, highest = min(0.0, *(min(own.curve) for own in data.curves.values())), data.highest or 1.0
        axes = ("Share called positive →", "Cost of a row ↓")
        plot = Overlay([*data.curves], data.baseline, across(0, 0.5), upwards(lowest, highest), axes)
        plot.grid((numbered([0, 0.1, 0.2, 0.3, 0.4, 0.5]), numbered(sorted({lowest, highest / 2, highest}))))
        alone = min(own.alone for own in data.curves.values())
        plot.drawing.line((AREA.left, plot.y(alone)), (AREA.right, plot.y(alone)), "dash")
        for label, own in data.curves.items():
            points = [(share, cost) for share, cost in zip(_SHARES, own.curve, strict=True) if share <= 0.5]
            plot.curve(label, points, dots=False)
            if own.share <= 0.5:
                plot.mark(label, (plot.x(own.share), plot.y(own.cost)))
        return plot.drawing


def costs_of(record: Record, test: tuple[Ints, Floats, Floats], costs: Floats) -> Costs:
    """What the decisions of one run cost, rows called in the order in which it pays most."""
    y, logits, weight = test
    prior, natural = ([float(v or 0) for v in record.per_class[name]] for name in ("prior", "natural"))
    scale = Temperature(1.0 / record.fitted["temperature"], record.fitted["bias"])
    above = margin(scale.apply(prior_corrected(logits, prior, natural))) - break_even(costs)
    calling, leaving = (paid(np.full(len(y), one), y, costs) * weight / weight.sum() for one in (1, 0))
    order = np.argsort(-above, kind="stable")
    total = leaving.sum() + np.append(0.0, np.cumsum((calling - leaving)[order]))
    called = np.append(0.0, np.cumsum(weight[order]) / weight.sum())
    by_rule = above > record.fitted["cost_threshold"]
    return Costs(
        curve=tuple(np.interp(_SHARES, called, total).tolist()),
        alone=float(min(total[0], total[-1])),
        share=float(np.average(by_rule, weights=weight)),
        cost=float(np.where(by_rule, calling, leaving).sum()),
    )
