"""Metrics of budgets: precision and lift at the top, recall at a false-positive rate; scikit-learn and counting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.ranked import lift_at, precision_at, recall_at_false_positives


def rows(ties: bool) -> tuple[np.ndarray, np.ndarray]:
    g = np.random.default_rng(0)
    y = (g.random(997) < 0.1).astype(int)
    return np.round(g.normal(size=997) + y, 1 if ties else 12), y


def test_precision_and_lift_by_counting() -> None:
    """The 5% highest of 997 rows are 50."""
    score, y = rows(ties=False)
    top = np.argsort(-score)[:50]
    assert precision_at(score, y, 5) == pytest.approx(y[top].mean())
    assert lift_at(score, y, 5) == pytest.approx(y[top].mean() / y.mean())
    assert lift_at(score, y, 100) == pytest.approx(1)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("percent", [1, 5, 30])
def test_recall_at_a_rate_is_that_of_the_roc_curve(percent: int, ties: bool) -> None:
    score, y = rows(ties)
    fpr, tpr, _ = roc_curve(y, score, drop_intermediate=False)
    assert recall_at_false_positives(score, y, percent) == pytest.approx(tpr[fpr <= percent / 100].max())


def test_a_weight_of_two_is_two_rows() -> None:
    score, y = rows(ties=False)
    weight = np.where(np.arange(len(y)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(y)), weight.astype(int))
    one, other = recall_at_false_positives(score, y, 5, weight), recall_at_false_positives(score[twice], y[twice], 5)
    assert one == pytest.approx(other)
    assert lift_at(score, y, 5, weight) == pytest.approx(lift_at(score[twice], y[twice], 5), rel=0.02)


def test_one_class_only_is_undefined() -> None:
    for y, reason in ((np.zeros(4, dtype=int), "no positive rows"), (np.ones(4, dtype=int), "no negative rows")):
        with pytest.raises(UndefinedMetricError, match=reason):
            recall_at_false_positives(np.arange(4.0), y, 5)
