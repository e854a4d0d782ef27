"""Metrics of groups are those of their rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from bench.evaluation.per_group import decided_per_group, per_group


def test_groups_without_a_class_have_no_auroc() -> None:
    margin, y, group = np.array([0.0, 1, 2, 3]), np.array([0, 1, 0, 0]), np.array([0, 0, 1, 1])
    found = per_group(margin, y, group, ("DE", "FR"))
    assert found["DE"] == {"rows": 2, "positives": 1, "auroc": 1.0, "average_precision": 1.0}
    assert found["FR"] == {"rows": 2, "positives": 0, "auroc": None, "average_precision": None}


def test_decisions_per_group_are_those_of_the_rows_of_the_group_alone() -> None:
    rng = np.random.default_rng(0)
    y, predicted, group = rng.integers(0, 5, 400), rng.integers(0, 5, 400), rng.integers(0, 3, 400)
    found = decided_per_group(predicted, y, group, ("a", "b", "c"), 5)
    assert list(found) == sorted(found, key=lambda name: -found[name]["rows"])
    for code, name in enumerate("abc"):
        inside = group == code
        assert found[name] == {
            "rows": inside.sum(),
            "accuracy": pytest.approx(accuracy_score(y[inside], predicted[inside])),
            "macro_f1": pytest.approx(f1_score(y[inside], predicted[inside], average="macro")),
        }
