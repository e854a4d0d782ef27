"""Rules that are asked for hold on validation rows: budgets, rates and costs, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from bench.evaluation.costs import paid
from bench.evaluation.rules import threshold_of_alerts, threshold_of_false_positives
from bench.export.asked_rule import asked_rule
from bench.export.decision import DecisionRule, fitted_rule
from bench.export.errors import ExportError


def rows(n: int = 3000, classes: int = 2, ties: bool = False) -> tuple[np.ndarray, np.ndarray, None]:
    g = np.random.default_rng(0)
    y = (g.random(n) < 0.2).astype(int) if classes == 2 else g.integers(0, classes, n)
    logits = g.normal(size=(n, classes))
    logits[np.arange(n), y] += 1.0
    return np.round(logits, 1) if ties else logits, y, None


def tuned(classes: int = 2) -> DecisionRule:
    logits, y, _ = rows(classes=classes)
    prior = np.full(classes, 1 / classes)
    return fitted_rule(logits, y, None, prior=prior, natural=prior, train_mass=np.ones(classes))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.3])
def test_a_budget_of_alerts_is_kept_and_used(share: float, ties: bool) -> None:
    """At most this share is called, and one score lower it would be more."""
    logits, y, _ = rows(ties=ties)
    rule = asked_rule(tuned(), f"alerts:{share}", (logits, y, None), None, {})
    z = logits[:, 1] - logits[:, 0]
    called = rule.decide(logits).mean()
    assert called <= share
    lower = z[z < z[rule.decide(logits) == 1].min()].max()
    assert (z >= lower).mean() > share
    weight = np.linspace(0.5, 2, len(y))
    own = z > threshold_of_alerts(z, share, weight)
    assert np.average(own, weights=weight) <= share


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_a_false_positive_rate_is_that_of_the_roc_curve(share: float) -> None:
    """scikit-learn's curve: the highest recall at no more than the rate."""
    logits, y, _ = rows()
    rule = asked_rule(tuned(), f"fpr:{share}", (logits, y, None), None, {})
    decided = rule.decide(logits)
    assert decided[y == 0].mean() <= share
    fpr, tpr, _ = roc_curve(y, logits[:, 1] - logits[:, 0], drop_intermediate=False)
    assert decided[y == 1].mean() == pytest.approx(tpr[fpr <= share].max())
    with pytest.raises(ValueError, match="negative validation rows"):
        threshold_of_false_positives(np.zeros(3), np.ones(3, dtype=int), share)


def test_the_rule_of_cost_costs_less_than_any_threshold_on_the_score() -> None:
    """Costs of every row its own: no single threshold does as well."""
    logits, y, _ = rows()
    amount = np.random.default_rng(1).lognormal(2, 1, len(y))
    rule = asked_rule(tuned(), "cost", (logits, y, None), {"fp": 3.0, "fn": "amount"}, {"amount": amount})
    costs = rule.costs_of({"amount": amount}, len(y))
    assert costs is not None
    assert rule.cost_columns == ("amount",)
    mine = paid(rule.decide(logits, costs=costs), y, costs).sum()
    z = logits[:, 1] - logits[:, 0]
    assert mine < min(paid((z > t).astype(int), y, costs).sum() for t in np.unique(z))


def test_costs_that_are_given() -> None:
    logits, y, _ = rows()
    rule = asked_rule(tuned(), "cost:fp=1,fn=20", (logits, y, None), None, {})
    assert rule.costs == {"fp": 1.0, "fn": 20.0}
    cheap = asked_rule(tuned(), "cost:fp=20,fn=1", (logits, y, None), None, {})
    costs = [r.costs_of({}, len(y)) for r in (rule, cheap)]
    shares = [r.decide(logits, costs=c).mean() for r, c in zip((rule, cheap), costs, strict=True)]
    assert shares[0] > 0.5 > shares[1]
    again = DecisionRule.of_state(rule.state())
    assert (again.decide(logits, costs=costs[0]) == rule.decide(logits, costs=costs[0])).all()


def test_argmax_and_tuned() -> None:
    logits, y, _ = rows()
    assert (asked_rule(tuned(), "argmax", (logits, y, None), None, {}).decide(logits) == logits.argmax(1)).all()
    assert asked_rule(tuned(), "tuned", (logits, y, None), None, {}).threshold == tuned().threshold
    several = rows(classes=3)
    assert asked_rule(tuned(3), "argmax", several, None, {}).tau == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("best", "expected tuned, argmax, alerts:SHARE"),
        ("alerts:5", "expected a share above 0 and below 1"),
        ("fpr", "expected a share"),
        ("cost", r"expected data.cost|expected costs of the data"),
        ("cost:fp=1", "expected costs of both mistakes"),
        ("cost:fp=1,fn=many", "expected costs of both mistakes"),
        ("cost:fp=1,fn=2,tp=3", "fn >= tp"),
    ],
)
def test_what_is_no_rule_says_what_is(asked: str, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        asked_rule(tuned(), asked, rows(), None, {})
    with pytest.raises(ExportError, match="expected two classes, got 3"):
        asked_rule(tuned(3), "alerts:0.1", rows(classes=3), None, {})
