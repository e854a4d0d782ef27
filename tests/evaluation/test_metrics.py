"""Metrics against scikit-learn, torchmetrics and brute force; what is undefined is None with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError
from torchmetrics.functional.classification import multiclass_f1_score, multiclass_matthews_corrcoef

from bench.evaluation import metric_specs, metrics
from bench.evaluation.metric_specs import METRICS, UndefinedMetricError, column, columns, direction, ranking_metric
from bench.evaluation.metrics import (
    Evaluation,
    Predictions,
    brier,
    evaluate,
    expected_calibration_error,
    matthews,
    one_vs_rest_margins,
    ranking_scores,
    ranking_table,
    recall_at,
)
from bench.evaluation.views import (
    Counts,
    fit_tau,
    fit_temperature,
    fit_threshold,
    log_softmax,
    margin,
    prior_corrected,
)


def sample(n: int, classes: int, seed: int, signal: float = 1.5) -> Predictions:
    """Noisy logits that carry the class, under a long-tailed prior, every class present."""
    rng = np.random.default_rng(seed)
    prior = 1 / np.arange(1, classes + 1)
    y = rng.choice(classes, n, p=prior / prior.sum())
    y[:classes] = np.arange(classes)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), y] += signal
    return Predictions(logits, y)


def run(test: Predictions, val: Predictions | None = None, **changes: Any) -> Evaluation:
    """Evaluate under a uniform prior and a long-tailed natural one."""
    classes = test.n_classes
    natural = 1 / np.arange(1, classes + 1)
    natural /= natural.sum()
    settings = {"prior": np.full(classes, 1 / classes), "natural": natural, "train_counts": 1000 * natural}
    return evaluate(test, val or sample(200, classes, 99), **(settings | changes))


# --- names ---


def test_metric_specs_import_nothing_heavy() -> None:
    """Boards and --help may import the names: neither torch nor numpy comes along."""
    code = (
        "import sys, bench.evaluation.metric_specs; print([m for m in ('torch', 'numpy', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("classes", [2, 3])
def test_an_evaluation_has_exactly_the_documented_columns(classes: int) -> None:
    """Values are the columns of the specification in order, and survive JSON."""
    result = run(sample(100, classes, 0))
    assert tuple(result.values) == columns(classes)
    assert ranking_metric(classes) in result.values
    assert result.undefined == {}
    assert json.loads(json.dumps(result.values)) == result.values
    assert json.loads(json.dumps([result.per_class, result.fitted])) == [result.per_class, result.fitted]


def test_columns_name_view_and_metric() -> None:
    """The ranking metrics of the design, and one column per view."""
    assert ranking_metric(2) == "raw/average_precision"
    assert ranking_metric(7) == "tuned/macro_f1"
    assert column("corrected", "log_loss") == "corrected/log_loss"
    assert {c for c in columns(2) if c.endswith("/brier")} == {
        "raw/brier",
        "corrected/brier",
        "recalibrated/brier",
    }
    assert "raw/calibration_slope" not in columns(3)
    assert "tuned/tail_recall" not in columns(2)


def test_direction_follows_the_specification() -> None:
    """Losses are lower-is-better, scores higher; metrics with an ideal are a distance."""
    assert direction("raw/average_precision")
    assert direction("tuned/macro_f1")
    assert not direction("recalibrated/log_loss")
    for name, ideal in (("calibration_intercept", 0), ("calibration_slope", 1), ("predicted_observed", 1)):
        assert METRICS[name].ideal == ideal
        assert not direction(f"raw/{name}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("raw/averge_precision", "raw/average_precision"),
        ("log_loss", "corrected/log_loss"),
        ("raw/macro_f1", "tuned/"),
    ],
)
def test_an_unknown_column_is_refused_with_a_suggestion(name: str, hint: str) -> None:
    """A misspelt, bare or impossible column says which was meant."""
    with pytest.raises(ValueError, match=f"Did you mean.*{hint}"):
        direction(name)


def test_impossible_views_are_refused() -> None:
    """A monotone view has no ranking metric of its own; two classes are the least."""
    with pytest.raises(ValueError, match="Known: raw"):
        column("corrected", "auroc")
    with pytest.raises(ValueError, match="Did you mean 'auroc'"):
        column("raw", "aurok")
    with pytest.raises(ValueError, match="at least 2"):
        metric_specs.columns(1)


# --- ranking ---


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
        monkeypatch.setattr(metrics, "RANKED", numbers)
        assert run(test).values == expected.values
        assert run(test).per_class == expected.per_class


def test_one_ranking_with_nan_is_refused_in_company() -> None:
    """A NaN would count as the best score."""
    scores = np.arange(12.0).reshape(3, 4)
    scores[1, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        ranking_table(scores, np.tile([True, False, True, False], (3, 1)))


def test_saturated_logits_keep_their_order() -> None:
    """Logits of +-200, whose probabilities are all 0 or 1, rank as they should."""
    rng = np.random.default_rng(0)
    y = (rng.random(500) < 0.1).astype(np.int64)
    z = 400.0 + rng.normal(size=500) + 2 * y
    test = Predictions(np.stack([-z / 2, z / 2], axis=1), y)
    values = run(test).values
    assert values["raw/auroc"] == pytest.approx(sk.roc_auc_score(y, z), abs=1e-12)
    assert values["raw/average_precision"] == pytest.approx(sk.average_precision_score(y, z), abs=1e-12)
    assert values["raw/auroc"] > 0.8
    assert sk.roc_auc_score(y, np.exp(log_softmax(test.logits))[:, 1]) == 0.5


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


def test_multiclass_ranking_is_the_unweighted_one_vs_rest_mean() -> None:
    """As scikit-learn's macro averages; a class absent from test is left out of both."""
    test = sample(300, 4, 2)
    p, onehot = np.exp(log_softmax(test.logits)), np.eye(4)[test.y]
    result = run(test)
    expected = sk.roc_auc_score(test.y, p, multi_class="ovr", average="macro")
    assert result.values["raw/auroc"] == pytest.approx(expected, abs=1e-12)
    expected = sk.average_precision_score(onehot, p, average=None)
    assert result.per_class["raw/average_precision"] == pytest.approx(expected, abs=1e-12)
    assert result.values["raw/average_precision"] == pytest.approx(expected.mean(), abs=1e-12)
    keep = test.y != 3
    result = run(Predictions(test.logits[keep], test.y[keep]))
    expected = [sk.average_precision_score(onehot[keep, c], p[keep, c]) for c in range(3)]
    assert result.values["raw/average_precision"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.per_class["raw/average_precision"][3] is None
    assert result.per_class["default/recall"][3] is None
    assert result.per_class["support"] == [*np.bincount(test.y[keep]), 0]


# --- probabilities ---


@pytest.mark.parametrize("classes", [2, 5])
def test_probability_metrics_equal_scikit_learn_in_every_view(classes: int) -> None:
    """Log loss and Brier score of each view are those of its probabilities."""
    test, val = sample(300, classes, 3), sample(150, classes, 4)
    natural = np.bincount(val.y) / 150
    prior = np.full(classes, 1 / classes)
    result = run(test, val, natural=natural)
    corrected = prior_corrected(test.logits, prior, natural)
    fitted = fit_temperature(prior_corrected(val.logits, prior, natural), val.y)
    views = {"raw": test.logits, "corrected": corrected, "recalibrated": fitted.apply(corrected)}
    base = np.bincount(test.y) / 300
    for view, logits in views.items():
        p = np.exp(log_softmax(logits))
        loss = sk.log_loss(test.y, p)
        assert result.values[f"{view}/log_loss"] == pytest.approx(loss, rel=1e-12)
        assert result.values[f"{view}/normalised_entropy"] == pytest.approx(loss / -(base @ np.log(base)), rel=1e-12)
        expected = sk.brier_score_loss(test.y, p[:, 1] if classes == 2 else p)
        assert result.values[f"{view}/brier"] == pytest.approx(expected, rel=1e-12)
    assert result.fitted["temperature"] == pytest.approx(1 / fitted.scale)
    assert result.fitted["bias"] == fitted.bias
    assert len({result.values[f"{view}/log_loss"] for view in views}) == 3


def test_a_constant_forecast_of_the_base_rate_has_normalised_entropy_one() -> None:
    """The reference point of He et al. 2014."""
    y = np.array([0] * 90 + [1] * 10)
    logits = np.log(np.array([[0.9, 0.1]])).repeat(100, axis=0)
    result = run(Predictions(logits, y))
    assert result.values["raw/normalised_entropy"] == pytest.approx(1, rel=1e-12)
    assert result.values["raw/predicted_observed"] == pytest.approx(1, rel=1e-12)
    assert result.values["raw/calibration_intercept"] == pytest.approx(0, abs=1e-12)


def ece_by_hand(confidence: np.ndarray, outcome: np.ndarray) -> float:
    total = 0.0
    for k in range(15):
        rows = (confidence >= k / 15) & (confidence < (k + 1) / 15 + (k == 14))
        if rows.any():
            total += rows.mean() * abs(confidence[rows].mean() - outcome[rows].mean())
    return total


def test_ece_equals_brute_force_and_torchmetrics() -> None:
    """Binary bins p1 against the positive rate, multi-class the top probability against accuracy."""
    two, many = sample(400, 2, 5, signal=0.5), sample(400, 5, 6, signal=0.5)
    p = np.exp(log_softmax(two.logits))
    got = expected_calibration_error(p, two.y)
    assert got == pytest.approx(ece_by_hand(p[:, 1], two.y), abs=1e-12)
    module = BinaryCalibrationError(n_bins=15)
    assert got == pytest.approx(float(module(torch.tensor(p[:, 1]), torch.tensor(two.y))), abs=1e-6)
    p = np.exp(log_softmax(many.logits))
    got = expected_calibration_error(p, many.y)
    assert got == pytest.approx(ece_by_hand(p.max(axis=1), p.argmax(axis=1) == many.y), abs=1e-12)
    module = MulticlassCalibrationError(num_classes=5, n_bins=15)
    assert got == pytest.approx(float(module(torch.tensor(p), torch.tensor(many.y))), abs=1e-6)


def test_ece_does_not_take_a_rounding_error_for_logits() -> None:
    """A probability one rounding above 1 does not send the whole batch through another softmax."""
    y = np.array([0, 1, 2, 0])
    p = np.eye(3)[y]
    p[0, 0] = np.nextafter(1.0, 2.0)
    assert expected_calibration_error(p, y) == 0.0


def test_multiclass_brier_of_two_columns_would_be_twice_the_binary_one() -> None:
    """The two conventions are the documented ones."""
    p = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    y = np.array([0, 0])
    assert brier(p, y) == pytest.approx(2 * brier(p[:, :2], y))
    assert brier(p[:, :2], y) == pytest.approx((0.04 + 0.49) / 2)


def test_prior_correction_restores_calibration_in_the_large() -> None:
    """True balanced posteriors, evaluated at 5% positives: raw over-predicts, corrected does not."""
    rng = np.random.default_rng(7)
    y = (rng.random(50_000) < 0.05).astype(np.int64)
    x = rng.normal(size=50_000) + 2 * y
    z = 2 * x - 2  # log odds of N(2, 1) against N(0, 1) when both classes are equally likely
    part = Predictions(np.stack([0 * z, z], axis=1), y)
    values = run(part, part, natural=[0.95, 0.05]).values
    assert values["raw/predicted_observed"] > 2
    assert values["raw/calibration_intercept"] == pytest.approx(np.log(0.05 / 0.95), abs=0.1)
    for view in ("corrected", "recalibrated"):
        assert values[f"{view}/predicted_observed"] == pytest.approx(1, abs=0.05)
        assert values[f"{view}/calibration_intercept"] == pytest.approx(0, abs=0.1)
        assert values[f"{view}/calibration_slope"] == pytest.approx(1, abs=0.05)


# --- decisions ---


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
        tau = fit_tau(prior_corrected(val.logits, prior, natural), val.y, natural)
        assert result.fitted["tau"] == tau
        tuned = (prior_corrected(test.logits, prior, natural) - tau * np.log(natural)).argmax(axis=1)
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


def test_decision_metrics_agree_with_torchmetrics() -> None:
    """Macro-F1 and MCC are torchmetrics' up to its single precision, classes absent from test included."""
    test = sample(300, 5, 10)
    keep = test.y != 4
    test = Predictions(test.logits[keep], test.y[keep])
    predicted, y = torch.tensor(test.logits.argmax(axis=1)), torch.tensor(test.y)
    assert (predicted == 4).any()
    values = run(test).values
    expected = float(multiclass_f1_score(predicted, y, num_classes=5, average="macro"))
    assert values["default/macro_f1"] == pytest.approx(expected, abs=1e-6)
    expected = float(multiclass_matthews_corrcoef(predicted, y, num_classes=5))
    assert values["default/mcc"] == pytest.approx(expected, abs=1e-4)


def test_recall_averages_leave_out_classes_absent_from_test() -> None:
    """Balanced accuracy and G-mean are over the classes that test holds, whatever is predicted."""
    y = np.array([0, 0, 0, 0, 1, 1])
    logits = np.eye(3)[[0, 2, 2, 2, 1, 1]]
    values = run(Predictions(logits, y)).values
    assert values["default/balanced_accuracy"] == pytest.approx((0.25 + 1) / 2)
    assert values["default/g_mean"] == pytest.approx(0.5)


def test_matthews_is_exact_where_single_precision_is_not() -> None:
    """At 50 million rows with 100 positives the closed form holds to 1e-12 relative."""
    tp, fp, fn, tn = 60, 40, 40, 50_000_000 - 140
    counts = Counts(np.array([tn, tp]), np.array([tn + fp, tp + fn]), np.array([tn + fn, tp + fp]))
    expected = (tp * tn - fp * fn) / ((tp + fp) * (tn + fn))  # the margins are equal, so the root is exact
    assert matthews(counts) == pytest.approx(expected, rel=1e-12)


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


# --- what is undefined, and what is refused ---


def test_no_positives_in_test_is_null_with_reasons() -> None:
    """Everything that needs positives is None and says so; the rest keeps its number."""
    full = sample(100, 2, 11)
    result = run(Predictions(full.logits, np.zeros(100, dtype=np.int64)))
    need = {"auroc", "average_precision", "recall_at_1pct", "recall_at_5pct", "recall_at_10pct"}
    need |= {"normalised_entropy", "calibration_intercept", "calibration_slope", "predicted_observed"}
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


def test_nan_scores_are_refused_by_the_ranking_metrics() -> None:
    """Called alone they refuse NaN too, which a sort would otherwise rank first."""
    for y in (np.array([0, 1, 0]), np.array([1, 0, 1])):
        with pytest.raises(ValueError, match="NaN"):
            ranking_scores(np.array([0.0, np.nan, 1.0]), y)
        with pytest.raises(ValueError, match="NaN"):
            recall_at(np.array([0.0, np.nan, 1.0]), y, 10)


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


# --- properties of the whole ---


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
