"""The simulation of verdicts: components that are found again, and rules that cheat are seen. A small version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from bench.records.columns import of_records
from tests.leaderboard.builders import make
from tests.tools import simulate
from tests.tools.old_rule import old_rule
from tests.tools.simulate import measured, run, shapes
from tests.tools.simulated import Count, Scenario
from tests.tools.simulated_table import exceeded, worst

POOL = np.random.default_rng(0).normal(0, 1, 200)


def test_the_noise_of_a_strategy_is_found_again() -> None:
    """From 20 strategies × 20 seeds with seed .03 and residual .01, within the spread of such an estimate."""
    generator = np.random.default_rng(2)
    seeds = generator.normal(0, 0.03, 20)
    records = [
        make(f"s{k:02}", s, float(0.4 + 0.002 * k + seeds[s] + generator.normal(0, 0.01)))
        for k in range(20)
        for s in range(20)
    ]
    sigma, residuals = measured(of_records(records))
    assert sigma == pytest.approx(0.01, rel=0.15)
    assert residuals.std() == pytest.approx(1)


def test_the_new_rule_keeps_what_the_old_practice_breaks() -> None:
    """Equal strategies, half of the noise the split's: seeds on one split make false winners, repeats hardly any."""
    scenario = Scenario("homogeneous", 0.5, 8, 10, further=True)
    outcome = run(scenario, shapes(POOL)["homogeneous"], 0.016, 200, 1)
    assert not list(exceeded([outcome]))
    assert outcome.seeds["false better"].bounds[0] > 0.2
    assert outcome.seeds["coverage"].bounds[1] < 0.7
    assert outcome.new["power"].share > outcome.old["power"].share + 0.1
    assert outcome.new["power"].n == 100
    assert (worst([outcome], "new", "coverage") or (None, Count()))[0] is outcome


def test_three_repeats_have_intervals_and_no_verdict() -> None:
    outcome = run(Scenario("heavy tails", 1.0, 8, 3), shapes(POOL)["heavy tails"], 0.016, 20, 1)
    assert set(outcome.new) == {"coverage"}


def test_a_rule_that_cheats_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Holm's adjustment 29 comparisons find something far too often."""
    monkeypatch.setattr("bench.leaderboard.statistics.verdicts.holm", list)
    outcome = run(Scenario("homogeneous", 0.5, 30, 10), shapes(POOL)["homogeneous"], 0.016, 120, 1)
    assert any(text.startswith("any false claim") for text in exceeded([outcome]))


def test_the_old_rule_by_hand() -> None:
    """Holm over the three pairs of three strategies; the better of two is rank 1 alone."""
    table = np.array([[0.30, 0.31, 0.29, 0.30], [0.50, 0.52, 0.49, 0.50], [0.31, 0.29, 0.30, 0.31]])
    found = old_rule(table, 0.0)
    assert found.better.tolist() == [True, False]
    assert found.first.tolist() == [False, True, False]
    interval = scipy.stats.ttest_rel(table[1], table[0]).confidence_interval()
    assert (found.low[0], found.high[0]) == pytest.approx((interval.low, interval.high))
    assert (old_rule(table, 0.25).low < found.low).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 50), (3, 50), (50, 50)])
def test_exact_intervals(hits: int, n: int) -> None:
    witness = scipy.stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    assert Count(hits, n).bounds == pytest.approx((witness.low, witness.high))


def test_the_table_names_the_worst_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        simulate, "scenarios", lambda _: [Scenario("homogeneous", 0.1, 8, 5), Scenario("homogeneous", 1, 8, 10)]
    )
    assert simulate.main(["--tables", "8", "--out", str(tmp_path / "table.md")]) in (0, 1)
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "16 simulated tables" in text
    assert text.count("| coverage |") == 3
    assert "homogeneous, share" in text
