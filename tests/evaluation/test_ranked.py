"""Rankings against scikit-learn and brute force: ties, many at once, saturated scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bench.evaluation import ranked
from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.ranked import one_vs_rest_margins, ranking_scores, ranking_table, recall_at
from bench.evaluation.views import log_softmax
from tests.evaluation.builders import run, sample


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=60))
def test_ranking_equals_scikit_learn_with_ties(rows: list[tuple[int, int]]) -> None:
    """AUROC and average precision agree to 1e-12 however many scores are equal."""
    z, y = np.array([r[0] for r in rows], dtype=np.float64), np.array([r[1] for r in rows])
    if len(set(y)) < 2:
        with pytest.raises(UndefinedMetricError):
            ranking_scores(z, y)
        return
    expected = sk.roc_auc_score(y, z), sk.average_precision_score(y, z)
    assert ranking_scores(z, y) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 64]), st.integers(1, 60), st.sampled_from([2, 20, 10**6]))
def test_rankings_together_are_those_one_by_one(seed: int, rankings: int, n: int, levels: int) -> None:
    """To the last bit, however many scores are equal; to scikit-learn 1e-9; NaN where a class is absent."""
    rng = np.random.default_rng(seed)
    positive = rng.random((rankings, n)) < rng.choice([0.0, 0.1, 0.5, 1.0], (rankings, 1))
    scores = rng.integers(-levels, levels, (rankings, n)) / 7 + positive
    for own, hit, found in zip(scores, positive, ranking_table(scores, positive), strict=True):
        y = hit.astype(np.int64)
        if len(set(y)) < 2:
            assert np.isnan(found).all()
            continue
        assert tuple(found) == ranking_scores(own, y)
        assert found == pytest.approx([sk.roc_auc_score(y, own), sk.average_precision_score(y, own)], abs=1e-9)


def test_classes_ranked_in_blocks_are_ranked_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """One class at a time, two, or all."""
    test = sample(300, 5, 11)
    expected = run(test)
    for numbers in (1, 600, 1500):
        monkeypatch.setattr(ranked, "RANKED", numbers)
        assert run(test).values == expected.values
        assert run(test).per_class == expected.per_class


def test_one_ranking_with_nan_is_refused_in_company() -> None:
    """A NaN would count as the best score."""
    scores = np.arange(12.0).reshape(3, 4)
    scores[1, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        ranking_table(scores, np.tile([True, False, True, False], (3, 1)))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_monotone_transforms_leave_ranking_unchanged(seed: int) -> None:
    """Only the order of the scores counts, so cubing and shifting them changes nothing."""
    rng = np.random.default_rng(seed)
    z, y = rng.integers(-20, 20, 50).astype(np.float64), np.append([0, 1], rng.integers(0, 2, 48))
    assert ranking_scores(3 * z**3 - 7, y) == ranking_scores(z, y)
    assert recall_at(3 * z**3 - 7, y, 10) == recall_at(z, y, 10)


@pytest.mark.parametrize("percent", [1, 5, 10])
def test_recall_at_k_is_the_expectation_over_tie_orders(percent: int) -> None:
    """It equals the mean over many random orders of tied rows, and the plain count without ties."""
    rng = np.random.default_rng(percent)
    y = (rng.random(300) < 0.2).astype(np.int64)
    rows = -(-300 * percent // 100)
    distinct = rng.normal(size=300) + y
    assert recall_at(distinct, y, percent) == y[np.argsort(-distinct)[:rows]].sum() / y.sum()
    z = np.round(distinct)
    assert (z == np.sort(z)[-rows]).sum() > 1
    draws = [y[np.lexsort((rng.random(300), -z))[:rows]].sum() / y.sum() for _ in range(2000)]
    assert recall_at(z, y, percent) == pytest.approx(np.mean(draws), abs=4 * np.std(draws) / 2000**0.5 + 1e-12)


def test_recall_at_k_takes_at_least_one_row() -> None:
    """With 10 rows the top 1% is one row, not none."""
    y = np.array([1] + [0] * 9)
    assert recall_at(np.arange(10, 0, -1.0), y, 1) == 1.0


def test_one_vs_rest_margins_are_log_odds() -> None:
    """They equal log p - log(1 - p) computed directly from the logits of the others, saturated or not."""
    rng = np.random.default_rng(1)
    for scale in (1, 100):
        logits = scale * rng.normal(size=(40, 5))
        expected = np.stack(
            [logits[:, c] - np.logaddexp.reduce(np.delete(logits, c, axis=1), axis=1) for c in range(5)],
            axis=1,
        )
        np.testing.assert_allclose(one_vs_rest_margins(logits, log_softmax(logits)), expected, rtol=1e-12, atol=1e-12)


def test_nan_scores_are_refused_by_the_ranking_metrics() -> None:
    """Called alone they refuse NaN too, which a sort would otherwise rank first."""
    for y in (np.array([0, 1, 0]), np.array([1, 0, 1])):
        with pytest.raises(ValueError, match="NaN"):
            ranking_scores(np.array([0.0, np.nan, 1.0]), y)
        with pytest.raises(ValueError, match="NaN"):
            recall_at(np.array([0.0, np.nan, 1.0]), y, 10)
