"""Prior correction and temperature against scikit-learn, scipy, brute force and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from bench.evaluation.temperature import SCALE_RANGE
from bench.evaluation.views import (
    Temperature,
    fit_temperature,
    log_loss,
    log_softmax,
    margin,
    prior_corrected,
    refined_log_loss,
)
from tests.evaluation.builders import binary, expit, long_tailed


@pytest.mark.parametrize("classes", [2, 5])
def test_log_loss_equals_scikit_learn(classes: int) -> None:
    """Log loss from logits is the log loss of their softmax."""
    logits, y = long_tailed(300, classes, 0)
    p = np.exp(log_softmax(logits))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert log_loss(logits, y) == pytest.approx(sklearn_log_loss(y, p, labels=range(classes)), rel=1e-12)


def test_log_loss_of_saturated_logits_is_the_margin() -> None:
    """A confident error costs its whole margin: nothing is clipped."""
    assert log_loss(np.array([[200.0, -200.0]]), np.array([1])) == 400.0


def test_balanced_logits_become_natural_log_odds() -> None:
    """Correcting an uninformative model trained on balanced classes gives the natural log odds."""
    out = prior_corrected(np.zeros((3, 2)), [0.5, 0.5], [0.99, 0.01])
    np.testing.assert_allclose(margin(out), np.log(0.01 / 0.99), rtol=1e-14)


def test_correction_is_bayes_rule() -> None:
    """Corrected posteriors equal p(c | x) under the natural prior, computed from the likelihoods."""
    rng = np.random.default_rng(1)
    likelihood = rng.uniform(0.01, 1, size=(50, 4))
    prior, natural = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.7, 0.2, 0.06, 0.04])
    expected = likelihood * natural / (likelihood * natural).sum(axis=1, keepdims=True)
    out = prior_corrected(np.log(likelihood * prior), prior, natural)
    np.testing.assert_allclose(np.exp(log_softmax(out)), expected, rtol=1e-12)


def test_correction_is_idempotent_once_the_prior_is_updated() -> None:
    """Corrected logits embody the natural prior, so correcting them again from there changes nothing."""
    logits, _ = long_tailed(20, 3, 2)
    prior, natural = np.array([1 / 3, 1 / 3, 1 / 3]), np.array([0.8, 0.15, 0.05])
    once = prior_corrected(logits, prior, natural)
    np.testing.assert_array_equal(prior_corrected(once, natural, natural), once)
    assert not np.allclose(once, logits)
    np.testing.assert_allclose(prior_corrected(once, natural, prior), logits, atol=1e-14)


def test_only_ratios_of_a_prior_matter() -> None:
    """Counts serve as well as shares."""
    logits, _ = long_tailed(5, 3, 3)
    a = prior_corrected(logits, [1, 1, 1], [80, 15, 5])
    np.testing.assert_allclose(a, prior_corrected(logits, [1 / 3] * 3, [0.8, 0.15, 0.05]), atol=1e-14)


@pytest.mark.parametrize("bad", [[0.0, 1.0], [0.5, np.nan], [0.5, np.inf], [1.0], [-0.1, 1.1]])
def test_impossible_priors_are_refused(bad: list[float]) -> None:
    """A zero, negative, missing or non-finite prior is an error that names the argument."""
    with pytest.raises(ValueError, match="`prior`"):
        prior_corrected(np.zeros((1, 2)), bad, [0.5, 0.5])
    with pytest.raises(ValueError, match="`natural`"):
        prior_corrected(np.zeros((1, 2)), [0.5, 0.5], bad)


def test_binary_temperature_equals_logistic_regression() -> None:
    """Scale and intercept are those of an unpenalised logistic regression on the margin."""
    logits, y = long_tailed(800, 2, 4)
    z = margin(logits)
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(z[:, None], y)
    fitted = fit_temperature(logits, y)
    assert fitted.scale == pytest.approx(reference.coef_[0, 0], rel=1e-6)
    assert fitted.bias == pytest.approx(reference.intercept_[0], rel=1e-6)


@pytest.mark.parametrize("factor", [1e-2, 1.0, 30.0])
def test_multiclass_temperature_minimises_log_loss(factor: float) -> None:
    """The scale is the minimum that a scalar search finds, whatever the scale of the logits."""
    logits, y = long_tailed(600, 5, 5)
    fitted = fit_temperature(logits * factor, y)
    search = minimize_scalar(lambda s: log_loss(logits * np.exp(s), y), bounds=(-5, 5), options={"xatol": 1e-9})
    assert fitted.bias == 0
    assert fitted.scale * factor == pytest.approx(np.exp(search.x), rel=1e-5)


def test_temperature_recovers_a_simulated_truth() -> None:
    """On labels drawn from p = expit(0.5 z - 1), scale and bias come back within sampling error."""
    rng = np.random.default_rng(6)
    z = rng.normal(scale=3, size=100_000)
    y = (rng.random(len(z)) < expit(0.5 * z - 1)).astype(np.int64)
    fitted = fit_temperature(binary(z), y)
    assert (fitted.scale, fitted.bias) == pytest.approx((0.5, -1.0), abs=0.03)


def test_temperature_applies_scale_and_bias_to_the_margin() -> None:
    """The recalibrated margin is scale * margin + bias, and the input stays as it was."""
    logits = np.array([[1.0, 3.0], [0.0, -1.0]])
    before = logits.copy()
    np.testing.assert_allclose(margin(Temperature(2.0, 0.5).apply(logits)), [4.5, -1.5])
    np.testing.assert_array_equal(logits, before)
    with pytest.raises(ValueError, match="binary only"):
        Temperature(1.0, 0.5).apply(np.zeros((1, 3)))


def test_separable_validation_gives_a_moderate_scale() -> None:
    """A perfectly ranked small validation set does not lead to certainty: a later error stays affordable."""
    z = np.array([-3.0, -2.5, -2.0, -1.0, 1.0, 2.0])
    y = np.array([0, 0, 0, 0, 1, 1])
    fitted = fit_temperature(binary(z), y)
    targets = np.where(y == 1, 3 / 4, 1 / 6)  # Platt 1999: (2 + 1) / (2 + 2) and 1 / (4 + 2)
    platt = minimize(lambda t: (np.logaddexp(0, t[0] * z + t[1]) - targets * (t[0] * z + t[1])).sum(), [1.0, 0.0])
    best_platt = Temperature(*platt.x)
    if log_loss(best_platt.apply(binary(z)), y) > log_loss(binary(z), y):
        best_platt = Temperature()
    assert (fitted.scale, fitted.bias) == pytest.approx((best_platt.scale, best_platt.bias), abs=1e-4)
    small = fit_temperature(binary(z / 100), y)
    assert 10 < small.scale < 200


def test_separable_multiclass_validation_gives_a_moderate_scale() -> None:
    """All rows right and logits far too small: the scale grows, but not to the bound."""
    y = np.array([0, 0, 0, 1, 1, 2])
    logits = 0.01 * np.eye(3)[y]
    fitted = fit_temperature(logits, y)
    assert 10 < fitted.scale < SCALE_RANGE[1] / 2
    assert log_loss(fitted.apply(logits), y) < log_loss(logits, y)


def test_degenerate_validation_has_documented_answers() -> None:
    """One class or constant logits: identity; constant margin: the base rate; inverted scores: the bound."""
    logits, _ = long_tailed(40, 2, 7)
    assert fit_temperature(logits, np.zeros(40, dtype=np.int64)) == Temperature()
    assert fit_temperature(logits, np.ones(40, dtype=np.int64)) == Temperature()
    assert fit_temperature(np.ones((6, 3)), np.array([0, 1, 2, 0, 0, 0])) == Temperature()
    constant = fit_temperature(np.full((10, 2), 3.0), np.array([1, 1] + [0] * 8))
    assert (constant.scale, constant.bias) == pytest.approx((1.0, np.log(0.2 / 0.8)))
    z = np.array([2.0, 1.0, -1.0, -2.0])
    inverted = fit_temperature(binary(z), np.array([0, 0, 1, 1]))
    assert inverted.scale == SCALE_RANGE[0]
    logits, y = long_tailed(200, 3, 8)
    assert fit_temperature(-logits, y).scale == pytest.approx(SCALE_RANGE[0])


def test_scale_is_clipped_with_its_own_best_intercept() -> None:
    """Where the best scale exceeds the range, the intercept is the best one for the bound."""
    logits, y = long_tailed(500, 2, 9)
    z = margin(logits) * 1e-6 + 0.7
    fitted = fit_temperature(binary(z), y)
    assert fitted.scale == SCALE_RANGE[1]
    assert expit(fitted.scale * z + fitted.bias).mean() == pytest.approx(y.mean(), rel=1e-9)


def test_a_class_missing_in_validation_is_no_obstacle() -> None:
    """Multi-class: the scale is still the minimum when one class has no validation rows."""
    logits, y = long_tailed(300, 4, 10)
    y[y == 3] = 0
    fitted = fit_temperature(logits, y)
    for nearby in (0.99, 1.01):
        assert log_loss(fitted.apply(logits), y) < log_loss(logits * fitted.scale * nearby, y)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 6]), st.integers(1, 40), st.floats(-3, 3))
def test_recalibration_never_raises_validation_log_loss(seed: int, classes: int, n: int, signal: float) -> None:
    """On any rows, however few, separable or inverted, the fitted view is no worse where it was fitted."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    logits = np.round(rng.normal(size=(n, classes)), 1) * 10.0 ** rng.integers(-3, 4)
    logits[np.arange(n), y] += signal
    fitted = fit_temperature(logits, y)
    assert SCALE_RANGE[0] * 0.999 <= fitted.scale <= SCALE_RANGE[1] * 1.001
    assert np.isfinite(fitted.bias)
    assert log_loss(fitted.apply(logits), y) <= log_loss(logits, y)


