"""How far down a query's ranking the first relevant row stands: what a page of so many places shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.evaluation.by_query import ByQuery
from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.views import Floats, Ints
from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Runs, Words
from bench.leaderboard.plots.parts.overlay import Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing
from bench.leaderboard.text.numbers import number

PLACES: Final = 20
"""The places of a page."""

_TOLD: Final = (1, 3, 5, 10, PLACES)


@dataclass(frozen=True)
class Hits:
    """Of one strategy, by place from the first to `PLACES`, the share of queries with a relevant row there or above."""

    within: tuple[float, ...]
    queries: float  # that have relevant and irrelevant rows


@dataclass(frozen=True)
class HitCurves:
    """By label."""

    words: Words
    curves: Mapping[str, Hits]
    baseline: str | None


class InQueryFigure(Figure[Board, HitCurves]):
    """For data that name queries, the mean of the runs."""

    name = "in_query"
    of = Board
    order = 33
    optional = True

    def measure(self, runs: Runs) -> Hits | None:
        """Means over the runs, where all of them name the query of each row."""
        if runs.n_classes != 2 or not runs.queries or len(runs.queries) != len(runs.predictions):
            return None
        each = zip(runs.predictions, runs.queries, strict=True)
        try:
            found = [hits_of(y, z[:, 1] - z[:, 0], query) for ((y, z, _), _), query in each]
        except UndefinedMetricError:
            return None
        within = np.mean([own.within for own in found], axis=0)
        return Hits(tuple(within.tolist()), float(np.mean([own.queries for own in found])))

    def data(self, subject: Board, evidence: Evidence) -> Iterator[HitCurves]:
        measured: Mapping[str, Hits] = evidence.measured.get(self.name, {})
        curves = {row.label: measured[row.label] for row in evidence.shown if row.label in measured}
        if not curves:
            return
        rows = tuple((label, *(number(own.within[k - 1]) for k in _TOLD)) for label, own in curves.items())
        queries = next(iter(curves.values())).queries
        words = Words(
            slug="queries",
            title="First relevant row of a query",
            about=subject.title,
            caption=f"Share of the queries with a relevant row at this place or above, of {queries:,.0f} queries a run "
            "that have relevant and irrelevant rows; mean of the runs.",
            headings=("Strategy", *(f"within {k}" for k in _TOLD)),
            rows=rows,
            description=f"With a relevant row in the first place: {'; '.join(f'{r[0]} {r[1]}' for r in rows)}.",
        )
        yield HitCurves(words, curves, subject.baseline if subject.baseline in curves else None)

    def draw(self, data: HitCurves) -> Drawing:
        axes = ("Place in the ranking of a query →", "Queries with a relevant row ↑")
        plot = Overlay([*data.curves], data.baseline, across(1, PLACES), upwards(0, 1), axes)
        plot.grid((numbered([1, 5, 10, 15, 20]), numbered([0, 0.25, 0.5, 0.75, 1])))
        for label, own in data.curves.items():
            plot.curve(label, list(enumerate(own.within, 1)), dots=False)
        return plot.drawing


def hits_of(y: Ints, score: Floats, query: Ints) -> Hits:
    """Of one run: labels, scores and queries (n,) of its test rows; equal scores stand as in the file.

    Raises:
        UndefinedMetricError: no query has relevant and irrelevant rows.
    """
    first = np.array([int(np.argmax(labels)) for _, labels in ByQuery(score, y, query).judged])
    return Hits(tuple(float(np.mean(first < k)) for k in range(1, PLACES + 1)), float(len(first)))
