"""Decisions by cost against brute force, Elkan's theorem and the costs of every threshold tried in turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.evaluation.costs import (
    break_even,
    cheapest_threshold,
    checked_costs,
    fit_cost_threshold,
    least_expected,
    paid,
)
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.registry import columns
from tests.tools.cost_rules import World

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

    found = cheapest_threshold(above, y, costs, weight)
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
    assert cheapest_threshold(above, y, costs) == pytest.approx(0, abs=0.25)
    least = paid((above > cheapest_threshold(above, y, costs)).astype(int), y, costs).mean()
    assert paid((above > 0).astype(int), y, costs).mean() == pytest.approx(least, rel=2e-3)


def test_a_threshold_of_few_rows_is_drawn_to_the_one_of_theory() -> None:
    """The cheapest one of the rows times m / (m + 50), m rows of the rarer class: none without any, all with many."""
    above, costs = np.array([1.0, 2.0, 3.0, 4.0]), np.tile([0.0, 1.0, 1.0, 0.0], (4, 1))
    y = np.array([0, 0, 0, 1])
    assert cheapest_threshold(above, y, costs) == 3.5
    assert fit_cost_threshold(above, y, costs) == pytest.approx(3.5 / 51)
    many = [np.repeat(part, 5000, axis=0) for part in (above, y, costs)]
    assert fit_cost_threshold(*many) == pytest.approx(3.5, rel=0.01)
    assert fit_cost_threshold(above, np.zeros(4, dtype=int), costs) == 0


@pytest.mark.parametrize(("rows", "own"), [(120, False), (120, True), (500, True)])
def test_with_few_rows_the_shrunk_threshold_costs_less(rows: int, own: bool) -> None:
    """By simulation with known probabilities: the mean excess over the best decisions; validation calibrates too."""
    world = World("calibrated", rows, own=own)
    assert world.excess(fit_cost_threshold, 60) < 0.75 * world.excess(cheapest_threshold, 60)


def test_with_many_rows_a_threshold_mends_what_no_temperature_can() -> None:
    """Where the highest scores are no surer than others, theory's threshold stays wrong; the shrunk one does not."""
    world = World("capped", 20_000)
    assert world.excess(lambda *_: 0.0, 4) > 0.1
    assert world.excess(fit_cost_threshold, 4) < 0.03


def test_the_class_that_costs_least_is_that_of_every_class_tried() -> None:
    """Brute force over decisions, costs of every row its own; of equal ones the first."""
    g = np.random.default_rng(0)
    p, costs = g.dirichlet(np.ones(4), 200), g.integers(0, 9, (200, 16)).astype(float)
    found = least_expected(p, costs)
    for i in range(200):
        each = [sum(p[i, c] * costs[i, 4 * c + d] for c in range(4)) for d in range(4)]
        assert found[i] == int(np.argmin(each))
    assert least_expected(np.full((1, 3), 1 / 3), np.zeros((1, 9))).tolist() == [0]


def test_of_two_classes_it_is_the_break_even() -> None:
    g = np.random.default_rng(0)
    z, costs = g.normal(size=300), np.concatenate([COSTS] * 100)
    p = 1 / (1 + np.exp(-np.stack([-z, z], 1)))
    assert (least_expected(p, costs) == (z > break_even(costs))).all()


def test_metrics_of_several_classes() -> None:
    """Probabilities are known and calibrated: no rule costs less than the one that knows the costs, and by far."""
    n = 6000
    g = np.random.default_rng(0)
    matrix = np.array([[0.0, 1, 1], [4, 0, 2], [30, 10, 0]])
    made = []
    for _ in range(2):
        logits = g.normal(size=(n, 3)) * 1.5 + np.array([2.5, 1, 0])
        p = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        y = np.array([g.choice(3, p=row) for row in p])
        made.append(Predictions(logits, y, costs=np.tile(matrix.ravel(), (n, 1))))
    test, val = made
    prior = np.bincount(test.y) / n
    found = evaluate(test, val, prior=prior, natural=prior, train_counts=np.bincount(test.y))
    default = matrix[test.y, test.logits.argmax(1)].mean()
    assert found.values["default/expected_cost"] == pytest.approx(default)
    alone = min(matrix[test.y, c].mean() for c in range(3))
    assert found.values["default/savings"] == pytest.approx(1 - default / alone)
    p = np.exp(test.logits - np.logaddexp.reduce(test.logits, axis=1, keepdims=True))
    bayes = matrix[test.y, (p @ matrix).argmin(1)].mean()
    by_cost = found.values["cost/expected_cost"]
    assert by_cost == pytest.approx(bayes, rel=0.02)  # the temperature that was fitted is nearly 1
    assert by_cost is not None
    assert by_cost < 0.7 * default
    assert set(found.values) == set(columns(3, ["cost"]))
    assert "cost_threshold" not in found.fitted


def test_costs_that_reward_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="cost at least what right decisions do"):
        checked_costs(np.array([[0.0, 1, 1, 1, 2, 3, 1, 1, 0]]), 1, 3)
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
