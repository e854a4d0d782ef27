"""Decision metrics of an evaluation against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from bench.evaluation.evaluate import Predictions
from bench.evaluation.rules import fit_tau, fit_threshold
from bench.evaluation.views import margin, prior_corrected
from tests.evaluation.builders import run, sample


@pytest.mark.parametrize("classes", [2, 6])
def test_decision_metrics_equal_scikit_learn_under_both_rules(classes: int) -> None:
    """Counts of classes give the scores that scikit-learn gives for the same predictions."""
    test, val = sample(400, classes, 8), sample(200, classes, 9)
    natural = np.bincount(val.y) / 200
    prior = np.full(classes, 1 / classes)
    result = run(test, val, natural=natural)
    if classes == 2:
        threshold = fit_threshold(margin(val.logits), val.y)
        assert result.fitted["threshold"] == threshold
        tuned = (margin(test.logits) > threshold).astype(int)
    else:
        trained = 1 / np.arange(1, classes + 1)  # of the rows that `run` trains on, and not the prior corrected to
        tau = fit_tau(prior_corrected(val.logits, prior, natural), val.y, trained)
        assert result.fitted["tau"] == tau
        tuned = (prior_corrected(test.logits, prior, natural) - tau * np.log(trained / trained.sum())).argmax(axis=1)
    default = test.logits.argmax(axis=1)
    assert (default != tuned).any()
    for rule, predicted in (("default", default), ("tuned", tuned)):
        recalls = sk.recall_score(test.y, predicted, average=None)
        expected = {
            "macro_f1": sk.f1_score(test.y, predicted, average="macro"),
            "balanced_accuracy": sk.balanced_accuracy_score(test.y, predicted),
            "g_mean": np.prod(recalls) ** (1 / classes),
            "mcc": sk.matthews_corrcoef(test.y, predicted),
            "accuracy": sk.accuracy_score(test.y, predicted),
        }
        if classes == 2:
            expected["f1"] = sk.f1_score(test.y, predicted)
            expected["precision"] = sk.precision_score(test.y, predicted)
            expected["recall"] = sk.recall_score(test.y, predicted)
        else:
            # Classes of the sample are already in the order of their training counts.
            for k, name in enumerate(("head", "middle", "tail")):
                expected[f"{name}_recall"] = recalls[2 * k : 2 * k + 2].mean()
        got = {name: result.values[f"{rule}/{name}"] for name in expected}
        assert got == pytest.approx(expected, rel=1e-12)
        assert result.per_class[f"{rule}/recall"] == pytest.approx(recalls, rel=1e-12)


def test_recall_averages_leave_out_classes_absent_from_test() -> None:
    """Balanced accuracy and G-mean are over the classes that test holds, whatever is predicted."""
    y = np.array([0, 0, 0, 0, 1, 1])
    logits = np.eye(3)[[0, 2, 2, 2, 1, 1]]
    values = run(Predictions(logits, y)).values
    assert values["default/balanced_accuracy"] == pytest.approx((0.25 + 1) / 2)
    assert values["default/g_mean"] == pytest.approx(0.5)


def test_head_middle_and_tail_follow_training_counts() -> None:
    """Classes are ranked by training rows, whatever the test holds; left-over classes go to the head."""
    y = np.arange(5).repeat(10)
    logits = np.zeros((50, 5))
    hits = np.array([1, 3, 5, 7, 9])
    for c in range(5):
        logits[y == c, (c + 1) % 5] = 1
        logits[10 * c : 10 * c + hits[c], c] = 2
    values = run(Predictions(logits, y), train_counts=[10, 500, 20, 400, 30]).values
    # Ranked 1, 3 | 4, 2 | 0 with recalls .3, .7 | .9, .5 | .1
    assert values["default/head_recall"] == pytest.approx(0.5)
    assert values["default/middle_recall"] == pytest.approx(0.7)
    assert values["default/tail_recall"] == pytest.approx(0.1)


def test_argmax_ties_go_to_the_negative_class_under_both_rules() -> None:
    """A margin equal to the threshold is not positive, so threshold 0 is exactly argmax."""
    test = Predictions(np.zeros((4, 2)), np.array([0, 0, 0, 1]))
    val = Predictions(np.zeros((3, 2)), np.zeros(3, dtype=np.int64))
    result = run(test, val)
    assert result.fitted["threshold"] == 0.0
    assert result.values["default/accuracy"] == result.values["tuned/accuracy"] == 0.75
