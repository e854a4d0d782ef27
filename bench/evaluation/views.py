"""Evaluation views: prior correction, temperature, and decision rules, each fitted on validation rows only.

Throughout: `logits` (n, C) float64 in nats, C >= 2; `y` (n,) int64 in 0..C-1; with C = 2 class 1 is the
positive one and the *margin* z1 - z0 is its log odds. Everything is float64: saturated probabilities lose the
order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.evaluation.metric_specs import UndefinedMetricError
from bench.evaluation.temperature import fit_temperatures, logistic, offsets, refined_log_losses

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
    if logits.shape[1] == 2:  # numpy is slow at rows of two numbers
        shifted = logits - np.maximum(logits[:, :1], logits[:, 1:])
        p = np.exp(shifted)
        shifted -= np.log(p[:, :1] + p[:, 1:])
    else:
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
    return np.asarray(logits + prior_shift(prior, natural, logits.shape[1]), dtype=np.float64)


def prior_shift(prior: ArrayLike, natural: ArrayLike, classes: int) -> Floats:
    """What `prior_corrected` adds to each logit (C,)."""
    to, away = _checked_prior(natural, "natural", classes), _checked_prior(prior, "prior", classes)
    return np.asarray(np.log(to) - np.log(away), dtype=np.float64)


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
    - a best scale outside `bench.evaluation.temperature.SCALE_RANGE`, such as for inverted scores, is clipped to it;
    - binary with one class present: identity, since intercept and scale would be infinite;
    - binary with a constant margin: scale 1, the intercept that matches the base rate;
    - multi-class with logits constant within every row: identity. A class missing in validation is no
      obstacle.
    """
    _check_rows(logits, y)
    scale, bias, _ = fit_temperatures(logits[None], y[None])
    return Temperature(float(scale[0]), float(bias[0]))


def refined_log_loss(logits: Floats, y: Ints) -> float:
    """What `temperature.refined_log_losses` says of many, of one member; ValueError if logits are not finite."""
    _check_rows(logits, y)
    return float(refined_log_losses(logits[None], y[None])[0])


def _check_rows(logits: Floats, y: Ints) -> None:
    if logits.ndim != 2 or logits.shape[1] < 2 or y.shape != logits.shape[:1] or not len(y):
        raise ValueError(
            f"Expected logits (n, C) with n >= 1, C >= 2 and labels (n,), got {logits.shape} and {y.shape}. "
            "Check that validation holds rows."
        )
    if not np.isfinite(logits).all():
        raise ValueError("Expected finite logits, got NaN or infinity. Training diverged: record that status instead.")


def entropy(probabilities: ArrayLike) -> float:
    """Entropy in nats of a distribution (C,); classes of probability 0 contribute nothing."""
    p = np.asarray(probabilities, dtype=np.float64)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


# --- logistic recalibration as a measurement ----------------------------------------------------------------


def calibration_intercept(z: Floats, y: Ints) -> float:
    """Calibration in the large: intercept of logit P(y=1) = intercept + z with slope 1 (Cox 1958; Steyerberg
    2010).

    `z` (n,) are log odds; the ideal is 0, above 0 positives are under-predicted.
    Raises UndefinedMetricError with one class only.
    """
    return calibration_intercepts(z[None], y)[0]


def calibration_intercepts(z: Floats, y: Ints) -> list[float]:
    """`calibration_intercept` of K scores `z` (K, n) of the same rows."""
    _require_both(y)
    return [float(offset) for offset in offsets(z, np.full(len(z), (y == 1).mean()))]


def calibration_slope(z: Floats, y: Ints) -> float:
    """Slope of Cox's logistic recalibration, logit P(y=1) = intercept + slope * z (Cox 1958); the ideal is 1.

    `z` (n,) are log odds. Raises UndefinedMetricError with one class, a constant score, or separable rows.
    """
    (slope,) = calibration_slopes(z[None], y)
    if isinstance(slope, UndefinedMetricError):
        raise slope
    return slope


