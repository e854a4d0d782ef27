"""Calibration intercept and slope against scikit-learn, scipy and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from bench.evaluation.calibration import (
    calibration_intercept,
    calibration_intercepts,
    calibration_slope,
    calibration_slopes,
)
from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.views import log_loss, margin
from tests.evaluation.builders import binary, expit, long_tailed


def test_slope_and_intercept_equal_reference_fits() -> None:
    """The slope is logistic regression's; the intercept, with slope 1, is what a scalar search finds."""
    logits, y = long_tailed(500, 2, 13)
    z = margin(logits) * 1.7 + 0.4
    reference = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(z[:, None], y)
    assert calibration_slope(z, y) == pytest.approx(reference.coef_[0, 0], rel=1e-6)
    search = minimize_scalar(lambda a: log_loss(binary(z + a), y), bounds=(-10, 10), options={"xatol": 1e-9})
    assert calibration_intercept(z, y) == pytest.approx(search.x, abs=1e-5)


def test_slope_and_intercept_recover_a_simulated_truth() -> None:
    """Overconfident scores (z twice the log odds) have slope 1/2; scores shifted by +1 have intercept -1."""
    rng = np.random.default_rng(14)
    odds = rng.normal(-2, 1.5, size=200_000)
    y = (rng.random(len(odds)) < expit(odds)).astype(np.int64)
    assert calibration_slope(odds, y) == pytest.approx(1, abs=0.02)
    assert calibration_slope(2 * odds, y) == pytest.approx(0.5, abs=0.01)
    assert calibration_slope(-odds, y) == pytest.approx(-1, abs=0.02)
    assert calibration_intercept(odds, y) == pytest.approx(0, abs=0.03)
    assert calibration_intercept(odds + 1, y) == pytest.approx(-1, abs=0.03)


def test_slope_survives_saturated_scores() -> None:
    """Scores of hundreds of log odds, some wrong, still give the slope of the same scores scaled down."""
    logits, y = long_tailed(500, 2, 15)
    z = margin(logits)
    assert calibration_slope(300 * z, y) == pytest.approx(calibration_slope(z, y) / 300, rel=1e-8)


def test_views_are_measured_together_as_one_by_one() -> None:
    """Intercepts and slopes of several scores of the same rows; what has no slope says why and disturbs no other."""
    logits, y = long_tailed(300, 2, 16)
    z = margin(logits)
    scores = np.stack([z, 3 * z - 1, np.ones(300), np.where(y == 1, 1.0, -1.0), 0.2 * z])
    assert calibration_intercepts(scores, y) == [calibration_intercept(own, y) for own in scores]
    slopes = calibration_slopes(scores, y)
    assert [slopes[k] for k in (0, 1, 4)] == [calibration_slope(scores[k], y) for k in (0, 1, 4)]
    for reason, undefined in (("constant", slopes[2]), ("separates", slopes[3])):
        assert isinstance(undefined, UndefinedMetricError)
        assert reason in str(undefined)


def test_intercept_and_slope_are_undefined_with_a_reason() -> None:
    """One class, a constant score and separable rows do not determine them."""
    z = np.array([-1.0, 0.0, 1.0, 2.0])
    with pytest.raises(UndefinedMetricError, match="no positive"):
        calibration_intercept(z, np.zeros(4, dtype=np.int64))
    with pytest.raises(UndefinedMetricError, match="no negative"):
        calibration_slope(z, np.ones(4, dtype=np.int64))
    with pytest.raises(UndefinedMetricError, match="constant"):
        calibration_slope(np.ones(4), np.array([0, 1, 0, 1]))
    for y in ([0, 0, 1, 1], [1, 1, 0, 0]):
        with pytest.raises(UndefinedMetricError, match="separates"):
            calibration_slope(z, np.array(y))
