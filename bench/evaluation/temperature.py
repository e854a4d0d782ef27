"""Calibration of many members at once: temperatures, and the log loss at the best one (the score of early stopping).

Throughout: `logits` (K, n, C) float64 in nats and `y` (K, n) or (n,) int64 of K members with equally many rows, numpy
arrays or torch tensors; these are computed where they are. A member that has converged leaves the iteration, so what
it gets does not depend on its company: with numpy it is the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import numpy as np

Array: TypeAlias = Any  # a numpy array or a torch tensor; one formula serves both, which have no common type

SCALE_RANGE: Final = (1e-3, 1e3)
BLOCK: Final = 1 << 16  # logits of the members that numpy computes at once: several such tables fit the cache
MOST_STEPS: Final = 200


def refined_log_losses(logits: Array, y: Array) -> Array:
    """Log loss (K,) in nats of each member at its best temperature (binary: and intercept), for early stopping.

    "Refine, then calibrate" (Berta et al. 2025): it does not punish a training objective for the scale of its logits.
    On separable rows it is the infimum over scales, usually 0. NaN for a member whose logits are not all finite.
    """
    k, n, classes = logits.shape
    y = _of_each(y, logits)
    step = max(1, BLOCK // (n * classes)) if isinstance(logits, np.ndarray) else k
    if step >= k:
        return _scores(logits, y)
    return np.concatenate([_scores(logits[at : at + step], y[at : at + step]) for at in range(0, k, step)])


def _scores(logits: Array, y: Array) -> Array:
    finite = _numpy_or_torch(logits).isfinite(logits)
    if not bool(finite.all()):
        whole = finite.reshape(len(y), -1).all(axis=-1)
        scores = logits[:, 0, 0] + math.nan
        if any(whole.tolist()):
            scores[whole] = _scores(*_part(whole, logits, y))
        return scores
    problem = _problem(logits, y)
    if not any(problem.separable.tolist()):
        return problem.fit()[2]
    scores, others = problem.infimum(), ~problem.separable
    if any(others.tolist()):
        scores[others] = _problem(*_part(others, logits, y)).fit()[2]
    return scores


def fit_temperatures(logits: Array, y: Array) -> tuple[Array, Array, Array]:
    """Scale, intercept (0 unless C = 2) and log loss (K,) of each member's best recalibration of finite logits.

    The special cases are those of `bench.evaluation.views.fit_temperature`, member by member.
    """
    return _problem(logits, _of_each(y, logits)).fit()


def _of_each(y: Array, logits: Array) -> Array:
    """Labels (K, n)."""
    return y if y.ndim == 2 else _numpy_or_torch(y).broadcast_to(y, logits.shape[:2])


def _numpy_or_torch(x: Array) -> Any:
    """The module whose functions take `x`; both know the few used here, by the same names."""
    if isinstance(x, np.ndarray):
        return np
    import torch  # noqa: PLC0415  # not for boards, which know only numpy

    return torch


# --- the two problems ---------------------------------------------------------------------------------------


def _problem(logits: Array, y: Array) -> _Scaling | _Platt:
    return (_Platt if logits.shape[-1] == 2 else _Scaling)(logits, y)


class _Scaling:
    """Multi-class: one scale per member (Guo et al. 2017), the root of the derivative of a convex loss."""

    def __init__(self, logits: Array, y: Array) -> None:
        xp = self.xp = _numpy_or_torch(logits)
        self.logits, self.y = logits, y
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
        return self.xp.log((self.z == 0).sum(axis=-1, dtype=self.z.dtype)).mean(axis=-1)

    def fit(self) -> tuple[Array, Array, Array]:
        """Scale, intercept 0 and log loss (K,)."""
        xp, true = self.xp, self.true
        if any(self.separable.tolist()):
            hit, miss = _smoothed(self.y, self.z)
            smoothed = (hit - miss) * true + miss * self.z.sum(axis=-1)
            true = xp.where(self.separable[:, None], smoothed, true)
        # On a log axis the same relative precision costs the same everywhere in the range.
        low, high = map(math.log, SCALE_RANGE)
        roots = _roots(_slope, (self.z, true.sum(axis=-1)), [_Bracket(low, high, 0.0) for _ in true])
        scale = xp.where(self.varies, _numbers(map(math.exp, roots), true), 1.0)
        wide = scale[:, None, None]
        fitted = _log_losses(self.logits * wide - self.top * wide, self.y)
        plain = _log_losses(self.z, self.y, self.true)
        # Smoothed targets and rounding may lose to doing nothing, which then is the answer.
        better = fitted <= plain
        return xp.where(better, scale, 1.0), xp.zeros_like(scale), xp.where(better, fitted, plain)


def _slope(log_scale: list[float], z: Array, target: Array) -> tuple[Array, Array]:
    """Derivative (K,) of the log loss in the scale, and its own derivative on the log axis."""
    xp, scale = _numpy_or_torch(z), _numbers(map(math.exp, log_scale), z)
    p = xp.exp(scale[:, None, None] * z)
    p /= p.sum(axis=-1, keepdims=True)
    mean = xp.einsum("knc,knc->kn", p, z)
    variance = xp.einsum("knc,knc,knc->kn", p, z, z) - mean**2
    return mean.sum(axis=-1) - target, scale * variance.sum(axis=-1)


class _Platt:
    """Binary: logistic regression of y on the margin (Platt 1999), the slope kept inside `SCALE_RANGE`."""

    def __init__(self, logits: Array, y: Array) -> None:
        xp = self.xp = _numpy_or_torch(logits)
        self.logits, self.y = logits, y
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
        count = tied.sum(axis=-1, dtype=kind)
        rate = xp.where(count > 0, (tied & self.positive).sum(axis=-1, dtype=kind) / xp.clip(count, 1.0, None), 0.5)
        return count / tied.shape[-1] * -(rate * xp.log(rate) + (1 - rate) * xp.log(1 - rate))

    def fit(self) -> tuple[Array, Array, Array]:
        """Scale, intercept and log loss (K,)."""
        xp, target = self.xp, self.xp.zeros_like(self.z) + self.positive
        if any(self.separable.tolist()):
            hit, miss = _smoothed(self.y, self.logits)
            target = xp.where(self.separable[:, None], xp.where(self.positive, hit, miss), target)
        highest = xp.amax(xp.where(self.positive, self.z, -math.inf), axis=-1)
        lowest = xp.amin(xp.where(self.positive, math.inf, self.z), axis=-1)
        # Inverted scores would send the slope to minus infinity; the answer is the bound at once.
        solvable = self.both & self.varies & (highest > lowest)
        bias = xp.zeros_like(self.first)
        slope = bias - math.inf
        if any(solvable.tolist()):
            slope[solvable], bias[solvable] = logistic(*_part(solvable, self.z, target))
        scale = xp.where(self.both & self.varies, xp.clip(slope, *SCALE_RANGE), 1.0)
        # Convex: at a bound of the slope the constrained optimum is the best intercept for that slope.
        bound = self.both & (scale != slope)
        if any(bound.tolist()):
            z, rate = _part(bound, scale[:, None] * self.z, target.mean(axis=-1))
            bias[bound] = offsets(z, rate)
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
        return -(true - xp.log(xp.exp(negative) + xp.exp(positive))).mean(axis=-1)


def _part(members: Array, *rows: Array) -> tuple[Array, ...]:
    """The rows of some of the members, of which `members` (K,) is the mask."""
    return rows if all(members.tolist()) else tuple(r[members] for r in rows)


def _of_true(values: Array, y: Array) -> Array:
    """Of `values` (K, n, C) those of the true class, (K, n)."""
    if isinstance(values, np.ndarray):
        flat = values.reshape(-1, values.shape[-1])
        return flat[np.arange(len(flat)), y.reshape(-1)].reshape(y.shape)
    return values.gather(-1, y[..., None])[..., 0]


def _log_losses(z: Array, y: Array, true: Array | None = None) -> Array:
    """Mean negative log probability (K,) of the true class; `z` (K, n, C) are logits less their row's highest."""
    xp, true = _numpy_or_torch(z), _of_true(z, y) if true is None else true
    return -(true - xp.log(xp.exp(z).sum(axis=-1))).mean(axis=-1)


