"""The curve of costs against decisions made one by one, and against the record's own metric."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation.costs import paid
from bench.evaluation.evaluate import evaluate
from bench.leaderboard.plots.cost_curve import CostCurve, costs_of
from bench.leaderboard.plots.parts.figure import Runs
from tests.evaluation.test_costs import parts
from tests.leaderboard.builders import make


def test_costs_over_the_share_that_is_called() -> None:
    """Brute force: the twentieth that pays most is called, the others are not; at 0 and 1 one answer for all."""
    test, val = parts(2000)
    assert test.costs is not None
    prior = [0.75, 0.25]
    found = evaluate(test, val, prior=prior, natural=prior, train_counts=[75, 25])
    record = replace(make(), fitted=found.fitted, per_class={"prior": prior, "natural": prior})
    own = costs_of(record, (test.y, test.logits, np.ones(len(test.y))), test.costs)
    assert own.cost == pytest.approx(found.values["cost/expected_cost"])
    nobody, everybody = (paid(np.full(len(test.y), one), test.y, test.costs).mean() for one in (0, 1))
    assert own.curve[0] == pytest.approx(nobody)
    assert own.curve[-1] == pytest.approx(everybody)
    assert own.alone == pytest.approx(min(nobody, everybody))
    scale, bias = 1 / found.fitted["temperature"], found.fitted["bias"]
    odds = scale * (test.logits[:, 1] - test.logits[:, 0]) + bias
    gain = odds - np.log(test.costs[:, 1] / (test.costs[:, 2] - test.costs[:, 3]))
    called = np.zeros(len(test.y), dtype=int)
    called[np.argsort(-gain)[: len(test.y) // 20]] = 1
    assert own.curve[5] == pytest.approx(paid(called, test.y, test.costs).mean())


def test_predictions_without_costs_have_no_curve() -> None:
    y = np.array([0, 1])
    rows = (y, np.zeros((2, 2)), np.ones(2))
    assert CostCurve().measure(Runs(2, [make()], [(rows, rows)])) is None
