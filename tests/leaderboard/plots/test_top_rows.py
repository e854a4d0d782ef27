"""What a budget of alerts finds: the curves pass through the metrics of the same budgets."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation.ranked import lift_at, precision_at, recall_at, recall_at_false_positives
from bench.leaderboard.plots.parts.figure import Runs
from bench.leaderboard.plots.top_rows import SHARES, TopRows, found_of
from tests.leaderboard.builders import make


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_recall_precision_and_lift_at_a_budget_are_the_metrics(weighted: bool, ties: bool) -> None:
    """Of 2,000 rows, so that 1, 5 and 10% are whole rows; of tied ones and of weights as well."""
    g = np.random.default_rng(0)
    y = (g.random(2000) < 0.1).astype(np.int64)
    score = g.normal(size=2000) + y
    score = np.round(score) if ties else score
    weight = g.lognormal(size=2000) if weighted else np.ones(2000)
    found = found_of(y, np.stack([np.zeros(2000), score], 1), weight)
    own = weight if weighted else None
    for percent in (1, 5, 10):
        at = SHARES.index(percent / 100)
        assert found.called[at] == pytest.approx(recall_at(score, y, percent, own))
        assert found.alarmed[at] == pytest.approx(recall_at_false_positives(score, y, percent, own))
        assert found.called[at] * found.prevalence / SHARES[at] == pytest.approx(precision_at(score, y, percent, own))
        assert found.called[at] / SHARES[at] == pytest.approx(lift_at(score, y, percent, own))
    assert (found.called[-1], found.alarmed[-1]) == (1, 1)
    assert sorted(found.called) == list(found.called)


def test_runs_of_one_class_have_no_curve_and_do_not_count() -> None:
    nothing = (np.zeros(4, np.int64), np.zeros((4, 2)), np.ones(4))
    some = (np.array([0, 1]), np.array([[0.0, 0.0], [0.0, 1.0]]), np.ones(2))
    assert TopRows().measure(Runs(2, [make()], [(nothing, nothing)])) is None
    found = TopRows().measure(Runs(2, [make(), make()], [(nothing, nothing), (some, some)]))
    assert found is not None
    assert found.prevalence == 0.5
