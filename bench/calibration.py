"""Evaluation views: prior correction, temperature, and decision rules, each fitted on validation rows only.

Throughout: `logits` (n, C) float64 in nats, C >= 2; `y` (n,) int64 in 0..C-1; with C = 2 class 1 is the
positive one and the *margin* z1 - z0 is its log odds. Everything is float64: saturated probabilities lose the
order of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.metric_specs import UndefinedMetricError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE_RANGE: Final = (1e-3, 1e3)
TAUS: Final = tuple(step / 20 for step in range(-10, 41))
"""-0.5 to 2 in steps of 0.05; 0, plain argmax, is hit exactly."""
TAU_BLOCK: Final = 1 << 18  # numbers that are decided at once for all taus: bounds memory, and stays in the cache


# --- probabilities ------------------------------------------------------------------------------------------


def margin(logits: Floats) -> Floats:
    """Log odds (n,) of the positive class from binary logits (n, 2)."""
    if logits.ndim != 2 or logits.shape[1] != 2:
        raise ValueError(
            f"Expected binary logits of shape (n, 2), got {logits.shape}. Use one_vs_rest_margins for more classes."
        )
    return np.asarray(logits[:, 1] - logits[:, 0], dtype=np.float64)


def log_softmax(logits: Floats) -> Floats:
    """Log probabilities (n, C), exact for saturated logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.asarray(shifted, dtype=np.float64)


def log_loss(logits: Floats, y: Ints) -> float:
    """Mean negative log probability of the true class in nats; from logits, so nothing is clipped."""
    return float(-log_softmax(logits)[np.arange(len(y)), y].mean())


def prior_corrected(logits: Floats, prior: ArrayLike, natural: ArrayLike) -> Floats:
    """Logits (n, C) moved from the class prior that they embody to the natural one.

    logit_c + log natural_c - log prior_c (Saerens et al. 2002, eq. 2.4; the reverse is Menon et al. 2021,
    eq. 9). Only ratios within `prior` (C,) and `natural` (C,) matter. Raises ValueError where one is not
    finite and positive.
    """
    classes = logits.shape[1]
    to, away = _checked_prior(natural, "natural", classes), _checked_prior(prior, "prior", classes)
    return np.asarray(logits + (np.log(to) - np.log(away)), dtype=np.float64)


def _checked_prior(prior: ArrayLike, name: str, classes: int) -> Floats:
    values = np.asarray(prior, dtype=np.float64)
    if values.shape != (classes,) or not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(
            f"Expected `{name}` to be {classes} finite positive numbers, one per class, got shape "
            f"{values.shape} with values {np.array2string(values, threshold=8)}. "
            "A class without training rows must be dropped from the data."
        )
    return np.asarray(values / values.sum(), dtype=np.float64)


# --- temperature --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Temperature:
    """Logits times `scale` (one over the temperature), plus `bias` on class 1 if binary."""

    scale: float = 1.0
    bias: float = 0.0

    def apply(self, logits: Floats) -> Floats:
        """Recalibrated logits (n, C); ValueError if there is a bias and C is not 2."""
        out = np.asarray(logits * self.scale, dtype=np.float64)
        if self.bias:
            if out.shape[1] != 2:
                raise ValueError(
                    f"Expected bias 0 with {out.shape[1]} classes, got {self.bias}. An intercept is for binary only."
                )
            out[:, 1] += self.bias
        return out


def fit_temperature(logits: Floats, y: Ints) -> Temperature:
    """The scale (binary: and intercept) of least log loss on validation rows; it never raises that log loss.

    Guo et al. 2017 (temperature), Platt 1999 (scale and intercept). The problem is convex. Where it has no
    finite solution or more than one:

    - separable rows (the scale would be infinite) are fitted to Platt's smoothed targets, (n_y + 1) / (n_y +
      C);
    - a best scale outside `SCALE_RANGE`, such as for inverted scores, is clipped to it;
    - binary with one class present: identity, since intercept and scale would be infinite;
    - binary with a constant margin: scale 1, the intercept that matches the base rate;
    - multi-class with logits constant within every row: identity. A class missing in validation is no
      obstacle.
    """
    _check_rows(logits, y)
    fitted = _fit_binary(margin(logits), y) if logits.shape[1] == 2 else _fit_scale(logits, y)
    # Smoothed targets and rounding may lose to doing nothing; the promise above holds without exception.
    return fitted if log_loss(fitted.apply(logits), y) <= log_loss(logits, y) else Temperature()