def _smoothed(y: Array, logits: Array) -> tuple[Array, Array]:
    """Platt's targets (K, n): for the true class of each row, and for each of its other classes."""
    xp, classes = _numpy_or_torch(y), logits.shape[-1]
    count = xp.zeros_like(logits[..., 0]) + xp.stack([xp.bincount(own, minlength=classes)[own] for own in y])
    return (count + 1.0) / (count + classes), 1.0 / (count + classes)


# --- equations, each member's own ---------------------------------------------------------------------------


def _numbers(values: Iterable[float], like: Array) -> Array:
    """A few numbers, where and as what `like` is."""
    if isinstance(like, np.ndarray):
        return np.array([*values])
    return _numpy_or_torch(like).tensor([*values], dtype=like.dtype, device=like.device)


def _log_odds(rate: Array) -> list[float]:
    return [math.log(p) - math.log1p(-p) for p in rate.tolist()]


def _columns(*columns: Array) -> Array:
    """A table of columns (K,); `stack` would do, at twice the time."""
    return _numpy_or_torch(columns[0]).concatenate([column[:, None] for column in columns], 1)


def _dot(a: Array, b: Array) -> Array:
    """Inner products (K,) of rows."""
    return (a[:, None, :] @ b[:, :, None])[:, 0, 0]


