"""Row weights: a weight of k is k equal rows in every number of an evaluation, and scikit-learn says so too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from bench.evaluation.decided import macro_f1s
from bench.evaluation.evaluate import Evaluation, Predictions, evaluate
from bench.evaluation.registry import columns
from bench.evaluation.rules import TAUS, fit_tau, fit_threshold, tau_decisions
from bench.evaluation.temperature import refined_log_losses
from bench.evaluation.views import fit_temperature, log_softmax, refined_log_loss
from bench.evaluation.weighting import class_mass, row_weights
from tests.evaluation.builders import binary, long_tailed


def whole(n: int, seed: int) -> np.ndarray:
    """Weights 1 to 4 whose sum is a multiple of 100, so that a share of the repeated rows is a whole number of them."""
    weight = np.random.default_rng(seed).integers(1, 5, n)
    weight[0] += -weight.sum() % 100
    return weight


def parts(classes: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Test and validation: logits that carry some of the class, labels, weights. Some scores are equal."""
    found = []
    for n, own in ((230, seed), (170, seed + 50)):
        logits, y = long_tailed(n, classes, own, signal=1.0)
        found.append((np.round(logits, 1), y, whole(n, own)))
    return found


def evaluated(test: Predictions, val: Predictions, mass: Any) -> Evaluation:
    classes = test.n_classes
    return evaluate(
        test, val, prior=np.full(classes, 1 / classes), natural=np.asarray(mass) / np.sum(mass), train_counts=mass
    )


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_whole_weights_are_repeated_rows_in_every_metric_and_everything_fitted(classes: int, seed: int) -> None:
    """Ranking, probabilities in all views, decisions, temperature, intercept, threshold and tau."""
    (z, y, w), (val, val_y, val_w) = parts(classes, seed)
    mass = class_mass(y, classes, w.astype(float))
    weighted = evaluated(Predictions(z, y, w), Predictions(val, val_y, val_w), mass)
    repeated = evaluated(
        Predictions(z.repeat(w, axis=0), y.repeat(w)),
        Predictions(val.repeat(val_w, axis=0), val_y.repeat(val_w)),
        mass,
    )
    assert weighted.fitted == pytest.approx(repeated.fitted, rel=1e-7)
    assert weighted.undefined == repeated.undefined
    for name in columns(classes):
        assert weighted.values[name] == pytest.approx(repeated.values[name], rel=1e-7, abs=1e-9), name
    for name in ("raw/average_precision", "default/recall", "tuned/recall"):
        assert weighted.per_class[name] == pytest.approx(repeated.per_class[name], rel=1e-9), name
    plain = evaluated(Predictions(z, y), Predictions(val, val_y), mass)
    same = [n for n in columns(classes) if plain.values[n] == pytest.approx(weighted.values[n], rel=1e-6, abs=0)]
    same = [n for n in same if plain.values[n] not in (0, 1)]  # a geometric mean, or the precision of a few rows
    assert same == [], "weights changed nothing there"
    assert weighted.per_class["support"] == plain.per_class["support"]  # rows, however much they count


@pytest.mark.parametrize("classes", [2, 4])
def test_only_ratios_of_weights_matter(classes: int) -> None:
    """Survey weights in the thousands and propensities below one say the same; equal weights say nothing."""
    (z, y, w), (val, val_y, val_w) = parts(classes)
    mass = class_mass(y, classes, w.astype(float))
    found = [
        evaluated(Predictions(z, y, scale * w), Predictions(val, val_y, val_w * scale), mass)
        for scale in (1, 1e-4, 1e6)
    ]
    for other in found[1:]:
        assert other.values == pytest.approx(found[0].values, rel=1e-9, abs=1e-12)
        assert other.fitted == pytest.approx(found[0].fitted, rel=1e-9, abs=1e-12)
    equal = evaluated(Predictions(z, y, np.full(len(y), 0.3)), Predictions(val, val_y, np.full(len(val), 7.0)), mass)
    assert equal == evaluated(Predictions(z, y), Predictions(val, val_y), mass)


