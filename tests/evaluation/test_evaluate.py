"""An evaluation: every column a number or None with a reason; what is refused; what it must not depend on."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.evaluation.evaluate import Predictions
from bench.evaluation.registry import columns, ranking_metric
from tests.evaluation.builders import run, sample


@pytest.mark.parametrize("classes", [2, 3])
def test_an_evaluation_has_exactly_the_documented_columns(classes: int) -> None:
    """Values are the columns of the specification in order, and survive JSON."""
    result = run(sample(100, classes, 0))
    assert tuple(result.values) == columns(classes)
    assert ranking_metric(classes) in result.values
    assert result.undefined == {}
    assert json.loads(json.dumps(result.values)) == result.values
    assert json.loads(json.dumps([result.per_class, result.fitted])) == [result.per_class, result.fitted]


def test_no_positives_in_test_is_null_with_reasons() -> None:
    """Everything that needs positives is None and says so; the rest keeps its number."""
    full = sample(100, 2, 11)
    result = run(Predictions(full.logits, np.zeros(100, dtype=np.int64)))
    need = {"auroc", "average_precision", "recall_at_1pct", "recall_at_5pct", "recall_at_10pct"}
    need |= {"normalised_entropy", "calibration_intercept", "calibration_slope", "predicted_observed"}
    need |= {f"{name}_{at}pct" for name in ("precision_at", "lift_at", "recall_at_fpr") for at in (1, 5)}
    need |= {"macro_f1", "balanced_accuracy", "g_mean", "mcc", "f1", "recall"}
    for name, value in result.values.items():
        metric = name.split("/")[1]
        assert (value is None) == (metric in need), name
        assert (name in result.undefined) == (value is None)
    assert result.undefined["raw/auroc"] == "no positive rows"
    assert result.per_class["raw/average_precision"] == [None, None]
    assert result.per_class["default/recall"][1] is None
    assert result.values["tuned/precision"] == 0.0


def test_only_positives_in_test_is_null_with_reasons() -> None:
    """Ranking needs negatives as well."""
    full = sample(100, 2, 12)
    result = run(Predictions(full.logits, np.ones(100, dtype=np.int64)))
    assert result.values["raw/auroc"] is None
    assert result.undefined["raw/average_precision"] == "no negative rows"
    assert result.undefined["raw/calibration_slope"] == "no negative rows"
    assert result.values["raw/predicted_observed"] is not None


def test_one_class_in_a_multiclass_test_is_null_with_reasons() -> None:
    """Averages over classes need two of them."""
    full = sample(60, 3, 13)
    result = run(Predictions(full.logits, np.full(60, 1)))
    for name in (
        "raw/auroc",
        "raw/average_precision",
        "default/macro_f1",
        "tuned/mcc",
        "raw/normalised_entropy",
    ):
        assert result.values[name] is None
        assert result.undefined[name] == "test holds one class only"
    assert result.undefined["default/head_recall"] == "no test rows of these classes"
    assert result.values["default/middle_recall"] is not None
    assert result.values["raw/log_loss"] is not None


def test_predicting_one_class_leaves_mcc_and_precision_undefined() -> None:
    """0 / 0 is not 0: without predicted positives there is no precision and no correlation; F1 is 0."""
    y = np.array([0] * 9 + [1])
    result = run(Predictions(np.tile([1.0, 0.0], (10, 1)), y))
    values, undefined = result.values, result.undefined
    assert values["default/precision"] is None
    assert values["default/mcc"] is None
    assert undefined["default/precision"] == "no row is predicted positive"
    assert undefined["default/mcc"] == "every row is predicted as one class"
    assert undefined["raw/calibration_slope"] == "the score is constant"
    assert values["default/f1"] == 0.0
    assert values["default/g_mean"] == 0.0
    assert values["default/balanced_accuracy"] == values["raw/auroc"] == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("part", ["test", "validation"])
def test_non_finite_logits_are_refused_before_any_metric(bad: float, part: str) -> None:
    """One NaN in either part is an error that names the part and the rows."""
    parts = {"test": sample(30, 2, 14), "validation": sample(30, 2, 15)}
    parts[part].logits[3, 1] = bad
    with pytest.raises(ValueError, match=f"1 of 30 {part} rows"):
        run(parts["test"], parts["validation"])


@pytest.mark.parametrize(
    ("logits", "y"),
    [
        (np.zeros((3, 1)), np.zeros(3, dtype=int)),
        (np.zeros(3), np.zeros(3, dtype=int)),
        (np.zeros((3, 2)), np.zeros(2, dtype=int)),
        (np.zeros((0, 2)), np.zeros(0, dtype=int)),
        (np.zeros((2, 2)), np.array([0, 2])),
        (np.zeros((2, 2)), np.array([0, -1])),
        (np.zeros((2, 2)), np.array([0.0, 1.0])),
    ],
)
def test_predictions_that_do_not_fit_are_refused(logits: np.ndarray, y: np.ndarray) -> None:
    """Shapes, empty parts and labels outside the columns are errors at once."""
    with pytest.raises(ValueError, match="Expected"):
        Predictions(logits, y)


def test_parts_with_different_classes_are_refused() -> None:
    """Test, validation and training counts speak of the same classes."""
    with pytest.raises(ValueError, match="as many classes"):
        run(sample(30, 3, 1), sample(30, 4, 1))
    with pytest.raises(ValueError, match="as many classes"):
        run(sample(30, 3, 1), train_counts=[5, 5])


@pytest.mark.parametrize("classes", [2, 4])
def test_the_order_of_rows_changes_nothing(classes: int) -> None:
    """Permuting test and validation rows leaves every number as it was, up to the rounding of sums."""
    test, val = sample(150, classes, 16), sample(100, classes, 17)
    rng = np.random.default_rng(0)
    a = run(test, val)
    shuffled = [Predictions(p.logits[o], p.y[o]) for p in (test, val) for o in [rng.permutation(len(p.y))]]
    b = run(*shuffled)
    assert b.values == pytest.approx(a.values, rel=1e-9, abs=1e-10)
    assert b.fitted == pytest.approx(a.fitted, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("classes", [2, 4])
def test_nothing_fitted_sees_the_test_rows(classes: int) -> None:
    """Other test rows leave temperature, threshold and tau exactly alone; other validation rows do not."""
    val = sample(200, classes, 18)
    first, second = run(sample(150, classes, 19), val), run(sample(90, classes, 20, signal=0.0), val)
    assert first.fitted == second.fitted
    assert run(sample(150, classes, 19), sample(200, classes, 21)).fitted != first.fitted


def test_inputs_stay_as_they_were_and_may_be_read_only() -> None:
    """Stored predictions are not written to, and evaluating read-only arrays warns of nothing."""
    for classes in (2, 3):
        test, val = sample(50, classes, 22), sample(50, classes, 23)
        for part in (test, val):
            part.logits.flags.writeable = False
            part.y.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run(test, val)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 5]), st.integers(1, 25), st.integers(-2, 3))
def test_every_column_is_a_finite_number_or_has_a_reason(seed: int, classes: int, n: int, power: int) -> None:
    """However few the rows, however large or tied the logits: never NaN, never a missing column."""
    rng = np.random.default_rng(seed)
    test, val = (
        Predictions(np.round(rng.normal(size=(n, classes)), 1) * 10.0**power, rng.integers(0, classes, n))
        for _ in range(2)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(test, val)
    assert tuple(result.values) == columns(classes)
    for name, value in result.values.items():
        assert (name in result.undefined) == (value is None)
        assert value is None or np.isfinite(value)