def _of_these(members: Array, going: Array) -> Array:
    """The mask `members` (K,) without those of its members that `going` leaves out."""
    left = _numpy_or_torch(members).zeros_like(members)
    left[members] = going
    return left


def expit(x: Array) -> Array:
    """The logistic function."""
    return 0.5 + 0.5 * _numpy_or_torch(x).tanh(0.5 * x)


def offsets(z: Array, rate: Array) -> Array:
    """The intercepts (K,) with which the mean probabilities of margins `z` (K, n) equal `rate` (K,) inside (0, 1)."""
    xp = _numpy_or_torch(z)
    ends = (end.tolist() for end in (xp.amax(z, axis=-1), xp.amin(z, axis=-1), z.mean(axis=-1)))
    # Were all scores at one end, the intercept would be the level less that end.
    brackets = [_Bracket(at - a, at - b, at - c) for at, a, b, c in zip(_log_odds(rate), *ends, strict=True)]
    return _numbers(_roots(_excess, (z, rate * z.shape[-1]), brackets), z)


def _excess(offset: list[float], z: Array, total: Array) -> tuple[Array, Array]:
    p = expit(z + _numbers(offset, z)[:, None])
    return p.sum(axis=-1) - total, (p * (1 - p)).sum(axis=-1)


class _Bracket:
    """The root of one increasing function: Newton inside a bracket, from `x` between `low` and `high`.

    It bisects where Newton leaves the bracket or stops halving its steps (as rtsafe in Press et al.); where there is no
    root inside it ends at the nearer end. Plain numbers: of two a step, arrays cost more than the step.
    """

    def __init__(self, low: float, high: float, x: float) -> None:
        self.low, self.high, self.x, self.stride = low, high, x, abs(high - low)

    def narrow(self, value: float, derivative: float) -> bool:
        """Move on, given the function at `x`; whether `x` has not settled yet."""
        x = self.x
        self.low, self.high = (self.low, x) if value > 0 else (x, self.high)
        newton = x - value / derivative if derivative > 0 else math.nan
        inside = self.low <= newton <= self.high and abs(newton - x) <= 0.5 * self.stride
        self.x = newton if inside else 0.5 * (self.low + self.high)
        self.stride = abs(self.x - x)
        return self.stride > 1e-13 * max(1.0, abs(self.x))


