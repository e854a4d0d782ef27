"""Metrics of groups are those of their rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from bench.evaluation.per_group import decided_per_group, enough, per_group


def test_only_groups_with_enough_rows_of_each_class_are_reported() -> None:
    """20 of each of two classes, or 20 rows; the largest group first."""
    group = np.repeat([0, 1, 2, 3], [40, 39, 400, 60])
    y = np.zeros(len(group), np.int64)
    y[:20] = y[40:60] = y[79:98] = y[479:500] = 1  # 20 of 40, 20 of 39, 19 of 400, 21 of 60
    found = per_group(1.0 * y, y, group, ("DE", "FR", "IT", "AT"))
    assert list(found) == ["AT", "DE"]
    assert found["DE"] == {"rows": 40, "positives": 20, "auroc": 1.0, "average_precision": 1.0}
    assert enough(group, y).tolist() == [3, 0]
    assert enough(np.repeat([5, 7, 6], [19, 20, 21])).tolist() == [6, 7]


def test_weighted_rows_count_by_weight_in_the_metrics_of_groups_and_as_rows_beside_them() -> None:
    rng = np.random.default_rng(1)
    y, margin, group, w = (
        rng.integers(0, 2, 300),
        rng.normal(size=300),
        rng.integers(0, 2, 300),
        rng.lognormal(size=300),
    )
    found = per_group(margin, y, group, ("a", "b"), w)
    decided = decided_per_group(np.asarray(margin > 0, np.int64), y, group, ("a", "b"), classes=2, weight=w)
    for code, name in enumerate("ab"):
        inside = group == code
        own = {"y_true": y[inside], "sample_weight": w[inside]}
        assert found[name] == {
            "rows": inside.sum(),
            "positives": y[inside].sum(),
            "auroc": pytest.approx(roc_auc_score(y_score=margin[inside], **own)),
            "average_precision": pytest.approx(average_precision_score(y_score=margin[inside], **own)),
        }
        assert decided[name] == {
            "rows": inside.sum(),
            "accuracy": pytest.approx(accuracy_score(y_pred=margin[inside] > 0, **own)),
            "macro_f1": pytest.approx(f1_score(y_pred=margin[inside] > 0, average="macro", **own)),
        }


def test_decisions_per_group_are_those_of_the_rows_of_the_group_alone() -> None:
    rng = np.random.default_rng(0)
    y, predicted, group = rng.integers(0, 5, 400), rng.integers(0, 5, 400), rng.integers(0, 3, 400)
    found = decided_per_group(predicted, y, group, ("a", "b", "c"), classes=5)
    assert list(found) == sorted(found, key=lambda name: -found[name]["rows"])
    for code, name in enumerate("abc"):
        inside = group == code
        assert found[name] == {
            "rows": inside.sum(),
            "accuracy": pytest.approx(accuracy_score(y[inside], predicted[inside])),
            "macro_f1": pytest.approx(f1_score(y[inside], predicted[inside], average="macro")),
        }


def test_calibration_of_a_group_is_the_shift_of_log_odds_that_its_rows_want() -> None:
    """Known by construction: the log odds of one group are right, and those of the other .7 too low."""
    g = np.random.default_rng(0)
    odds, group = g.normal(-1, 1, 40_000), g.integers(0, 2, 40_000)
    true = odds + np.where(group == 1, 0.7, 0.0)
    y = (g.random(len(odds)) < 1 / (1 + np.exp(-true))).astype(np.int64)
    found = per_group(odds, y, group, ("right", "low"), odds=odds)
    assert found["right"]["calibration_intercept"] == pytest.approx(0, abs=0.05)
    assert found["low"]["calibration_intercept"] == pytest.approx(0.7, abs=0.05)
    for code, name in enumerate(("right", "low")):  # the definition: expected positives equal those that there are
        inside = group == code
        shift = found[name]["calibration_intercept"]
        assert shift is not None
        assert (1 / (1 + np.exp(-(odds[inside] + shift)))).sum() == pytest.approx(y[inside].sum(), rel=1e-6)
    assert "calibration_intercept" not in per_group(odds, y, group, ("right", "low"))["low"]