def calibration_slopes(z: Floats, y: Ints) -> list[float | UndefinedMetricError]:
    """`calibration_slope` of K scores `z` (K, n) of the same rows, or why a score has none; raises with one class."""
    _require_both(y)
    reasons = [_without_slope(own, y == 1) for own in z]
    fitted = z[[reason is None for reason in reasons]]
    slopes = iter(logistic(fitted, np.tile((y == 1).astype(np.float64), (len(fitted), 1)))[0])
    return [float(next(slopes)) if reason is None else reason for reason in reasons]


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
    return float(_macro_f1s(counts.hits[None], counts.actual, counts.predicted[None])[0])


def _macro_f1s(hits: Ints, actual: Ints, predicted: Ints) -> Floats:
    """Macro-F1 (T,) of T rules from their `hits` and `predicted` (T, C)."""
    total = actual + predicted
    f1, seen = 2.0 * hits / np.maximum(total, 1), total > 0
    if seen.all():
        return np.asarray(f1.mean(axis=1), dtype=np.float64)
    return np.array([row[occurs].mean() for row, occurs in zip(f1, seen, strict=True)])


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
    return np.asarray((logits - tau * _log_prior(natural, logits.shape[1])).argmax(axis=1), dtype=np.int64)


def _log_prior(natural: ArrayLike, classes: int) -> Floats:
    return np.asarray(np.log(_checked_prior(natural, "natural", classes)), dtype=np.float64)


def fit_tau(logits: Floats, y: Ints, natural: ArrayLike) -> float:
    """The tau of `TAUS` whose decisions have the highest macro-F1 on validation rows.

    `logits` (n, C) are prior-corrected. Of tied taus the one nearest 0 counts, of those the positive one.
    """
    classes = logits.shape[1]
    shifts = np.outer(TAUS, _log_prior(natural, classes))
    step = max(64, TAU_BLOCK // (classes * len(TAUS)))  # with many classes counting costs more than deciding
    hits, predicted = (np.zeros((len(TAUS), classes), dtype=np.int64) for _ in range(2))
    for at in range(0, len(y), step):
        rows, true = logits[at : at + step], y[at : at + step]
        settled = _settled(rows, shifts)
        predicted += np.bincount(settled[settled >= 0], minlength=classes)
        hits += np.bincount(settled[settled == true], minlength=classes)
        rows, true = rows[settled < 0], true[settled < 0]
        decided = (rows - shifts[:, None]).argmax(axis=2)
        cell = decided + classes * np.arange(len(TAUS))[:, None]
        predicted += np.bincount(cell.ravel(), minlength=predicted.size).reshape(predicted.shape)
        hits += np.bincount(cell[decided == true], minlength=hits.size).reshape(hits.shape)
    scores = _macro_f1s(hits, np.bincount(y, minlength=classes), predicted)
    # Equal counts summed in one order give equal floats, so equality is a true tie.
    return min((TAUS[t] for t in np.flatnonzero(scores == scores.max())), key=lambda tau: (abs(tau), tau < 0))


def _settled(logits: Floats, shifts: Floats) -> Ints:
    """The classes (n,) that every tau decides for, or -1 where taus may differ; `shifts` (T, C) of rising taus.

    Each class is a line in tau, so one that leads at both ends leads between them, by no less than at one of these;
    leads that rounding might undo do not count.
    """
    rows, doubt = np.arange(len(logits)), 1e-9 * (np.abs(logits).max() + np.abs(shifts).max())
    low, high = logits - shifts[0], logits - shifts[-1]
    lead, sure = low.argmax(axis=1), np.ones(len(logits), dtype=bool)
    for end in (low, high):
        best = end[rows, lead]
        end[rows, lead] = -np.inf
        sure &= best - end.max(axis=1) > doubt
    return np.where(sure, lead, -1)