def _roots(f: Callable[..., tuple[Array, Array]], rows: tuple[Array, ...], brackets: list[_Bracket]) -> list[float]:
    """Each member's root of `f(x, *rows)`, which returns the values and derivatives (K,) at `x` from its `rows`.

    Of what is on a device, these two numbers a member leave it at each step.
    """
    unfinished = brackets
    for _ in range(MOST_STEPS):
        found = zip(unfinished, *(v.tolist() for v in f([b.x for b in unfinished], *rows)), strict=True)
        going = [k for k, (bracket, *at) in enumerate(found) if bracket.narrow(*at)]
        if len(going) < len(unfinished):
            unfinished, rows = [unfinished[k] for k in going], tuple(r[going] for r in rows)
        if not unfinished:
            break
    return [bracket.x for bracket in brackets]


def logistic(z: Array, target: Array) -> tuple[Array, Array]:
    """Slopes and intercepts (K,) of logistic fits of `target` (K, n) in [0, 1] on `z` (K, n), by damped Newton steps.

    Expects that the finite optimum exists: `z` varies and does not separate the targets.
    """
    xp = _numpy_or_torch(z)
    if not len(z):
        return z.sum(axis=-1), z.sum(axis=-1)
    centre = z.mean(axis=-1)
    spread = ((z - centre[:, None]) ** 2).mean(axis=-1) ** 0.5
    u = (z - centre[:, None]) / spread[:, None]
    sums = _columns(_dot(target, u), target.sum(axis=-1))
    rate = target.mean(axis=-1)
    theta = _columns(xp.zeros_like(rate), _numbers(_log_odds(rate), rate))
    found, unfinished = theta + 0.0, rate == rate  # noqa: PLR0124  # all
    line = _line(theta, u)
    value = _cross_entropy(line, theta, sums)
    for _ in range(MOST_STEPS):
        gradient, hessian = _derivatives(line, u, sums)
        step = xp.linalg.solve(hessian, gradient[..., None])[..., 0]
        decrement = _dot(gradient, step)
        going = decrement > 1e-11 * (1 + abs(value))
        if not all(going.tolist()):
            found[unfinished] = theta - step
            if not any(going.tolist()):
                break
            unfinished = _of_these(unfinished, going)
            theta, u, sums, value, step, decrement = (v[going] for v in (theta, u, sums, value, step, decrement))
        trial = theta - step
        line = _line(trial, u)
        entropy = _cross_entropy(line, trial, sums)
        short, size = entropy > value - 1e-4 * decrement, xp.ones_like(value)
        while any(short.tolist()):
            size = xp.where(short, 0.5 * size, size)
            trial = theta - size[:, None] * step
            line = _line(trial, u)
            entropy = _cross_entropy(line, trial, sums)
            short = (size > 1e-12) & (entropy > value - 1e-4 * size * decrement)
        theta, value = trial, entropy
    else:
        found[unfinished] = theta
    slope = found[:, 0] / spread
    return slope, found[:, 1] - slope * centre


def _line(theta: Array, u: Array) -> Array:
    return theta[:, :1] * u + theta[:, 1:]


def _cross_entropy(line: Array, theta: Array, sums: Array) -> Array:
    return _numpy_or_torch(line).logaddexp(0 * theta[:, :1], line).sum(axis=-1) - _dot(theta, sums)


def _derivatives(line: Array, u: Array, sums: Array) -> tuple[Array, Array]:
    """Gradient (K, 2) and Hessian (K, 2, 2) of the cross entropy."""
    p = expit(line)
    w = p * (1 - p)
    wu = w * u
    gradient = _columns(_dot(p, u), p.sum(axis=-1)) - sums
    first, mixed, last = _dot(wu, u), wu.sum(axis=-1), w.sum(axis=-1)
    # The ridge only matters where nearly every row is saturated; Newton then still points downhill.
    ridge = 1e-14 * (first + last + 1e-300)
    return gradient, _columns(first + ridge, mixed, mixed, last + ridge).reshape(-1, 2, 2)
