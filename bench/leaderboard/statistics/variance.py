"""Variances of differences from few repeats: moderated, and what overlapping training sets add."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import polygamma, psi

Floats = npt.NDArray[np.float64]


def trigamma_inverse(value: float) -> float:
    """x with ψ′(x) = value > 0, by Newton's method on 1/ψ′, which is nearly linear (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(value**-0.5)
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(60):
        now = float(polygamma(1, x))
        step = now * (1 - now / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-15 * x:
            break
    return float(x)


def moderated(variances: Floats, nu: Floats, strategies: int) -> tuple[Floats, Floats]:
    """Moderated variances and their degrees of freedom (Smyth 2004, with d0 capped).

    With few repeats a variance of its own is a lottery. Lucky small variances are lifted towards the typical one,
    noisy ones are kept. d0, what the other variances are worth, is at most ν · min(2, k/4): all differences share the
    noise of `none`. (Pooled variances, uncapped and mixed-model shrinkage had 7 to 29% false winners.)

    Args:
        variances: (m,), above zero.
        nu: (m,), their degrees of freedom.
        strategies: k, how many strategies stand beside the baseline; with one, its own variance is kept.
    """
    if strategies < 2 or len(variances) < 2:
        return variances, nu
    e = np.log(variances) - psi(nu / 2) + np.log(nu / 2)
    beyond = float(e.var(ddof=1) - polygamma(1, nu / 2).mean())
    if beyond > 0:
        d0 = 2 * trigamma_inverse(beyond)
        typical = float(np.exp(e.mean() + psi(d0 / 2) - np.log(d0 / 2)))
    else:
        d0, typical = np.inf, float(np.exp(e.mean()))
    weight = np.minimum(d0, nu * min(2.0, strategies / 4))
    return np.maximum(variances, (weight * typical + nu * variances) / (weight + nu)), weight + nu


def overlap(ratio: float, variances: Floats, seeds: Sequence[Floats], averaged: int = 1) -> tuple[float, bool]:
    """What overlapping training sets add to 1/n in the variance of a mean *difference*, and whether it was estimated.

    Nadeau and Bengio's n_test / n_train is right for scores and for stable learners on much data; for differences of
    networks it is up to ten times too large, because most of their noise is the seed's, which splits do not share:
    c = ratio · clip(1 − A/B, .5, 1), A the variance that seeds make on one split and B the whole.

    Args:
        ratio: n_test / n_train.
        variances: (m,), s² of each difference over repeats, above zero.
        seeds: the differences (m, seeds) on each split with several seeds; NaN where a run is missing.
        averaged: how many seeds are averaged in a repeat.
    """
    usable = [d for d in seeds if d.shape[1] > 1]
    if len(usable) < 2 or not len(variances):
        return ratio, False
    within = np.stack([d.var(axis=1, ddof=1) for d in usable], axis=1).mean(axis=1) / averaged
    known = np.isfinite(within)
    if not known.any():
        return ratio, False
    share = 1 - float(within[known].sum()) / float(variances[known].sum())
    return ratio * min(1.0, max(0.5, share)), True