def test_metrics_of_two_weighted_classes_are_scikit_learns() -> None:
    (z, y, _), (val, val_y, val_w) = parts(2)
    w = np.random.default_rng(3).lognormal(0, 1.5, len(y))
    got = evaluated(Predictions(z, y, w), Predictions(val, val_y, val_w), [0.7, 0.3])
    score = z[:, 1] - z[:, 0]
    p = np.exp(log_softmax(z)[:, 1])
    chosen = score > got.fitted["threshold"]
    expected = {
        "raw/average_precision": sk.average_precision_score(y, score, sample_weight=w),
        "raw/auroc": sk.roc_auc_score(y, score, sample_weight=w),
        "raw/log_loss": sk.log_loss(y, p, sample_weight=w),
        "raw/brier": sk.brier_score_loss(y, p, sample_weight=w),
        "raw/predicted_observed": np.average(p, weights=w) / np.average(y, weights=w),
        "raw/normalised_entropy": sk.log_loss(y, p, sample_weight=w)
        / sk.log_loss(y, np.full(len(y), np.average(y, weights=w)), sample_weight=w),
        "tuned/f1": sk.f1_score(y, chosen, sample_weight=w),
        "tuned/precision": sk.precision_score(y, chosen, sample_weight=w),
        "tuned/recall": sk.recall_score(y, chosen, sample_weight=w),
        "tuned/mcc": sk.matthews_corrcoef(y, chosen, sample_weight=w),
        "default/accuracy": sk.accuracy_score(y, score > 0, sample_weight=w),
        "default/balanced_accuracy": sk.balanced_accuracy_score(y, score > 0, sample_weight=w),
        "default/macro_f1": sk.f1_score(y, score > 0, sample_weight=w, average="macro"),
    }
    for name, value in expected.items():
        assert got.values[name] == pytest.approx(value, rel=1e-9), name


