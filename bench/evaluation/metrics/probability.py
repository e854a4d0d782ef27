"""Metrics of the probabilities in each view."""

from __future__ import annotations

from bench.evaluation.forecasts import Forecast, Probability, brier_score, expected_calibration_error
from bench.evaluation.metric import UndefinedMetricError, detail, shown
from bench.evaluation.weighting import weighted_mean


@Probability.entry(
    "Log loss",
    higher_is_better=False,
    binary=detail("probabilities", 1, "raw") | shown("probabilities", 1, "corrected", "recalibrated"),
    multiclass=detail("probabilities", 1, "raw", "corrected") | shown("probabilities", 1, "recalibrated"),
    realistic=None,
)
def log_loss(forecast: Forecast) -> float:
    """Mean negative log probability of the true class, in nats."""
    return forecast.loss


@Probability.entry("Norm. entropy", higher_is_better=False, binary={}, multiclass={}, realistic=None)
def normalised_entropy(forecast: Forecast) -> float:
    """Log loss divided by the entropy of the test base rate; 1 is a constant forecast (He et al. 2014)."""
    if forecast.base_entropy == 0:
        raise UndefinedMetricError("test holds one class only")
    return forecast.loss / forecast.base_entropy


@Probability.entry(
    "Brier",
    higher_is_better=False,
    bounds=(0.0, 2.0),
    binary=detail("probabilities", 2, "raw", "corrected", "recalibrated"),
    multiclass=detail("probabilities", 2, "raw", "corrected", "recalibrated"),
    realistic=None,
)
def brier(forecast: Forecast) -> float:
    """Mean squared error of the probabilities; binary: of p1, multi-class: summed over classes."""
    return brier_score(forecast.p, forecast.y, forecast.weight)


@Probability.entry(
    "ECE",
    higher_is_better=False,
    binary=shown("probabilities", 3, "raw") | detail("probabilities", 3, "corrected", "recalibrated"),
    multiclass=shown("probabilities", 3, "raw") | detail("probabilities", 3, "corrected", "recalibrated"),
)
def ece(forecast: Forecast) -> float:
    """Expected calibration error, 15 equal-width bins; binary: bins of p1 against the positive rate, multi-class: bins
    of the top probability against accuracy.
    """
    return expected_calibration_error(forecast.p, forecast.y, forecast.weight)


@Probability.entry(
    "Cal. intercept", ideal=0.0, binary=detail("probabilities", 5, "raw"), multiclass=None, realistic=None
)
def calibration_intercept(forecast: Forecast) -> float:
    """Intercept of a logistic fit with the log odds as offset; above 0: positives are under-predicted."""
    return forecast.intercept()


@Probability.entry("Cal. slope", ideal=1.0, binary=detail("probabilities", 6, "raw"), multiclass=None, realistic=None)
def calibration_slope(forecast: Forecast) -> float:
    """Slope of Cox's logistic recalibration; below 1: probabilities are too extreme."""
    return forecast.slope()


@Probability.entry(
    "Pred./obs.", ideal=1.0, binary=shown("probabilities", 4, "raw", "corrected"), multiclass=None, realistic=None
)
def predicted_observed(forecast: Forecast) -> float:
    """Mean predicted positive probability divided by the observed positive rate."""
    positive = forecast.y == 1
    if not positive.any():
        raise UndefinedMetricError("no positive rows")
    return weighted_mean(forecast.p[:, 1], forecast.weight) / weighted_mean(positive, forecast.weight)
