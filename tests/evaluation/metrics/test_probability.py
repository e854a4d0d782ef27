"""Probability metrics of an evaluation against scikit-learn, brute force and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from bench.evaluation.evaluate import Predictions
from bench.evaluation.views import fit_temperature, log_softmax, prior_corrected
from tests.evaluation.builders import run, sample


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