def test_metrics_of_many_weighted_classes_are_scikit_learns() -> None:
    classes = 5
    (z, y, _), (val, val_y, val_w) = parts(classes)
    z = z + np.random.default_rng(2).normal(size=z.shape) * 1e-3  # equal scores are equal to the last bit in ours alone
    w = np.random.default_rng(3).lognormal(0, 1.5, len(y))
    got = evaluated(Predictions(z, y, w), Predictions(val, val_y, val_w), np.ones(classes))
    p, chosen = np.exp(log_softmax(z)), z.argmax(axis=1)
    one_hot = np.eye(classes)[y]
    expected = {
        "raw/auroc": sk.roc_auc_score(one_hot, p, average="macro", sample_weight=w),
        "raw/average_precision": sk.average_precision_score(one_hot, p, average="macro", sample_weight=w),
        "raw/log_loss": sk.log_loss(y, p, sample_weight=w),
        "raw/brier": np.average(((p - one_hot) ** 2).sum(axis=1), weights=w),
        "default/macro_f1": sk.f1_score(y, chosen, sample_weight=w, average="macro"),
        "default/accuracy": sk.accuracy_score(y, chosen, sample_weight=w),
        "default/balanced_accuracy": sk.balanced_accuracy_score(y, chosen, sample_weight=w),
        "default/mcc": sk.matthews_corrcoef(y, chosen, sample_weight=w),
    }
    for name, value in expected.items():
        assert got.values[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("percent", [1, 5, 10])
def test_recall_at_the_top_of_weighted_rows_is_the_expectation_over_orders(percent: int) -> None:
    """Brute force: of every group of equal scores the share that fits below the cut, from the highest down."""
    (z, y, _), (val, val_y, _) = parts(2)
    w = np.random.default_rng(4).lognormal(0, 1, len(y))
    score = z[:, 1] - z[:, 0]
    left, caught = w.sum() * percent / 100, 0.0
    for value in sorted(set(score.tolist()), reverse=True):
        group = score == value
        share = min(1.0, left / w[group].sum())
        caught, left = caught + share * w[group & (y == 1)].sum(), left - share * w[group].sum()
        if left <= 1e-12:
            break
    got = evaluated(Predictions(z, y, w), Predictions(val, val_y), [1, 1])
    assert got.values[f"raw/recall_at_{percent}pct"] == pytest.approx(caught / w[y == 1].sum(), rel=1e-9)


def test_calibration_of_weighted_rows_is_a_weighted_logistic_fit() -> None:
    """Slope, scale and intercept as scikit-learn's; the calibration intercept makes weighted means equal."""
    (z, y, _), _ = parts(2)
    w = np.random.default_rng(5).lognormal(0, 1.5, len(y))
    score = z[:, 1] - z[:, 0]
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(score[:, None], y, sample_weight=w / w.mean())
    fitted = fit_temperature(binary(score), y, w)
    assert fitted.scale == pytest.approx(model.coef_[0, 0], rel=1e-5)
    assert fitted.bias == pytest.approx(model.intercept_[0], rel=1e-5)
    got = evaluated(Predictions(binary(score), y, w), Predictions(binary(score), y, w), [1, 1])
    assert got.values["raw/calibration_slope"] == pytest.approx(model.coef_[0, 0], rel=1e-5)
    intercept = got.values["raw/calibration_intercept"]
    assert intercept is not None
    assert np.average(1 / (1 + np.exp(-score - intercept)), weights=w) == pytest.approx(np.average(y, weights=w))
    assert got.values["recalibrated/predicted_observed"] == pytest.approx(1)  # where it was fitted


@pytest.mark.parametrize("classes", [3, 6])
def test_the_temperature_of_weighted_rows_has_the_least_weighted_log_loss(classes: int) -> None:
    (z, y, _), _ = parts(classes)
    w = np.random.default_rng(6).lognormal(0, 1.5, len(y))

    def loss(scale: float) -> float:
        return sk.log_loss(y, np.exp(log_softmax(z * scale)), sample_weight=w)

    best = fit_temperature(z, y, w).scale
    assert loss(best) < min(loss(best * 1.001), loss(best / 1.001))
    assert refined_log_loss(z, y, w) == pytest.approx(loss(best), rel=1e-12)


def test_threshold_and_tau_of_weighted_rows_are_the_best_of_all() -> None:
    (z, y, _), _ = parts(2)
    w = np.random.default_rng(7).lognormal(0, 1.5, len(y))
    score, weight = z[:, 1] - z[:, 0], row_weights(w, len(y))
    cuts = [-np.inf, *sorted(set(score.tolist()))]
    best = max(sk.f1_score(y, score > cut, sample_weight=w) for cut in cuts[:-1])
    chosen = score > fit_threshold(score, y, weight)
    assert sk.f1_score(y, chosen, sample_weight=w) == pytest.approx(best, rel=1e-12)

    (z, y, _), _ = parts(5)
    w, prior = np.random.default_rng(7).lognormal(0, 1.5, len(y)), np.array([0.5, 0.3, 0.1, 0.06, 0.04])
    tau = fit_tau(z, y, prior, row_weights(w, len(y)))
    scores = [sk.f1_score(y, tau_decisions(z, prior, t), sample_weight=w, average="macro") for t in TAUS]
    assert TAUS[0] < tau < TAUS[-1]
    assert scores[TAUS.index(tau)] == pytest.approx(max(scores), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_stopping_score_of_weighted_rows_is_that_of_repeated_ones(classes: int) -> None:
    """Members of a stack have weights of their own, and each is what it is alone; separable ones at the infimum."""
    rng = np.random.default_rng(8)
    logits, y = rng.normal(size=(3, 90, classes)), rng.integers(0, classes, 90)
    logits[1] += 40 * np.eye(classes)[y]
    logits[2] = np.where(np.eye(classes)[y] > 0, 1.0, np.where(rng.random((90, classes)) < 0.2, 1.0, 0.0))  # ties
    w = rng.integers(1, 4, (3, 90))
    got = refined_log_losses(logits, np.tile(y, (3, 1)), w.astype(float))
    for k in range(3):
        alone = refined_log_loss(logits[k].repeat(w[k], axis=0), y.repeat(w[k]))
        assert got[k] == pytest.approx(alone, rel=1e-9, abs=1e-12)
        np.testing.assert_array_equal(got[k], refined_log_losses(logits[k : k + 1], y, w[k].astype(float))[0])


def test_absent_classes_count_nothing_under_light_weights() -> None:
    """Masses below 1 are masses: F1 of a class that weighs little is not divided by a whole row."""
    f1 = macro_f1s(np.array([[0.2, 0.1]]), np.array([0.2, 0.1]), np.array([[0.2, 0.1]]))
    assert f1.tolist() == [1.0]


@pytest.mark.parametrize("weight", [[1.0, 2.0], [1.0, 0.0, 2.0], [1.0, np.nan, 2.0], [1.0, -1.0, 2.0]])
def test_weights_that_mean_nothing_are_refused(weight: list[float]) -> None:
    with pytest.raises(ValueError, match="3 finite weights above 0"):
        Predictions(np.zeros((3, 2)), np.array([0, 1, 1]), np.array(weight))
