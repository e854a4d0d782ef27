"""Metrics of groups are those of their rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

from bench.evaluation.evaluate import Predictions
from bench.evaluation.per_group import decided_per_group, enough, per_group
from bench.evaluation.registry import columns, direction
from tests.evaluation.builders import long_tailed, run


def test_only_groups_with_enough_rows_of_each_class_are_reported() -> None:
    """20 of each of two classes, or 20 rows; the largest group first."""
    group = np.repeat([0, 1, 2, 3], [40, 39, 400, 60])
    y = np.zeros(len(group), np.int64)
    y[:20] = y[40:60] = y[79:98] = y[479:500] = 1  # 20 of 40, 20 of 39, 19 of 400, 21 of 60
    found = per_group(1.0 * y, y, group)
    assert list(found) == [3, 0]
    assert found[0] == {"rows": 40, "positives": 20, "auroc": 1.0, "average_precision": 1.0}
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
    found = per_group(margin, y, group, w)
    decided = decided_per_group(np.asarray(margin > 0, np.int64), y, group, classes=2, weight=w)
    for code in range(2):
        inside = group == code
        own = {"y_true": y[inside], "sample_weight": w[inside]}
        assert found[code] == {
            "rows": inside.sum(),
            "positives": y[inside].sum(),
            "auroc": pytest.approx(roc_auc_score(y_score=margin[inside], **own)),
            "average_precision": pytest.approx(average_precision_score(y_score=margin[inside], **own)),
        }
        assert decided[code] == {
            "rows": inside.sum(),
            "accuracy": pytest.approx(accuracy_score(y_pred=margin[inside] > 0, **own)),
            "macro_f1": pytest.approx(f1_score(y_pred=margin[inside] > 0, average="macro", **own)),
        }


def test_decisions_per_group_are_those_of_the_rows_of_the_group_alone() -> None:
    rng = np.random.default_rng(0)
    y, predicted, group = rng.integers(0, 5, 400), rng.integers(0, 5, 400), rng.integers(0, 3, 400)
    found = decided_per_group(predicted, y, group, classes=5)
    assert list(found) == sorted(found, key=lambda code: -found[code]["rows"])
    for code in range(3):
        inside = group == code
        assert found[code] == {
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
    found = per_group(odds, y, group, odds=odds)
    assert found[0]["calibration_intercept"] == pytest.approx(0, abs=0.05)
    assert found[1]["calibration_intercept"] == pytest.approx(0.7, abs=0.05)
    for code in range(2):  # the definition: expected positives equal those that there are
        inside = group == code
        shift = found[code]["calibration_intercept"]
        assert shift is not None
        assert (1 / (1 + np.exp(-(odds[inside] + shift)))).sum() == pytest.approx(y[inside].sum(), rel=1e-6)
    assert "calibration_intercept" not in per_group(odds, y, group)[1]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_worst_group_is_the_lowest_of_scikit_learns_values_of_each(weighted: bool) -> None:
    """Of two classes AUROC of the scores; a group with few rows does not count, however badly it is served."""
    (logits, y), group = long_tailed(900, 2, 5), np.repeat([0, 1, 2], [430, 440, 30])
    y[870:], logits[870:, 1] = np.arange(30) % 10 == 0, -np.arange(30) % 10  # three positives, ranked last
    weight = np.random.default_rng(6).lognormal(size=900) if weighted else None
    score, found = logits[:, 1] - logits[:, 0], run(Predictions(logits, y, weight, group=group))
    each = [
        roc_auc_score(y[own], score[own], sample_weight=None if weight is None else weight[own])
        for own in (group == 0, group == 1)
    ]
    assert found.values["groups/worst_auroc"] == pytest.approx(min(each))
    assert [*found.groups] == [1, 0]
    offsets = [entry["calibration_intercept"] or 0.0 for entry in found.groups.values()]
    assert found.values["groups/worst_calibration"] == max(map(abs, offsets)) > 0
    assert direction("groups/worst_auroc")
    assert not direction("groups/worst_calibration")


def test_the_worst_group_of_several_classes_is_by_decisions_at_the_tuned_rule() -> None:
    (logits, y), group = long_tailed(600, 4, 7), np.arange(600) % 3
    y[group == 2] = np.random.default_rng(8).integers(0, 4, 200)  # scores that know nothing of these
    found = run(Predictions(logits, y, group=group))
    assert found.values["groups/worst_macro_f1"] == found.groups[2]["macro_f1"]
    assert found.values["groups/worst_accuracy"] == min(entry["accuracy"] or 0.0 for entry in found.groups.values())


@pytest.mark.parametrize("classes", [2, 3])
def test_without_groups_there_is_no_worst_one_and_of_small_groups_it_is_undefined(classes: int) -> None:
    logits, y = long_tailed(300, classes, 9)
    worst = set(columns(classes, {"group"})) - set(columns(classes))
    assert len(worst) == 2
    assert not worst & set(run(Predictions(logits, y)).values)
    small = run(Predictions(logits, y, group=np.arange(300)))
    assert {name: small.values[name] for name in worst} == dict.fromkeys(worst)
    assert {small.undefined[name] for name in worst} == {"no group has 20 rows (of two classes: of each)"}
