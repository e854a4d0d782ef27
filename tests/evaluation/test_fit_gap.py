"""The gap between training and test rows: scikit-learn's AUROC on both, all rows or some of each class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.fit_gap import TRAIN_AUROC, TrainAndTest, rows_asked, train_auroc
from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.ranked import Ranked
from bench.evaluation.views import log_softmax

COLUMN = "raw/auroc_gap"


def scored(classes: int, n: int, seed: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, C) and labels of a long tail."""
    g = np.random.default_rng(seed)
    y = g.choice(classes, n, p=np.arange(classes, 0, -1) / (classes * (classes + 1) / 2))
    return g.normal(size=(n, classes)) + strength * np.eye(classes)[y], y


def by_scikit_learn(z: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> list[float]:
    """Of each class against all others, by its log odds."""
    p = np.exp(log_softmax(z))
    return [roc_auc_score(y == c, p[:, c] / (1 - p[:, c]), sample_weight=weight) for c in range(z.shape[1])]


@pytest.mark.parametrize("classes", [2, 5])
def test_it_is_the_difference_of_scikit_learns_areas(classes: int) -> None:
    (train, train_y), (test, test_y) = scored(classes, 900, 0, 2.0), scored(classes, 400, 1, 1.0)
    own = train_auroc(train, train_y, np.ones(900))
    assert own == pytest.approx(by_scikit_learn(train, train_y))
    counts = np.bincount(train_y)
    parts = Predictions(test, test_y), Predictions(test, test_y)
    found = evaluate(*parts, prior=counts / 900, natural=counts / 900, train_counts=counts, train_auroc=own)
    areas = np.array([by_scikit_learn(train, train_y), by_scikit_learn(test, test_y)])
    mean = areas[:, 1] if classes == 2 else areas.mean(1)
    assert found.values[COLUMN] == pytest.approx(mean[0] - mean[1])
    assert found.per_class[TRAIN_AUROC] == own
    without = evaluate(*parts, prior=counts / 900, natural=counts / 900, train_counts=counts)
    assert COLUMN not in without.values
    assert {k: v for k, v in found.values.items() if k != COLUMN} == without.values


@pytest.mark.parametrize("classes", [2, 5])
def test_some_rows_of_each_class_stand_for_all(classes: int) -> None:
    """By their weights the areas are those of all rows, but for the draw; rare classes are asked whole."""
    z, y = scored(classes, 30_000, 2, 1.0)
    rows, weight = rows_asked(y, classes, 4000)
    counts = np.bincount(y[rows], minlength=classes)
    assert counts.max() <= 4000 // classes
    assert len(set(rows.tolist())) == len(rows)
    np.testing.assert_allclose(np.bincount(y[rows], weights=weight, minlength=classes), np.bincount(y))
    found = train_auroc(z[rows], y[rows], weight)
    assert found == pytest.approx(by_scikit_learn(z[rows], y[rows], weight))  # exactly the weighted areas
    assert found == pytest.approx(by_scikit_learn(z, y), abs=0.03)  # and near those of all rows


def test_a_small_table_is_asked_whole() -> None:
    y = np.array([0] * 50 + [1] * 7)
    rows, weight = rows_asked(y, 2)
    assert rows.tolist() == list(range(57))
    assert weight.tolist() == [1.0] * 57


def test_the_same_rows_are_asked_whatever_the_strategy_and_every_class_has_some() -> None:
    y = np.random.default_rng(3).integers(0, 40, 100_000)
    first, second = rows_asked(y, 40), rows_asked(y, 40)
    assert np.array_equal(first[0], second[0])
    assert set(y[first[0]].tolist()) == set(range(40))


def test_what_is_not_defined_is_no_number() -> None:
    z, y = scored(2, 40, 4, 1.0)
    assert train_auroc(np.full((40, 2), np.inf), y, np.ones(40)) == [None, None]
    assert train_auroc(z, np.zeros(40, dtype=np.int64), np.ones(40)) == [None, None]
    both = TrainAndTest.of([None, None], Ranked(z, y, log_softmax(z)))
    with pytest.raises(UndefinedMetricError, match="both in training and in test"):
        both.gap()


def test_of_several_classes_those_count_that_both_have() -> None:
    """A class that test lacks, or training, is left out of both means, so that a gap is no gap between classes."""
    z, y = scored(4, 300, 5, 1.0)
    y[y == 3] = 0
    test = Ranked(z, y, log_softmax(z))
    gap = TrainAndTest.of([0.9, None, 0.8, 0.7], test).gap()
    assert gap == pytest.approx(np.mean([0.9 - test.table[0, 0], 0.8 - test.table[2, 0]]))
