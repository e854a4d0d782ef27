"""Metrics of what decisions cost, for data with `data.cost`."""

from __future__ import annotations

from bench.evaluation.costs import Cost, Spending
from bench.evaluation.metric import detail, shown


@Cost.entry(
    "Cost a row",
    higher_is_better=False,
    realistic=None,
    bounds=(float("-inf"), float("inf")),
    binary=shown("decisions", 0.1, "cost") | detail("decisions", 0.2, "default", "tuned"),
    multiclass=shown("decisions", 0.1, "cost") | detail("decisions", 0.2, "default", "tuned"),
)
def expected_cost(spending: Spending) -> float:
    """Mean cost of a decision, in the units of data.cost (Elkan 2001)."""
    return spending.mean


@Cost.entry(
    "Savings",
    higher_is_better=True,
    realistic=None,
    bounds=(float("-inf"), 1.0),
    binary=shown("decisions", 0.3, "cost") | detail("decisions", 0.4, "default", "tuned"),
    multiclass=shown("decisions", 0.3, "cost") | detail("decisions", 0.4, "default", "tuned"),
)
def savings(spending: Spending) -> float:
    """Share of the cost of the cheapest single answer that decisions save (Bahnsen et al. 2015)."""
    return spending.savings()
