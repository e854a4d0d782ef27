"""Calibration of many members at once: temperatures, and the log loss at the best one (the score of early stopping).

Throughout: `logits` (K, n, C) float64 in nats and `y` (K, n) or (n,) int64 of K members with equally many rows, numpy
arrays or torch tensors; these are computed where they are. A member that has converged leaves the iteration, so what
it gets does not depend on its company: with numpy it is the same to the last bit. `weight` (K, n) or (n,), at any
positive scale, says how much each row counts; None: all alike.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from bench.evaluation.equations import Array, Bracket, logistic, numpy_or_torch, offsets, roots, values_like

SCALE_RANGE: Final = (1e-3, 1e3)
BLOCK: Final = 1 << 16  # logits of the members that numpy computes at once: several such tables fit the cache


def refined_log_losses(logits: Array, y: Array, weight: Array | None = None) -> Array:
    """Log loss (K,) in nats of each member at its best temperature (binary: and intercept), for early stopping.

    "Refine, then calibrate" (Berta et al. 2025): it does not punish a training objective for the scale of its logits.
    On separable rows it is the infimum over scales, usually 0. NaN for a member whose logits are not all finite.
    """
    k, n, classes = logits.shape
    y, weight = _of_each(y, logits), _weights_of_each(weight, logits)
    step = max(1, BLOCK // (n * classes)) if isinstance(logits, np.ndarray) else k
    if step >= k:
        return _scores(logits, y, weight)
    blocks = [slice(at, at + step) for at in range(0, k, step)]
    return np.concatenate([_scores(logits[b], y[b], None if weight is None else weight[b]) for b in blocks])


def _scores(logits: Array, y: Array, weight: Array | None) -> Array:
    finite = numpy_or_torch(logits).isfinite(logits)
    if not bool(finite.all()):
        whole = finite.reshape(len(y), -1).all(axis=-1)
        scores = logits[:, 0, 0] + math.nan
        if any(whole.tolist()):
            scores[whole] = _scores(*_part(whole, logits, y, weight))
        return scores
    problem = _problem(logits, y, weight)
    if not any(problem.separable.tolist()):
        return problem.fit()[2]
    scores, others = problem.infimum(), ~problem.separable
    if any(others.tolist()):
        scores[others] = _problem(*_part(others, logits, y, weight)).fit()[2]
    return scores


def fit_temperatures(logits: Array, y: Array, weight: Array | None = None) -> tuple[Array, Array, Array]:
    """Scale, intercept (0 unless C = 2) and log loss (K,) of each member's best recalibration of finite logits.

    The special cases are those of `bench.evaluation.views.fit_temperature`, member by member.
    """
    return _problem(logits, _of_each(y, logits), _weights_of_each(weight, logits)).fit()


def _of_each(y: Array, logits: Array) -> Array:
    """Labels (K, n)."""
    return y if y.ndim == 2 else numpy_or_torch(y).broadcast_to(y, logits.shape[:2])


def _weights_of_each(weight: Array | None, logits: Array) -> Array | None:
    """Weights (K, n) of mean 1 for each member."""
    return None if weight is None else _of_each(weight / weight.mean(axis=-1)[..., None], logits)


def _mean(values: Array, weight: Array | None) -> Array:
    """Means (K,) over rows of `values` (K, n), by weights of mean 1."""
    return values.mean(axis=-1) if weight is None else (weight * values).mean(axis=-1)


# --- the two problems ---------------------------------------------------------------------------------------


def _problem(logits: Array, y: Array, weight: Array | None) -> _Scaling | _Platt:
    return (_Platt if logits.shape[-1] == 2 else _Scaling)(logits, y, weight)


class _Scaling:
    """Multi-class: one scale per member (Guo et al. 2017), the root of the derivative of a convex loss."""

    def __init__(self, logits: Array, y: Array, weight: Array | None) -> None:
        xp = self.xp = numpy_or_torch(logits)
        self.logits, self.y, self.weight = logits, y, weight
        self.top = xp.amax(logits, axis=-1, keepdims=True)
        self.z = logits - self.top
        self.true = _of_true(self.z, y)
        missed = self.varies = (self.true < 0).any(axis=-1)
        if not all(missed.tolist()):
            self.varies = (self.z < 0).reshape(len(y), -1).any(axis=-1)
        self.separable = self.varies & ~missed

    def infimum(self) -> Array:
        """The log loss (K,) of separable members, approached as the scale grows without end."""
        # What remains are ties with the true class: with ever larger scale they share the probability.
        return _mean(self.xp.log((self.z == 0).sum(axis=-1, dtype=self.z.dtype)), self.weight)

    def fit(self) -> tuple[Array, Array, Array]:
        """Scale, intercept 0 and log loss (K,)."""
        xp, true = self.xp, self.true
        if any(self.separable.tolist()):
            hit, miss = _smoothed(self.y, self.z, self.weight)
            smoothed = (hit - miss) * true + miss * self.z.sum(axis=-1)
            true = xp.where(self.separable[:, None], smoothed, true)
        # On a log axis the same relative precision costs the same everywhere in the range.
        low, high = map(math.log, SCALE_RANGE)
        rows: tuple[Array, ...] = (self.z, true.sum(axis=-1))
        if self.weight is not None:
            rows = (self.z, (self.weight * true).sum(axis=-1), self.weight)
        found = roots(_slope, rows, [Bracket(low, high, 0.0) for _ in true])
        scale = xp.where(self.varies, values_like(map(math.exp, found), true), 1.0)
        wide = scale[:, None, None]
        fitted = _log_losses(self.logits * wide - self.top * wide, self.y, self.weight)
        plain = _log_losses(self.z, self.y, self.weight, self.true)
        # Smoothed targets and rounding may lose to doing nothing, which then is the answer.
        better = fitted <= plain
        return xp.where(better, scale, 1.0), xp.zeros_like(scale), xp.where(better, fitted, plain)


def _slope(log_scale: list[float], z: Array, target: Array, weight: Array | None = None) -> tuple[Array, Array]:
    """Derivative (K,) of the log loss in the scale, and its own derivative on the log axis."""
    xp, scale = numpy_or_torch(z), values_like(map(math.exp, log_scale), z)
    p = xp.exp(scale[:, None, None] * z)
    p /= p.sum(axis=-1, keepdims=True)
    mean = xp.einsum("knc,knc->kn", p, z)
    variance = xp.einsum("knc,knc,knc->kn", p, z, z) - mean**2
    if weight is not None:
        mean, variance = weight * mean, weight * variance
    return mean.sum(axis=-1) - target, scale * variance.sum(axis=-1)


class _Platt:
    """Binary: logistic regression of y on the margin (Platt 1999), the slope kept inside `SCALE_RANGE`."""

    def __init__(self, logits: Array, y: Array, weight: Array | None) -> None:
        xp = self.xp = numpy_or_torch(logits)
        self.logits, self.y, self.weight = logits, y, weight
        z = self.z = logits[..., 1] - logits[..., 0]
        positive = self.positive = y == 1
        count = positive.sum(axis=-1)
        self.both = (count > 0) & (count < z.shape[-1])
        self.varies = xp.amin(z, axis=-1) != xp.amax(z, axis=-1)
        self.first = xp.amin(xp.where(positive, z, math.inf), axis=-1)  # the lowest positive
        self.last = xp.amax(xp.where(positive, -math.inf, z), axis=-1)  # the highest negative
        self.separable = self.both & self.varies & (self.last <= self.first)

    def infimum(self) -> Array:
        """The log loss (K,) of separable members, approached as the scale grows without end."""
        # Rows of both classes with one score keep their entropy.
        xp, kind = self.xp, self.z.dtype
        tied = (self.z == self.first[:, None]) & (self.last == self.first)[:, None]
        if self.weight is None:
            count, found = tied.sum(axis=-1, dtype=kind), (tied & self.positive).sum(axis=-1, dtype=kind)
        else:
            count, found = (self.weight * tied).sum(axis=-1), (self.weight * (tied & self.positive)).sum(axis=-1)
        rate = xp.where(count > 0, found / xp.where(count > 0, count, 1.0), 0.5)
        return count / tied.shape[-1] * -(rate * xp.log(rate) + (1 - rate) * xp.log(1 - rate))

    def fit(self) -> tuple[Array, Array, Array]:
        """Scale, intercept and log loss (K,)."""
        xp, target = self.xp, self.xp.zeros_like(self.z) + self.positive
        if any(self.separable.tolist()):
            hit, miss = _smoothed(self.y, self.logits, self.weight)
            target = xp.where(self.separable[:, None], xp.where(self.positive, hit, miss), target)
        highest = xp.amax(xp.where(self.positive, self.z, -math.inf), axis=-1)
        lowest = xp.amin(xp.where(self.positive, math.inf, self.z), axis=-1)
        # Inverted scores would send the slope to minus infinity; the answer is the bound at once.
        solvable = self.both & self.varies & (highest > lowest)
        bias = xp.zeros_like(self.first)
        slope = bias - math.inf
        if any(solvable.tolist()):
            slope[solvable], bias[solvable] = logistic(*_part(solvable, self.z, target, self.weight))
        scale = xp.where(self.both & self.varies, xp.clip(slope, *SCALE_RANGE), 1.0)
        # Convex: at a bound of the slope the constrained optimum is the best intercept for that slope.
        bound = self.both & (scale != slope)
        if any(bound.tolist()):
            bias[bound] = offsets(*_part(bound, scale[:, None] * self.z, _mean(target, self.weight), self.weight))
        fitted, plain = self.loss(scale, bias), self.loss(xp.ones_like(scale), xp.zeros_like(bias))
        # Smoothed targets and rounding may lose to doing nothing, which then is the answer.
        better = fitted <= plain
        return xp.where(better, scale, 1.0), xp.where(better, bias, 0.0), xp.where(better, fitted, plain)

    def loss(self, scale: Array, bias: Array) -> Array:
        """Log loss (K,) of the logits as recalibrated; column by column, as rows of two numbers are slow to reduce."""
        xp = self.xp
        negative, positive = self.logits[..., 0] * scale[:, None], self.logits[..., 1] * scale[:, None] + bias[:, None]
        top = xp.maximum(negative, positive)
        negative, positive = negative - top, positive - top
        true = xp.where(self.positive, positive, negative)
        return -_mean(true - xp.log(xp.exp(negative) + xp.exp(positive)), self.weight)


def _part(members: Array, *rows: Array | None) -> tuple[Array, ...]:
    """The rows of some of the members, of which `members` (K,) is the mask."""
    return rows if all(members.tolist()) else tuple(None if r is None else r[members] for r in rows)


def _of_true(values: Array, y: Array) -> Array:
    """Of `values` (K, n, C) those of the true class, (K, n)."""
    if isinstance(values, np.ndarray):
        flat = values.reshape(-1, values.shape[-1])
        return flat[np.arange(len(flat)), y.reshape(-1)].reshape(y.shape)
    return values.gather(-1, y[..., None])[..., 0]


def _log_losses(z: Array, y: Array, weight: Array | None, true: Array | None = None) -> Array:
    """Mean negative log probability (K,) of the true class; `z` (K, n, C) are logits less their row's highest."""
    xp, true = numpy_or_torch(z), _of_true(z, y) if true is None else true
    return -_mean(true - xp.log(xp.exp(z).sum(axis=-1)), weight)


def _smoothed(y: Array, logits: Array, weight: Array | None) -> tuple[Array, Array]:
    """Platt's targets (K, n): for the true class of each row, and for each of its other classes.

    Smoothing is about how many rows there are, so weights count with a mean of 1 whatever they sum to.
    """
    xp, classes = numpy_or_torch(y), logits.shape[-1]
    each = [None] * len(y) if weight is None else weight
    counts = [xp.bincount(own, weights=w, minlength=classes)[own] for own, w in zip(y, each, strict=True)]
    count = xp.zeros_like(logits[..., 0]) + xp.stack(counts)
    return (count + 1.0) / (count + classes), 1.0 / (count + classes)