@pytest.mark.parametrize("classes", [2, 4])
def test_refined_log_loss_ignores_scale(classes: int) -> None:
    """Halving or tripling the logits leaves it unchanged, and it is below the plain log loss."""
    logits, y = long_tailed(400, classes, 11)
    expected = refined_log_loss(logits, y)
    assert expected < log_loss(logits * 3, y)
    for factor in (0.5, 3.0):
        assert refined_log_loss(logits * factor, y) == pytest.approx(expected, rel=1e-9)


def test_refined_log_loss_ignores_a_binary_shift() -> None:
    """An intercept is part of the binary refit, so a shifted prior does not matter."""
    logits, y = long_tailed(400, 2, 12)
    assert refined_log_loss(logits + np.array([0.0, 2.0]), y) == pytest.approx(refined_log_loss(logits, y), rel=1e-9)


def test_refined_log_loss_of_separable_rows_is_the_infimum() -> None:
    """Perfect separation is 0; rows tied across classes at the boundary keep their entropy."""
    y = np.array([0, 0, 1, 1])
    assert refined_log_loss(binary(np.array([-2.0, -1.0, 1.0, 2.0])), y) == 0
    tied = binary(np.array([-2.0, 0.0, 0.0, 2.0]))
    assert refined_log_loss(tied, y) == pytest.approx(np.log(2) / 2)
    assert refined_log_loss(np.eye(3), np.arange(3)) == 0
    pair = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    assert refined_log_loss(pair, np.array([0, 2])) == pytest.approx(np.log(2) / 2)
    assert refined_log_loss(pair * 900, np.array([0, 2])) == pytest.approx(np.log(2) / 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_logits_are_refused(bad: float) -> None:
    """A diverged model is an error, not a rules."""
    logits = np.array([[0.0, 1.0], [bad, 0.0]])
    for fit in (fit_temperature, refined_log_loss):
        with pytest.raises(ValueError, match="finite"):
            fit(logits, np.array([0, 1]))
