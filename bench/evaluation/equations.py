"""Equations that many members solve at once, each its own: roots of increasing functions, and logistic fits.

Arrays (K, …) of K members are numpy's or torch's, and are computed where they are. A member that has converged leaves
the iteration, so what it gets does not depend on its company: with numpy it is the same to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import numpy as np

Array: TypeAlias = Any  # a numpy array or a torch tensor; one formula serves both, which have no common type

_MOST_STEPS: Final = 200


def numpy_or_torch(x: Array) -> Any:
    """The module whose functions take `x`; both know the few used here, by the same names."""
    if isinstance(x, np.ndarray):
        return np
    import torch  # noqa: PLC0415  # not for boards, which know only numpy

    return torch


def values_like(values: Iterable[float], like: Array) -> Array:
    """A few numbers, where and as what `like` is."""
    if isinstance(like, np.ndarray):
        return np.array([*values])
    return numpy_or_torch(like).tensor([*values], dtype=like.dtype, device=like.device)


def _log_odds(rate: Array) -> list[float]:
    return [math.log(p) - math.log1p(-p) for p in rate.tolist()]


def _columns(*columns: Array) -> Array:
    """A table of columns (K,); `stack` would do, at twice the time."""
    return numpy_or_torch(columns[0]).concatenate([column[:, None] for column in columns], 1)


def _dot(a: Array, b: Array) -> Array:
    """Inner products (K,) of rows."""
    return (a[:, None, :] @ b[:, :, None])[:, 0, 0]


def _of_these(members: Array, going: Array) -> Array:
    """The mask `members` (K,) without those of its members that `going` leaves out."""
    left = numpy_or_torch(members).zeros_like(members)
    left[members] = going
    return left


def expit(x: Array) -> Array:
    """The logistic function."""
    return 0.5 + 0.5 * numpy_or_torch(x).tanh(0.5 * x)


def offsets(z: Array, rate: Array, weight: Array | None = None) -> Array:
    """The intercepts (K,) with which the mean probabilities of margins `z` (K, n) equal `rate` (K,) inside (0, 1).

    `weight` (K, n): how much each row counts in that mean; None: all alike.
    """
    xp = numpy_or_torch(z)
    ends = (end.tolist() for end in (xp.amax(z, axis=-1), xp.amin(z, axis=-1), z.mean(axis=-1)))
    # Were all scores at one end, the intercept would be the level less that end.
    brackets = [Bracket(at - a, at - b, at - c) for at, a, b, c in zip(_log_odds(rate), *ends, strict=True)]
    rows: tuple[Array, ...] = (z, rate * z.shape[-1])
    if weight is not None:
        rows = (z, rate * weight.sum(axis=-1), weight)
    return values_like(roots(_excess, rows, brackets), z)


def _excess(offset: list[float], z: Array, total: Array, weight: Array | None = None) -> tuple[Array, Array]:
    p = expit(z + values_like(offset, z)[:, None])
    counted = p if weight is None else weight * p
    return counted.sum(axis=-1) - total, (counted * (1 - p)).sum(axis=-1)


class Bracket:
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


def roots(f: Callable[..., tuple[Array, Array]], rows: tuple[Array, ...], brackets: list[Bracket]) -> list[float]:
    """Each member's root of `f(x, *rows)`, which returns the values and derivatives (K,) at `x` from its `rows`.

    Of what is on a device, these two numbers a member leave it at each step.
    """
    unfinished = brackets
    for _ in range(_MOST_STEPS):
        found = zip(unfinished, *(v.tolist() for v in f([b.x for b in unfinished], *rows)), strict=True)
        going = [k for k, (bracket, *at) in enumerate(found) if bracket.narrow(*at)]
        if len(going) < len(unfinished):
            unfinished, rows = [unfinished[k] for k in going], tuple(r[going] for r in rows)
        if not unfinished:
            break
    return [bracket.x for bracket in brackets]


def logistic(z: Array, target: Array, weight: Array | None = None) -> tuple[Array, Array]:
    """Slopes and intercepts (K,) of logistic fits of `target` (K, n) in [0, 1] on `z` (K, n), by damped Newton steps.

    Expects that the finite optimum exists: `z` varies and does not separate the targets. `weight` (K, n), of mean 1:
    how much each row counts; None: all alike.
    """
    xp = numpy_or_torch(z)
    if not len(z):
        return z.sum(axis=-1), z.sum(axis=-1)
    centre = z.mean(axis=-1)
    spread = ((z - centre[:, None]) ** 2).mean(axis=-1) ** 0.5
    u = (z - centre[:, None]) / spread[:, None]
    counted = target if weight is None else weight * target
    sums = _columns(_dot(counted, u), counted.sum(axis=-1))
    rate = counted.mean(axis=-1)
    theta = _columns(xp.zeros_like(rate), values_like(_log_odds(rate), rate))
    found, unfinished = theta + 0.0, rate == rate  # noqa: PLR0124  # all
    line = _line(theta, u)
    value = _cross_entropy(line, theta, sums, weight)
    for _ in range(_MOST_STEPS):
        gradient, hessian = _derivatives(line, u, sums, weight)
        step = xp.linalg.solve(hessian, gradient[..., None])[..., 0]
        decrement = _dot(gradient, step)
        going = decrement > 1e-11 * (1 + abs(value))
        if not all(going.tolist()):
            found[unfinished] = theta - step
            if not any(going.tolist()):
                break
            unfinished = _of_these(unfinished, going)
            theta, u, sums, value, step, decrement = (v[going] for v in (theta, u, sums, value, step, decrement))
            weight = None if weight is None else weight[going]
        trial = theta - step
        line = _line(trial, u)
        entropy = _cross_entropy(line, trial, sums, weight)
        short, size = entropy > value - 1e-4 * decrement, xp.ones_like(value)
        while any(short.tolist()):
            size = xp.where(short, 0.5 * size, size)
            trial = theta - size[:, None] * step
            line = _line(trial, u)
            entropy = _cross_entropy(line, trial, sums, weight)
            short = (size > 1e-12) & (entropy > value - 1e-4 * size * decrement)
        theta, value = trial, entropy
    else:
        found[unfinished] = theta
    slope = found[:, 0] / spread
    return slope, found[:, 1] - slope * centre


def _line(theta: Array, u: Array) -> Array:
    return theta[:, :1] * u + theta[:, 1:]


def _cross_entropy(line: Array, theta: Array, sums: Array, weight: Array | None) -> Array:
    each = numpy_or_torch(line).logaddexp(0 * theta[:, :1], line)
    return (each if weight is None else weight * each).sum(axis=-1) - _dot(theta, sums)


def _derivatives(line: Array, u: Array, sums: Array, weight: Array | None) -> tuple[Array, Array]:
    """Gradient (K, 2) and Hessian (K, 2, 2) of the cross entropy."""
    p = expit(line)
    w = p * (1 - p)
    if weight is not None:
        p, w = weight * p, weight * w
    wu = w * u
    gradient = _columns(_dot(p, u), p.sum(axis=-1)) - sums
    first, mixed, last = _dot(wu, u), wu.sum(axis=-1), w.sum(axis=-1)
    # The ridge only matters where nearly every row is saturated; Newton then still points downhill.
    ridge = 1e-14 * (first + last + 1e-300)
    return gradient, _columns(first + ridge, mixed, mixed, last + ridge).reshape(-1, 2, 2)
