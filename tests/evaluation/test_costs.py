"""Decisions by cost against brute force, Elkan's theorem and the costs of every threshold tried in turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.evaluation.costs import break_even, checked_costs, fit_cost_threshold, paid
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.registry import columns

COSTS = np.array([[0.0, 1.0, 20.0, 0.0], [-1.0, 2.0, 5.0, 1.0], [0.0, 3.0, 3.0, 0.0]])


def test_break_even_is_where_both_decisions_are_expected_to_cost_the_same() -> None:
    """From the definition: p·(cost of a positive) + (1 - p)·(cost of a negative), of both decisions."""
    p = 1 / (1 + np.exp(-break_even(COSTS)))
    tn, fp, fn, tp = COSTS.T
    np.testing.assert_allclose((1 - p) * fp + p * tp, (1 - p) * tn + p * fn)


def test_break_evens_of_mistakes_that_cost_nothing() -> None:
    costs = np.array([[0.0, 0.0, 5.0, 0.0], [0.0, 5.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0]])
    low, high, none = break_even(costs)
    assert low < -400 < 400 < high
    assert none == 0


def test_what_is_paid_is_the_cost_of_the_outcome() -> None:
    decided, y = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    costs = np.arange(16.0).reshape(4, 4)
    assert paid(decided, y, costs).tolist() == [0, 5, 10, 15]  # tn, fp, fn, tp


@settings(max_examples=200)
@given(
    arrays(np.float64, 12, elements=st.sampled_from([-2.0, -1.0, -0.25, 0.25, 0.5, 1.0, 3.0])),
    arrays(np.int64, 12, elements=st.integers(0, 1)),
    arrays(np.float64, (12, 2), elements=st.integers(0, 5)),
    st.booleans(),
)
def test_the_threshold_costs_least_of_all(above: np.ndarray, y: np.ndarray, mistakes: np.ndarray, own: bool) -> None:
    """Brute force over every cut, with and without weights; of those that tie, none is nearer to 0."""
    costs = np.stack([np.zeros(12), mistakes[:, 0], mistakes[:, 1], np.zeros(12)], 1)
    weight = np.linspace(0.5, 2, 12) if own else None
    w = np.ones(12) if weight is None else weight

    def total(threshold: float) -> float:
        return float(w @ paid((above > threshold).astype(int), y, costs))

    found = fit_cost_threshold(above, y, costs, weight)
    tried = [-3.0, *np.unique(above), *(np.unique(above)[:-1] + np.diff(np.unique(above)) / 2), 0.0]
    least = min(map(total, tried))
    assert total(found) == pytest.approx(least, abs=1e-9)
    if total(0.0) == pytest.approx(least, abs=1e-12):
        assert found == 0


def test_calibrated_log_odds_need_no_threshold() -> None:
    """Elkan's theorem: of calibrated rows none is better than 0, up to the noise of 200,000 rows."""
    g = np.random.default_rng(0)
    z = g.normal(-2, 1.5, 200_000)
    y = (g.random(len(z)) < 1 / (1 + np.exp(-z))).astype(int)
    costs = np.stack([np.zeros(len(z)), np.ones(len(z)), g.lognormal(2, 1, len(z)), np.zeros(len(z))], 1)
    above = z - break_even(costs)
    assert fit_cost_threshold(above, y, costs) == pytest.approx(0, abs=0.25)
    least = paid((above > fit_cost_threshold(above, y, costs)).astype(int), y, costs).mean()
    assert paid((above > 0).astype(int), y, costs).mean() == pytest.approx(least, rel=2e-3)


def test_costs_that_reward_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="fp >= tn"):
        checked_costs(np.array([[2.0, 1.0, 5.0, 0.0]]), 1)
    with pytest.raises(ValueError, match="finite costs"):
        checked_costs(np.array([[0.0, np.inf, 5.0, 0.0]]), 1)
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        checked_costs(np.zeros((2, 4)), 3)


def parts(n: int = 4000, seed: int = 0) -> tuple[Predictions, Predictions]:
    """Test and validation rows of a model that knows something, with costs of every row."""
    g = np.random.default_rng(seed)
    made = []
    for _ in range(2):
        z = g.normal(-2, 1.5, n)
        y = (g.random(n) < 1 / (1 + np.exp(-z))).astype(int)
        logits = np.stack([np.zeros(n), 2 * z + 1], 1)  # overconfident and biased
        costs = np.stack([np.zeros(n), np.ones(n), 0.2 + g.lognormal(2, 1, n), np.full(n, 0.1)], 1)
        made.append(Predictions(logits, y, costs=costs))
    return made[0], made[1]


def test_metrics_of_cost_are_what_decisions_cost() -> None:
    """At each rule the mean over rows, and the share saved of the cheaper of two answers for all."""
    test, val = parts()
    found = evaluate(test, val, prior=[0.8, 0.2], natural=[0.8, 0.2], train_counts=[80, 20])
    assert test.costs is not None
    default = test.logits.argmax(1)
    cost = paid(default, test.y, test.costs).mean()
    assert found.values["default/expected_cost"] == pytest.approx(cost)
    alone = [paid(np.full(len(test.y), one), test.y, test.costs).mean() for one in (0, 1)]
    assert found.values["default/savings"] == pytest.approx(1 - cost / min(alone))
    by_cost, tuned = found.values["cost/expected_cost"], found.values["tuned/expected_cost"]
    assert by_cost is not None
    assert tuned is not None
    assert by_cost < 0.9 * min(tuned, cost)  # costs that are known for every row are worth something
    assert abs(found.fitted["cost_threshold"]) < 1
    assert set(found.values) == set(columns(2, ["cost"]))


def test_without_costs_there_are_no_such_columns() -> None:
    test, val = parts(300)
    bare = Predictions(test.logits, test.y), Predictions(val.logits, val.y)
    found = evaluate(*bare, prior=[0.8, 0.2], natural=[0.8, 0.2], train_counts=[80, 20])
    assert set(found.values) == set(columns(2))
    assert not [name for name in found.values if "cost" in name or "savings" in name]


def test_nothing_to_save_is_undefined() -> None:
    y = np.array([0, 1] * 10)
    free = np.zeros((20, 4))
    rows = Predictions(np.stack([np.zeros(20), y - 0.5], 1), y, costs=free)
    found = evaluate(rows, rows, prior=[0.5, 0.5], natural=[0.5, 0.5], train_counts=[10, 10])
    assert found.values["cost/savings"] is None
    assert "costs nothing" in found.undefined["cost/savings"]
    assert found.values["cost/expected_cost"] == 0
