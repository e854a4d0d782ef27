"""The rule of verdicts a second time, in plain Python and scipy, from its text: the witness of `verdicts.judge`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance
from typing import Any

from scipy import integrate, optimize, stats
from scipy.special import ndtr, polygamma, psi


def moderate(own: Sequence[float], nu: float, k: int) -> tuple[list[float], float]:
    """v_i and df from variances s_i² of nu degrees of freedom."""
    if k == 1:
        return list(own), nu
    e = [math.log(s) - psi(nu / 2) + math.log(nu / 2) for s in own]
    big_v = variance(e) - float(polygamma(1, nu / 2))
    if big_v > 0:
        half = optimize.brentq(
            lambda x: float(polygamma(1, x)) - big_v, 1e-8, 1e12, xtol=1e-300, rtol=1e-15, maxiter=999
        )
        d0 = 2 * half
        typical = math.exp(fmean(e) + psi(half) - math.log(half))
    else:
        d0, typical = math.inf, math.exp(fmean(e))
    d0 = min(d0, nu * min(2, k / 4))
    return [max(s, (d0 * typical + nu * s) / (d0 + nu)) for s in own], d0 + nu


def beyond_all(h: float, k: int, df: float) -> float:
    """P(max of k t statistics > h), correlation 1/2, by nested adaptive integration."""
    scale = stats.chi(df, scale=1 / math.sqrt(df))

    def given_scale(s: float) -> float:
        def density(z: float) -> float:
            return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * float(ndtr(math.sqrt(2) * h * s + z)) ** k

        return float(integrate.quad(density, -9, 9, epsabs=1e-12)[0])

    low, high = scale.ppf(1e-13), scale.isf(1e-13)
    return 1 - float(integrate.quad(lambda s: scale.pdf(s) * given_scale(s), low, high, epsabs=1e-11, limit=200)[0])


def rule(
    scores: Mapping[str, Sequence[float]],
    none: str,
    q: float,
    extra: Mapping[str, tuple[float, float]] | None,
    h: Any,
    *,
    rope: float = 0.01,
) -> dict[str, Any]:
    """Everything about n repeats over splits; `extra` holds a further seed on the first two. Higher is better."""
    n = len(scores[none])
    nu = n - 1
    others = [s for s in scores if s != none]
    d = {i: [a - b for a, b in zip(scores[i], scores[none], strict=True)] for i in others}
    s2 = {i: variance(d[i]) for i in others}
    others = [i for i in others if s2[i] > 0]
    k = len(others)
    c = q
    if extra is not None:
        a = 0.0
        for i in others:
            further = [extra[i][r] - extra[none][r] for r in (0, 1)]
            a += 0.5 * ((d[i][0] - further[0]) ** 2 + (d[i][1] - further[1]) ** 2) / 2
        c = q * min(1.0, max(0.5, 1 - a / sum(s2[i] for i in others)))
    v, df = moderate([s2[i] for i in others], nu, k)
    found: dict[str, Any] = {"c": c, "df": df, "differences": {}, "best": set()}
    p = {}
    for i, v_i in zip(others, v, strict=True):
        mean, error = fmean(d[i]), math.sqrt(v_i * (1 / n + c))
        half = stats.t.ppf(0.975, df) * error
        p[i] = 2 * stats.t.sf(abs(mean) / error, df)
        found["differences"][i] = (mean, mean - half, mean + half, p[i], error)
    worst = 0.0
    found["adjusted"], found["verdicts"] = {}, {}
    for step, i in enumerate(sorted(others, key=lambda i: p[i])):
        worst = max(worst, min(1.0, (k - step) * p[i]))
        found["adjusted"][i] = worst
        mean, *_, error = found["differences"][i]
        inner = stats.t.ppf(0.95, df) * error
        verdict = "undecided"
        if -rope < mean - inner and mean + inner < rope:
            verdict = "same"
        if worst <= 0.05:
            verdict = "better" if mean > 0 else "worse"
        found["verdicts"][i] = verdict
    everyone = [none, *others]
    pairs = [(i, j) for at, i in enumerate(everyone) for j in everyone[at + 1 :]]
    gap = {(i, j): [a - b for a, b in zip(scores[i], scores[j], strict=True)] for i, j in pairs}
    v_pairs, df_pairs = moderate([variance(gap[pair]) for pair in pairs], nu, k)
    critical = h(k, df_pairs)
    beaten = set()
    for (i, j), v_ij in zip(pairs, v_pairs, strict=True):
        lead, reach = fmean(gap[i, j]), critical * math.sqrt(v_ij * (1 / n + c))
        if lead > reach:
            beaten.add(j)
        if -lead > reach:
            beaten.add(i)
    found["best"] = {i for i in everyone if i not in beaten}
    return found
