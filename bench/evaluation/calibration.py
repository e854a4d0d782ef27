"""Logistic recalibration as a measurement: intercept and slope of binary log odds (Cox 1958)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.equations import logistic, offsets
from bench.evaluation.metric import UndefinedMetricError
from bench.evaluation.views import Floats, Ints
from bench.evaluation.weighting import weighted_mean


def calibration_intercept(z: Floats, y: Ints, weight: Floats | None = None) -> float:
    """Calibration in the large: intercept of logit P(y=1) = intercept + z with slope 1 (Cox 1958; Steyerberg
    2010).

    `z` (n,) are log odds, `weight` (n,) how much each row counts; the ideal is 0, above 0 positives are
    under-predicted. Raises UndefinedMetricError with one class only.
    """
    return calibration_intercepts(z[None], y, weight)[0]


def calibration_intercepts(z: Floats, y: Ints, weight: Floats | None = None) -> list[float]:
    """`calibration_intercept` of K scores `z` (K, n) of the same rows."""
    _require_both(y)
    rate = np.full(len(z), weighted_mean(y == 1, weight))
    return [float(offset) for offset in offsets(z, rate, _of_each(weight, z))]


def calibration_slope(z: Floats, y: Ints, weight: Floats | None = None) -> float:
    """Slope of Cox's logistic recalibration, logit P(y=1) = intercept + slope * z (Cox 1958); the ideal is 1.

    `z` (n,) are log odds, `weight` (n,) how much each row counts. Raises UndefinedMetricError with one class, a
    constant score, or separable rows.
    """
    (slope,) = calibration_slopes(z[None], y, weight)
    if isinstance(slope, UndefinedMetricError):
        raise slope
    return slope


def calibration_slopes(z: Floats, y: Ints, weight: Floats | None = None) -> list[float | UndefinedMetricError]:
    """`calibration_slope` of K scores `z` (K, n) of the same rows, or why a score has none; raises with one class."""
    _require_both(y)
    reasons = [_without_slope(own, y == 1) for own in z]
    fitted = z[[reason is None for reason in reasons]]
    target = np.tile((y == 1).astype(np.float64), (len(fitted), 1))
    slopes = iter(logistic(fitted, target, _of_each(weight, fitted))[0])
    return [float(next(slopes)) if reason is None else reason for reason in reasons]


def _of_each(weight: Floats | None, z: Floats) -> Floats | None:
    return None if weight is None else np.tile(weight, (len(z), 1))


def _without_slope(z: Floats, positive: NDArray[np.bool_]) -> UndefinedMetricError | None:
    if z.min() == z.max():
        return UndefinedMetricError("the score is constant")
    above, below = z[positive], z[~positive]
    if below.max() <= above.min() or above.max() <= below.min():
        return UndefinedMetricError("the score separates the classes, so the slope is infinite")
    return None


def _require_both(y: Ints) -> None:
    positives = int(np.count_nonzero(y == 1))
    if not 0 < positives < len(y):
        raise UndefinedMetricError("no negative rows" if positives else "no positive rows")
