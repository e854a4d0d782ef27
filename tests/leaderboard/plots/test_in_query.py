"""The place of the first relevant row, by counting."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation.by_query import ByQuery
from bench.leaderboard.plots.in_query import PLACES, InQueryFigure, hits_of
from bench.leaderboard.plots.parts.figure import Runs
from tests.leaderboard.builders import make


def test_hits_by_place_are_counted_query_by_query() -> None:
    g = np.random.default_rng(0)
    query, y = g.integers(0, 60, 900), (g.random(900) < 0.15).astype(np.int64)
    score = g.normal(size=900) + y
    first = []
    for name in range(60):
        rows = sorted(np.flatnonzero(query == name), key=lambda row: -score[row])
        labels = [int(y[row]) for row in rows]
        if 0 < sum(labels) < len(labels):
            first.append(1 + labels.index(1))
    found = hits_of(y, score, query)
    assert found.queries == len(first)
    assert found.within == pytest.approx([sum(f <= k for f in first) / len(first) for k in range(1, PLACES + 1)])
    assert ByQuery(score, y, query).reciprocal_rank() == pytest.approx(np.mean([1 / f for f in first]))


def test_there_is_no_curve_without_queries_or_where_no_query_can_be_judged() -> None:
    rows = (np.array([0, 1]), np.zeros((2, 2)), np.ones(2))
    assert InQueryFigure().measure(Runs(2, [make()], [(rows, rows)])) is None
    assert InQueryFigure().measure(Runs(2, [make()], [(rows, rows)], queries=[np.array([0, 1])])) is None
    assert InQueryFigure().measure(Runs(2, [make()], [(rows, rows)], queries=[np.array([3, 3])])) is not None
