"""Dunnett's critical value: how far the best of several equally correlated t statistics gets by chance."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammainccinv, gammaincinv, gammaln, ndtr, stdtrit

Floats = npt.NDArray[np.float64]

_TAIL = 1e-13


@lru_cache(maxsize=1)
def _normal() -> tuple[Floats, Floats]:
    """Nodes and weights of the mean over a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return nodes, weights / weights.sum()


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(96)
    return nodes, weights


def _scale(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights of the mean over s = √(χ²/df)."""
    low, high = (math.sqrt(2 * float(f(df / 2, _TAIL)) / df) for f in (gammaincinv, gammainccinv))
    nodes, weights = _legendre()
    s = low + (high - low) * (nodes + 1) / 2
    log_density = (
        math.log(2) + df / 2 * math.log(df / 2) - float(gammaln(df / 2)) + (df - 1) * np.log(s) - df * s**2 / 2
    )
    mass = weights * np.exp(log_density)
    return s, mass / mass.sum()


@lru_cache(maxsize=65_536)
def one_sided(k: int, df: float, level: float = 0.05, correlation: float = 0.5) -> float:
    """h with P(max of k t statistics ≤ h) = 1 − level: common scale, df degrees of freedom, equal correlation.

    Dunnett (1955): a two-dimensional integral over what the statistics share, the baseline's mean and the scale.
    `level` of one comparison would be Student's quantile.

    Raises:
        ValueError: k below 1, or df not above 0.
    """
    if k < 1 or not df > 0:
        raise ValueError(f"expected arguments `k` of at least 1 and `df` above 0, but got {k} and {df}")
    if k == 1:
        return float(stdtrit(df, 1 - level))
    z, p = _normal()
    s, q = _scale(df)
    shared, own = math.sqrt(correlation) * z[:, None], math.sqrt(1 - correlation)

    def beyond(h: float) -> float:
        return float(p @ (ndtr((h * s[None, :] + shared) / own) ** k) @ q) - (1 - level)

    # Between the value of one comparison and Bonferroni's, by false position with a halved end (Illinois).
    low, high = float(stdtrit(df, 1 - level)) - 1e-9, float(stdtrit(df, 1 - level / k)) + 1e-9
    at_low, at_high = beyond(low), beyond(high)
    side = 0
    middle = high
    for _ in range(100):
        previous, middle = middle, (low * at_high - high * at_low) / (at_high - at_low)
        value = beyond(middle)
        if abs(middle - previous) < 1e-12 or value == 0 or high - low < 1e-12:
            break
        if value < 0:
            low, at_low = middle, value
            at_high = at_high / 2 if side < 0 else at_high
            side = -1
        else:
            high, at_high = middle, value
            at_low = at_low / 2 if side > 0 else at_low
            side = 1
    return middle
