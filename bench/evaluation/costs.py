"""What decisions cost: a cost for every pair of true and decided class, of every row its own (Elkan 2001, section 2).

Of two classes a row is called positive where that is expected to cost less: where its log odds exceed
log((c_fp - c_tn) / (c_fn - c_tp)), the row's break-even. That is exact for calibrated probabilities (Elkan 2001, eq. 2;
per row: Bahnsen et al. 2013). Probabilities are calibrated at best on average, so log odds are taken from the
recalibrated view, and how far above its break-even a row must be is a threshold fitted on validation rows, drawn
towards 0, Elkan's rule, where rows are few. Of several classes each row gets the one that is expected to cost least.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np

from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints
from bench.evaluation.weighting import weighted_mean

COST_RULES: Final = ("default", "tuned", "cost")
"""The two rules that know no costs, and the one of least cost on validation rows."""

_TRUST: Final = 50  # rows of the rarer class at which a fitted threshold counts as much as Elkan's
_FARTHEST: Final = 500.0  # break-evens in log odds: where a mistake costs nothing


def checked_costs(costs: Floats, n: int, classes: int = 2) -> Floats:
    """Costs (n, C²), at c · C + d of deciding for d where c is true; of two classes tn, fp, fn, tp.

    Raises:
        ValueError: another shape, numbers that are not finite, or a mistake that costs less than the right decision.
    """
    found = np.asarray(costs, dtype=np.float64)
    if found.shape != (n, classes**2) or not bool(np.isfinite(found).all()):
        raise ValueError(f"Expected finite costs ({n}, {classes**2}) of pairs of classes, got shape {found.shape}.")
    cells = found.reshape(n, classes, classes)
    if bool((cells < cells.diagonal(axis1=1, axis2=2)[:, :, None]).any()):
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
    return np.asarray(costs[np.arange(len(y)), math.isqrt(costs.shape[1]) * y + decided], dtype=np.float64)


def least_expected(p: Floats, costs: Floats) -> Ints:
    """The class (n,) that is expected to cost least, by probabilities (n, C) and costs (n, C²); of ties the first."""
    each = costs.reshape(len(p), p.shape[1], p.shape[1])
    return np.asarray(np.einsum("nc,ncd->nd", p, each).argmin(axis=1), dtype=np.int64)


def fit_cost_threshold(above: Floats, y: Ints, costs: Floats, weight: Floats | None = None) -> float:
    """How far above its break-even a row must be (strictly) to be called positive: `cheapest_threshold`, shrunk.

    Times m / (m + `_TRUST`), for m validation rows of the rarer class. The cheapest threshold of few rows follows their
    luck: with 12 positives of 120 its decisions cost 7.7% more than the best ones, with costs of every row 23%; those
    of Elkan's rule 2.8% and 6.6%, shrunk 3.0% and 7.1%. It is better only where probabilities are wrong in a way that
    no temperature mends, and rows are many (results/data/cost-rules.md, `python -m tests.tools.cost_rules`).
    """
    m = min(int((y == 1).sum()), int((y == 0).sum()))
    return cheapest_threshold(above, y, costs, weight) * m / (m + _TRUST)


def cheapest_threshold(above: Floats, y: Ints, costs: Floats, weight: Floats | None = None) -> float:
    """How far above its break-even a row must be (strictly) to be called positive, for the least cost of these rows.

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
    """What cost metrics are given: decisions (n,) under one rule, labels, costs (n, C²), weights (n,) or None."""

    def __init__(self, decided: Ints, y: Ints, costs: Floats, weight: Floats | None) -> None:
        self.decided, self.y, self.costs, self.weight = decided, y, costs, weight

    @cached_property
    def mean(self) -> float:
        """Cost of a row."""
        return weighted_mean(paid(self.decided, self.y, self.costs), self.weight)

    @cached_property
    def of_one_answer(self) -> float:
        """Cost of a row where all are called alike, whichever is cheapest."""
        ones = np.ones_like(self.y)
        answers = [c * ones for c in range(math.isqrt(self.costs.shape[1]))]
        return min(weighted_mean(paid(answer, self.y, self.costs), self.weight) for answer in answers)

    def savings(self) -> float:
        """Share of that which is saved (Bahnsen et al. 2015).

        Raises:
            UndefinedMetricError: there is nothing to save of.
        """
        if self.of_one_answer <= 0:
            raise UndefinedMetricError("calling all rows alike costs nothing, or pays")
        return 1 - self.mean / self.of_one_answer


class Cost(Metric[Spending]):
    """A metric of what decisions cost, where the data say it (`data.cost`)."""

    kind, views, panel, needs = "cost", COST_RULES, "decisions", "cost"
