"""Evaluation views: prior correction, and temperature fitted on validation rows.

Throughout: `logits` (n, C) float64 in nats, C >= 2; `y` (n,) int64 in 0..C-1; with C = 2 class 1 is the
positive one and the *margin* z1 - z0 is its log odds. Everything is float64: saturated probabilities lose the
order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.evaluation.temperature import fit_temperatures, refined_log_losses
from bench.evaluation.weighting import weighted_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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


def log_loss(logits: Floats, y: Ints, weight: Floats | None = None) -> float:
    """Mean negative log probability of the true class in nats; from logits, so nothing is clipped."""
    return -weighted_mean(log_softmax(logits)[np.arange(len(y)), y], weight)


def prior_corrected(logits: Floats, prior: ArrayLike, natural: ArrayLike) -> Floats:
    """Logits (n, C) moved from the class prior that they embody to the natural one.

    logit_c + log natural_c - log prior_c (Saerens et al. 2002, eq. 2.4; the reverse is Menon et al. 2021,
    eq. 9). Only ratios within `prior` (C,) and `natural` (C,) matter. Raises ValueError where one is not
    finite and positive.
    """
    return np.asarray(logits + prior_shift(prior, natural, logits.shape[1]), dtype=np.float64)


def prior_shift(prior: ArrayLike, natural: ArrayLike, classes: int) -> Floats:
    """What `prior_corrected` adds to each logit (C,)."""
    to, away = checked_prior(natural, "natural", classes), checked_prior(prior, "prior", classes)
    return np.asarray(np.log(to) - np.log(away), dtype=np.float64)


def natural_prior(train_counts: ArrayLike) -> Floats:
    """The class prior (C,) of rows with these counts or masses per class; a class without any counts as half a row."""
    counts = np.maximum(train_counts, 0.5)
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def checked_prior(prior: ArrayLike, name: str, classes: int) -> Floats:
    """A prior (C,) that sums to 1; ValueError, with its `name`, where one number is not finite and positive."""
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


def fit_temperature(logits: Floats, y: Ints, weight: Floats | None = None) -> Temperature:
    """The scale (binary: and intercept) of least log loss on validation rows; it never raises that log loss.

    `weight` (n,): how much each row counts. Guo et al. 2017 (temperature), Platt 1999 (scale and intercept). The
    problem is convex. Where it has no finite solution or more than one:

    - separable rows (the scale would be infinite) are fitted to Platt's smoothed targets, (n_y + 1) / (n_y +
      C);
    - a best scale outside `bench.evaluation.temperature.SCALE_RANGE`, such as for inverted scores, is clipped to it;
    - binary with one class present: identity, since intercept and scale would be infinite;
    - binary with a constant margin: scale 1, the intercept that matches the base rate;
    - multi-class with logits constant within every row: identity. A class missing in validation is no
      obstacle.
    """
    _check_rows(logits, y)
    scale, bias, _ = fit_temperatures(logits[None], y[None], weight)
    return Temperature(float(scale[0]), float(bias[0]))


def refined_log_loss(logits: Floats, y: Ints, weight: Floats | None = None) -> float:
    """What `temperature.refined_log_losses` says of many, of one member; ValueError if logits are not finite."""
    _check_rows(logits, y)
    return float(refined_log_losses(logits[None], y[None], weight)[0])


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
