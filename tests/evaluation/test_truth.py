"""Known truth: nothing beats Bayes, and soft metrics are expectations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from bench.data.tables.splits import partition
from bench.evaluation.truth import auroc, average_precision, bayes, expected, regret, under_shift
from tests.data.asked import asked

probabilities = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=40).filter(lambda p: len(p) > 1)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_hard_labels_give_scikit_learns_metrics(rows: list[tuple[int, bool]]) -> None:
    score = np.array([float(s) for s, _ in rows])
    y = np.array([float(label) for _, label in rows])
    if 0 < y.sum() < len(y):
        assert auroc(score, y) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
        assert average_precision(score, y) == pytest.approx(average_precision_score(y, score), abs=1e-12)


@given(probabilities, st.data())
@settings(max_examples=100, deadline=None)
def test_no_score_beats_the_truth(truth: list[float], data: st.DataObject) -> None:
    """T2: with soft labels regret is at least 0 exactly, for any score, with or without ties."""
    p = np.array(truth)
    margin = np.array(data.draw(st.lists(st.integers(-5, 5), min_size=len(p), max_size=len(p))), dtype=np.float64)
    best, got = bayes(p), expected(margin, p, 1 / (1 + np.exp(-margin)))
    assert got.auroc <= best.auroc + 1e-12
    assert got.average_precision <= best.average_precision + 1e-12
    assert got.log_loss is not None
    assert best.log_loss is not None
    assert got.log_loss >= best.log_loss - 1e-12
    gaps = regret(margin, p)
    assert min(gaps.values()) >= 0
    assert gaps["log_loss"] == pytest.approx(got.log_loss - best.log_loss, abs=1e-9)


def test_the_truth_itself_has_no_regret() -> None:
    p = np.array([0.01, 0.2, 0.21, 0.5, 0.9])
    assert max(regret(np.log(p / (1 - p)), p).values()) < 1e-15
    shifted = regret(np.log(p / (1 - p)) + 1, p)
    assert shifted["auroc"] == 0
    assert shifted["log_loss"] > 0.01


def test_soft_metrics_are_the_mean_over_draws_of_labels() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.6, 400)
    q = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + rng.normal(0, 1, 400))))
    draws = [(rng.random(400) < p).astype(int) for _ in range(300)]
    soft = expected(q, p, q)
    assert np.mean([log_loss(y, q) for y in draws]) == pytest.approx(soft.log_loss, rel=0.01)
    assert np.mean([roc_auc_score(y, q) for y in draws]) == pytest.approx(soft.auroc, abs=0.005)
    assert np.mean([average_precision_score(y, q) for y in draws]) == pytest.approx(soft.average_precision, abs=0.01)


def test_metrics_that_have_no_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="one per score, got 3 for 2"):
        regret(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        bayes(np.array([0.5, 1.5]))


def test_a_shifted_prior_multiplies_the_odds() -> None:
    p = np.array([0.1, 0.5])
    np.testing.assert_allclose(under_shift(p, 3.0), [1 / 4, 3 / 4])
    t = asked("impressions", rows=200_000, prevalence=0.05).load()
    shifted = replace(t, shift=4.0)
    rows = partition(shifted, 0, 0).test
    assert t.truth is not None
    truth = under_shift(t.truth[rows], 4.0)
    assert truth.mean() == pytest.approx(t.y[rows].mean(), abs=3 * np.sqrt(0.2 / len(rows)))