def refined_log_loss(logits: Floats, y: Ints) -> float:
    """Log loss in nats at the best temperature (binary: and intercept), for early stopping.

    "Refine, then calibrate" (Berta et al. 2025): it does not punish a training objective for the scale of
    its logits. On separable rows it is the infimum over scales, usually 0. Raises ValueError for logits that
    are not finite.
    """
    _check_rows(logits, y)
    infimum = _separable_loss(logits, y)
    return log_loss(fit_temperature(logits, y).apply(logits), y) if infimum is None else infimum


def _check_rows(logits: Floats, y: Ints) -> None:
    if logits.ndim != 2 or logits.shape[1] < 2 or y.shape != logits.shape[:1] or not len(y):
        raise ValueError(
            f"Expected logits (n, C) with n >= 1, C >= 2 and labels (n,), got {logits.shape} and {y.shape}. "
            "Check that validation holds rows."
        )
    if not np.isfinite(logits).all():
        raise ValueError("Expected finite logits, got NaN or infinity. Training diverged: record that status instead.")


def _smoothed(y: Ints, n_classes: int) -> tuple[Floats, Floats]:
    """Platt's targets per row: for the true class, and for each of the other classes."""
    count = np.bincount(y, minlength=n_classes)[y]
    return (count + 1.0) / (count + n_classes), 1.0 / (count + n_classes)


def _separable_loss(logits: Floats, y: Ints) -> float | None:
    """The log loss approached as the scale grows without end, or None where a finite scale is best."""
    n = len(y)
    if logits.shape[1] > 2:
        top = logits.max(axis=1)
        if (logits[np.arange(n), y] < top).any() or (np.ptp(logits, axis=1) == 0).all():
            return None
        # What remains are ties with the true class: with ever larger scale they share the probability.
        return float(np.log((logits == top[:, None]).sum(axis=1)).mean())
    z, positive = margin(logits), y == 1
    if not _both_classes(y) or np.ptp(z) == 0 or z[~positive].max() > z[positive].min():
        return None
    tied = z == z[positive].min() if z[~positive].max() == z[positive].min() else np.zeros(n, dtype=bool)
    rate = float(positive[tied].mean()) if tied.any() else 0.0
    return float(tied.mean()) * entropy(np.array([rate, 1 - rate]))


