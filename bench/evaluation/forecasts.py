"""Probabilities of the test rows in every view, and what probability metrics are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from bench.evaluation.calibration import calibration_intercepts, calibration_slopes
from bench.evaluation.metric import VIEWS, Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints, entropy, log_softmax, margin
from bench.evaluation.weighting import class_mass, weighted_mean

_ECE_BINS: Final = 15


class Forecasts:
    """The test rows in all views, by name: what is the same in each, and what is measured in all of them at once."""

    def __init__(self, logits: Mapping[str, Floats], y: Ints, raw: Floats, weight: Floats | None = None) -> None:
        """`logits` (n, C) by view, `raw` (n, C) the log probabilities of the view of that name; `weight` (n,)."""
        self.logits, self.y, self.raw, self.weight = logits, y, raw, weight
        mass = class_mass(y, 0, weight)
        self.base_entropy = entropy(mass / mass.sum())

    def __iter__(self) -> Iterator[Forecast]:
        """One view after another: with many classes the probabilities of one take enough memory."""
        for view, logits in self.logits.items():
            yield Forecast(view, self.raw if view == "raw" else log_softmax(logits), self)

    @cached_property
    def intercepts(self) -> Mapping[str, float | UndefinedMetricError]:
        """Calibration intercept of two classes by view, or why there is none."""
        return self._measured(calibration_intercepts)

    @cached_property
    def slopes(self) -> Mapping[str, float | UndefinedMetricError]:
        """Calibration slope of two classes by view, or why there is none."""
        return self._measured(calibration_slopes)

    def _measured(
        self, measure: Callable[[Floats, Ints, Floats | None], Sequence[float | UndefinedMetricError]]
    ) -> Mapping[str, float | UndefinedMetricError]:
        try:
            found = measure(np.stack([margin(logits) for logits in self.logits.values()]), self.y, self.weight)
        except UndefinedMetricError as reason:
            found = [reason] * len(self.logits)
        return dict(zip(self.logits, found, strict=True))


class Forecast:
    """What probability metrics are given: log probabilities (n, C) of one view, labels (n,), weights (n,) or None."""

    def __init__(self, view: str, log_p: Floats, views: Forecasts) -> None:
        self.view, self.log_p, self.views = view, log_p, views
        self.y, self.weight = views.y, views.weight

    @property
    def base_entropy(self) -> float:
        """Entropy in nats of the classes in test."""
        return self.views.base_entropy

    @cached_property
    def p(self) -> Floats:
        """Probabilities (n, C)."""
        return np.asarray(np.exp(self.log_p))

    @cached_property
    def loss(self) -> float:
        """Mean negative log probability of the true class."""
        return -weighted_mean(self.log_p[np.arange(len(self.y)), self.y], self.weight)

    def intercept(self) -> float:
        """Calibration intercept of two classes; raises UndefinedMetricError with the reason where there is none."""
        return _defined(self.views.intercepts[self.view])

    def slope(self) -> float:
        """Calibration slope of two classes; raises UndefinedMetricError with the reason where there is none."""
        return _defined(self.views.slopes[self.view])


def _defined(value: float | UndefinedMetricError) -> float:
    if isinstance(value, UndefinedMetricError):
        raise value
    return value


def expected_calibration_error(probabilities: Floats, y: Ints, weight: Floats | None = None) -> float:
    """Expected calibration error of `probabilities` (n, C) over 15 equal-width bins (Guo et al. 2017, eq. 3).

    Binary: rows are binned by p1 and the mean p1 of a bin compared with its positive rate. Multi-class: rows
    are binned by their top probability and its mean compared with accuracy. The two differ even for C = 2.
    """
    if probabilities.shape[1] == 2:
        confidence, outcome = probabilities[:, 1], y
    else:
        # As binary, because the multi-class function of torchmetrics works in float32.
        top = probabilities.argmax(axis=1)
        confidence, outcome = probabilities[np.arange(len(y)), top], top == y
    if weight is not None:
        return _weighted_calibration_error(confidence, outcome, weight)
    import torch  # noqa: PLC0415 - boards know the metrics and load no torch
    from torchmetrics.functional.classification import binary_calibration_error  # noqa: PLC0415

    # Above 1 by one rounding, torchmetrics would take the whole batch for logits.
    p = torch.from_numpy(np.minimum(confidence, 1.0))
    target = torch.from_numpy(outcome.astype(np.float64))  # a copy: torch warns of labels that are read-only
    return float(binary_calibration_error(p, target, n_bins=_ECE_BINS, norm="l1", validate_args=False))


def _weighted_calibration_error(confidence: Floats, outcome: Ints, weight: Floats) -> float:
    """The same of weighted rows, which torchmetrics does not take; bins as there, 1 in one of its own."""
    bins = np.searchsorted(np.linspace(0, 1, _ECE_BINS + 1), confidence, side="right")
    gaps = np.bincount(bins, weights=weight * (confidence - outcome))
    return float(np.abs(gaps).sum() / weight.sum())


def brier_score(probabilities: Floats, y: Ints, weight: Floats | None = None) -> float:
    """Brier score of `probabilities` (n, C): mean (p1 - y)^2 for C = 2, else over classes (Brier 1950)."""
    if probabilities.shape[1] == 2:
        return weighted_mean(np.square(probabilities[:, 1] - y), weight)
    true = probabilities[np.arange(len(y)), y]
    return weighted_mean(np.square(probabilities).sum(axis=1) - 2 * true + 1, weight)


class Probability(Metric[Forecast]):
    """A metric of the probabilities in one view."""

    kind, views, panel = "probability", VIEWS, "probabilities"
