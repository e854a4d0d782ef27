"""What decisions cost: a cost for each of four outcomes, of every row its own (Elkan 2001, section 2).

A row is called positive where that is expected to cost less: where its log odds exceed
log((c_fp - c_tn) / (c_fn - c_tp)), the row's break-even. That is exact for calibrated probabilities (Elkan 2001, eq. 2;
per row: Bahnsen et al. 2013). Probabilities are calibrated at best on average, so log odds are taken from the
recalibrated view, and how far above its break-even a row must be is a threshold of least cost on validation rows; 0 is
Elkan's rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np

from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints
from bench.evaluation.weighting import weighted_mean

OUTCOMES: Final = ("tn", "fp", "fn", "tp")
"""Columns of costs: true negative, false positive, false negative, true positive."""
COST_RULES: Final = ("default", "tuned", "cost")
"""The two rules that know no costs, and the one of least cost on validation rows."""

_FARTHEST: Final = 500.0  # break-evens in log odds: where a mistake costs nothing


def checked_costs(costs: Floats, n: int) -> Floats:
    """Costs (n, 4) in the order of `OUTCOMES`.

    Raises:
        ValueError: another shape, numbers that are not finite, or a mistake that costs less than the right decision.
    """
    found = np.asarray(costs, dtype=np.float64)
    if found.shape != (n, len(OUTCOMES)) or not bool(np.isfinite(found).all()):
        raise ValueError(f"Expected finite costs ({n}, 4) of {', '.join(OUTCOMES)}, got shape {found.shape}.")
    if bool((found[:, 1] < found[:, 0]).any()) or bool((found[:, 2] < found[:, 3]).any()):
        raise ValueError("Expected mistakes to cost at least what right decisions do (fp >= tn, fn >= tp), got less.")
    return found


def break_even(costs: Floats) -> Floats:
    """The log odds (n,) at which both decisions are expected to cost the same; costs (n, 4).

    Where one mistake costs nothing, as far as log odds go to its side; where neither does, 0.
    """
    tn, fp, fn, tp = costs.T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.nan_to_num(np.log(fp - tn) - np.log(fn - tp), nan=0.0, posinf=np.inf, neginf=-np.inf)
    return np.asarray(np.clip(found, -_FARTHEST, _FARTHEST), dtype=np.float64)


def paid(decided: Ints, y: Ints, costs: Floats) -> Floats:
    """The cost (n,) of each decision (n,), labels (n,)."""
    return np.asarray(costs[np.arange(len(y)), 2 * y + decided], dtype=np.float64)


def fit_cost_threshold(above: Floats, y: Ints, costs: Floats, weight: Floats | None = None) -> float:
    """How far above its break-even a row must be (strictly) to be called positive, for the least cost.

    `above` (n,): log odds less break-even, of validation rows. Of tied intervals the one nearest 0 counts: 0 itself
    where it is inside, else the middle of the interval.
    """
    order = np.argsort(-above, kind="stable")
    ranked, gain = above[order], (paid(np.ones_like(y), y, costs) - paid(np.zeros_like(y), y, costs))[order]
    if weight is not None:
        gain = gain * weight[order]
    cuts = np.append(np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True)), -1)  # the last: nobody
    total = np.append(0.0, np.cumsum(gain))[cuts + 1]
    best = cuts[total <= total.min() + 1e-9 * max(1.0, float(np.abs(gain).sum()))]
    high = np.where(best < 0, np.inf, ranked[best])  # positive are those down to here,
    low = np.where(best < 0, ranked[0], np.append(ranked[1:], -np.inf)[best])  # and not those from here on
    inside = (low <= 0) & (high > 0)
    if inside.any():
        return 0.0
    nearest = int(np.argmin(np.minimum(np.abs(high), np.abs(low))))
    top, bottom = float(high[nearest]), float(low[nearest])
    if np.isinf(top):
        return bottom
    if np.isinf(bottom):
        return top - 1.0
    middle = 0.5 * top + 0.5 * bottom
    return middle if bottom <= middle < top else bottom


class Spending:
    """What cost metrics are given: decisions (n,) under one rule, labels, costs (n, 4), weights (n,) or None."""

    def __init__(self, decided: Ints, y: Ints, costs: Floats, weight: Floats | None) -> None:
        self.decided, self.y, self.costs, self.weight = decided, y, costs, weight

    @cached_property
    def mean(self) -> float:
        """Cost of a row."""
        return weighted_mean(paid(self.decided, self.y, self.costs), self.weight)

    @cached_property
    def of_one_answer(self) -> float:
        """Cost of a row where all are called alike, whichever is cheaper."""
        ones = np.ones_like(self.y)
        return min(weighted_mean(paid(one, self.y, self.costs), self.weight) for one in (ones, 0 * ones))

    def savings(self) -> float:
        """Share of that which is saved (Bahnsen et al. 2015).

        Raises:
            UndefinedMetricError: there is nothing to save of.
        """
        if self.of_one_answer <= 0:
            raise UndefinedMetricError("calling all rows alike costs nothing, or pays")
        return 1 - self.mean / self.of_one_answer


def rules_of_cost(above: Floats, threshold: float, decided: Mapping[str, Ints]) -> dict[str, Ints]:
    """Decisions (n,) under `COST_RULES`; `decided`: those that know no costs."""
    return {**decided, "cost": (above > threshold).astype(np.int64)}


class Cost(Metric[Spending]):
    """A metric of what decisions cost, where the data say it (`data.cost`)."""

    kind, views, panel, needs = "cost", COST_RULES, "decisions", "cost"