def entropy(probabilities: ArrayLike) -> float:
    """Entropy in nats of a distribution (C,); classes of probability 0 contribute nothing."""
    p = np.asarray(probabilities, dtype=np.float64)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def _fit_scale(logits: Floats, y: Ints) -> Temperature:
    """Multi-class: the root of the derivative of the log loss in the scale; the loss is convex in it."""
    n, classes = logits.shape
    if (np.ptp(logits, axis=1) == 0).all():
        return Temperature()
    z = logits - logits.max(axis=1, keepdims=True)
    true = z[np.arange(n), y]
    if _separable_loss(logits, y) is not None:
        hit, miss = _smoothed(y, classes)
        true = (hit - miss) * true + miss * z.sum(axis=1)
    target = float(true.sum())

    def slope(log_scale: float) -> tuple[float, float]:
        scale = math.exp(log_scale)
        p = np.exp(scale * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nc->n", p, z)
        variance = np.einsum("nc,nc,nc->n", p, z, z) - mean**2
        return float(mean.sum()) - target, scale * float(variance.sum())

    # On a log axis the same relative precision costs the same everywhere in the range.
    return Temperature(math.exp(_root(slope, math.log(SCALE_RANGE[0]), math.log(SCALE_RANGE[1]), 0.0)))


def _fit_binary(z: Floats, y: Ints) -> Temperature:
    """Binary: logistic regression of y on the margin with the slope kept inside `SCALE_RANGE`."""
    positive = y == 1
    if not _both_classes(y):
        return Temperature()
    if np.ptp(z) == 0:
        return Temperature(1.0, _offset(z, float(positive.mean())))
    target = positive.astype(np.float64)
    if z[~positive].max() <= z[positive].min():
        hit, miss = _smoothed(y, 2)
        target = np.where(positive, hit, miss)
    # Inverted scores would send the slope to minus infinity; the answer is the bound at once.
    inverted = z[positive].max() <= z[~positive].min()
    slope, intercept = (-math.inf, 0.0) if inverted else _logistic(z, target)
    scale = min(max(slope, SCALE_RANGE[0]), SCALE_RANGE[1])
    # Convex: at a bound of the slope the constrained optimum is the best intercept for that slope.
    return Temperature(scale, intercept if scale == slope else _offset(scale * z, float(target.mean())))


# --- logistic recalibration as a measurement ----------------------------------------------------------------


def calibration_intercept(z: Floats, y: Ints) -> float:
    """Calibration in the large: intercept of logit P(y=1) = intercept + z with slope 1 (Cox 1958; Steyerberg
    2010).

    `z` (n,) are log odds; the ideal is 0, above 0 positives are under-predicted.
    Raises UndefinedMetricError with one class only.
    """
    _require_both(y)
    return _offset(z, float((y == 1).mean()))


def calibration_slope(z: Floats, y: Ints) -> float:
    """Slope of Cox's logistic recalibration, logit P(y=1) = intercept + slope * z (Cox 1958); the ideal is 1.

    `z` (n,) are log odds. Raises UndefinedMetricError with one class, a constant score, or separable rows.
    """
    _require_both(y)
    positive = y == 1
    if np.ptp(z) == 0:
        raise UndefinedMetricError("the score is constant")
    if z[~positive].max() <= z[positive].min() or z[positive].max() <= z[~positive].min():
        raise UndefinedMetricError("the score separates the classes, so the slope is infinite")
    return _logistic(z, positive.astype(np.float64))[0]


def _both_classes(y: Ints) -> bool:
    positives = int(np.count_nonzero(y == 1))
    return 0 < positives < len(y)


def _require_both(y: Ints) -> None:
    if not _both_classes(y):
        raise UndefinedMetricError("no positive rows" if not (y == 1).any() else "no negative rows")


def _expit(x: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float64)


def _offset(z: Floats, rate: float) -> float:
    """The intercept with which the mean probability equals `rate`, strictly between 0 and 1."""
    level = math.log(rate) - math.log1p(-rate)

    def excess(offset: float) -> tuple[float, float]:
        p = _expit(z + offset)
        return float(p.sum()) - rate * len(z), float((p * (1 - p)).sum())

    # Were all scores at one end, the intercept would be the level less that end.
    return _root(excess, level - float(z.max()), level - float(z.min()), level - float(z.mean()))


def _root(f: Callable[[float], tuple[float, float]], low: float, high: float, start: float) -> float:
    """Root of an increasing function that returns (value, derivative); the nearer end where there is none
    inside.

    Newton inside a bracket, bisecting where Newton leaves it or stops halving its steps (as rtsafe in Press
    et al.).
    """
    x, previous = start, high - low
    for _ in range(200):
        value, derivative = f(x)
        low, high = (low, x) if value > 0 else (x, high)
        newton = x - value / derivative if derivative > 0 else math.nan
        following = newton if low <= newton <= high and abs(newton - x) <= 0.5 * abs(previous) else 0.5 * (low + high)
        previous, x = following - x, following
        if abs(previous) <= 1e-13 * max(1.0, abs(x)):
            break
    return x


def _logistic(z: Floats, target: Floats) -> tuple[float, float]:
    """Slope and intercept of a logistic fit of `target` (n,) in [0, 1] on `z` (n,), by damped Newton steps.

    Expects that the finite optimum exists: `z` varies and does not separate the targets.
    """
    centre, spread = float(z.mean()), float(z.std())
    u = (z - centre) / spread
    sums = np.array([target @ u, target.sum()])
    rate = float(target.mean())
    theta = np.array([0.0, math.log(rate) - math.log1p(-rate)])

    def loss(at: Floats) -> float:
        return float(np.logaddexp(0.0, at[0] * u + at[1]).sum() - at @ sums)

    value = loss(theta)
    for _ in range(200):
        p = _expit(theta[0] * u + theta[1])
        w = p * (1 - p)
        wu = w * u
        gradient = np.array([p @ u, p.sum()]) - sums
        hessian = np.array([[wu @ u, wu.sum()], [wu.sum(), w.sum()]])
        # The ridge only matters where nearly every row is saturated; Newton then still points downhill.
        step = np.linalg.solve(hessian + 1e-14 * (np.trace(hessian) + 1e-300) * np.eye(2), gradient)
        decrement = float(gradient @ step)
        if decrement <= 1e-11 * (1 + abs(value)):
            theta = theta - step
            break
        size = 1.0
        while size > 1e-12 and (trial := loss(theta - size * step)) > value - 1e-4 * size * decrement:
            size *= 0.5
        theta, value = theta - size * step, trial
    slope = float(theta[0]) / spread
    return slope, float(theta[1]) - slope * centre


# --- decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows per class (C,): predicted right, truly there, predicted; all that the decision metrics need.

    A confusion matrix would hold C x C numbers, 0.8 GB with 10,000 classes.
    """

    hits: Ints
    actual: Ints
    predicted: Ints

    @classmethod
    def of(cls, predicted: Ints, y: Ints, n_classes: int) -> Counts:
        """Count predicted classes (n,) against true ones (n,)."""
        return cls(
            np.bincount(y[predicted == y], minlength=n_classes),
            np.bincount(y, minlength=n_classes),
            np.bincount(predicted, minlength=n_classes),
        )


def macro_f1(counts: Counts) -> float:
    """Unweighted mean F1 over the classes that occur or are predicted, as in scikit-learn."""
    total = counts.actual + counts.predicted
    seen = total > 0
    return float((2.0 * counts.hits[seen] / total[seen]).mean())


def fit_threshold(z: Floats, y: Ints) -> float:
    """The margin above which (strictly) a row is called positive, of highest F1 of the positive class.

    `z` (n,) are margins and `y` (n,) labels of validation rows. Neighbouring cuts that tie form an interval,
    of tied intervals the widest counts (then the highest), and the threshold is its middle. If calling every
    row positive is best, the interval below the lowest score counts as one unit wide. Without positives: 0.0,
    which is argmax.
    """
    if not (y == 1).any():
        return 0.0
    order = np.argsort(-z)
    ranked, hits = z[order], np.cumsum(y[order] == 1)
    # A cut lies after the last row of each group of equal scores.
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    f1 = 2.0 * hits[cuts] / (cuts + 1 + hits[-1])
    best = np.flatnonzero(f1 == f1.max())
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    above = ranked[cuts]
    below = np.append(above[1:], above[-1] - 1.0)
    first = np.array([run[0] for run in runs])
    last = np.array([run[-1] for run in runs])
    widest = int(np.argmax(above[first] - below[last]))
    high, low = float(above[first[widest]]), float(below[last[widest]])
    middle = 0.5 * low + 0.5 * high
    # Between neighbouring floats there is no middle; the lower end is still a cut of this interval.
    return middle if low <= middle < high else low


def tau_decisions(logits: Floats, natural: ArrayLike, tau: float) -> Ints:
    """Classes (n,) of largest logit - tau log natural (Menon et al. 2021, eq. 9); tau 0 is argmax."""
    return np.asarray(_by_tau(logits, natural, (tau,))[0], dtype=np.int64)


def _by_tau(logits: Floats, natural: ArrayLike, taus: tuple[float, ...]) -> Ints:
    """Decisions (T, n) of each tau."""
    shifts = np.outer(taus, np.log(_checked_prior(natural, "natural", logits.shape[1])))
    return np.asarray((logits - shifts[:, None]).argmax(axis=2), dtype=np.int64)


def fit_tau(logits: Floats, y: Ints, natural: ArrayLike) -> float:
    """The tau of `TAUS` whose decisions have the highest macro-F1 on validation rows.

    `logits` (n, C) are prior-corrected. Of tied taus the one nearest 0 counts, of those the positive one.
    """
    classes = logits.shape[1]
    step = max(64, TAU_BLOCK // (classes * len(TAUS)))  # with many classes counting costs more than deciding
    hits, predicted = (np.zeros((len(TAUS), classes), dtype=np.int64) for _ in range(2))
    for rows in np.split(np.arange(len(y)), range(step, len(y), step)):
        decided = _by_tau(logits[rows], natural, TAUS)
        cell = decided + classes * np.arange(len(TAUS))[:, None]
        predicted += np.bincount(cell.ravel(), minlength=predicted.size).reshape(predicted.shape)
        hits += np.bincount(cell[decided == y[rows]], minlength=hits.size).reshape(hits.shape)
    actual = np.bincount(y, minlength=classes)
    scores = {tau: macro_f1(Counts(hits[t], actual, predicted[t])) for t, tau in enumerate(TAUS)}
    best = max(scores.values())
    # Equal counts summed in one order give equal floats, so equality is a true tie.
    return min((t for t in TAUS if scores[t] == best), key=lambda t: (abs(t), t < 0))
