"""T1: the false findings and the coverage of boards, with components measured on records; a small version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from tests.leaderboard.builders import make, stored
from tests.tools import simulate
from tests.tools.simulate import Components, Rate, components, one_split, several_blocks, several_splits


def test_components_are_found_again(tmp_path: Path) -> None:
    """From 20 strategies × 20 seeds with seed .03 and residual .01, within the spread of such estimates."""
    generator = np.random.default_rng(2)
    seeds = generator.normal(0, 0.03, 20)
    records = [
        make(f"s{k:02}", s, float(0.4 + 0.002 * k + seeds[s] + generator.normal(0, 0.01)))
        for k in range(20)
        for s in range(20)
    ]
    (found,) = components(stored(tmp_path, records))
    assert found.rest == pytest.approx(0.01, rel=0.15)
    assert found.seed == pytest.approx(seeds.std(ddof=1), rel=0.1)
    assert found.residuals.std() == pytest.approx(found.rest, rel=1e-6)
    assert (found.strategies, found.seeds) == (20, 20)


MEASURED = Components(
    "womens · one_star · mlp", 0.393, 0.0243, 0.0160, np.random.default_rng(0).normal(0, 0.016, (8, 5))
)
"""What `python -m tests.tools.simulate` measured on 8 strategies × 5 seeds."""


def test_family_wise_error_and_coverage_on_one_split() -> None:
    error, mean, difference = one_split(MEASURED, strategies=8, seeds=5)
    assert (error.n, mean.n) == (2000, 2000)
    assert error.kept
    assert error.hits > 0.01 * error.n  # not by never finding anything
    assert mean.kept
    assert difference.kept


def test_family_wise_error_over_splits_and_over_data_sets() -> None:
    assert several_splits(MEASURED, strategies=4, splits=5, seeds=2, tables=1000).kept
    rates = several_blocks(strategies=4, blocks=12, tables=1000)
    assert all(rate.kept for rate in rates)
    assert all(rate.hits > 0 for rate in rates)


def test_the_simulation_sees_a_test_that_cheats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Holm's adjustment 28 comparisons find something far too often, and the rate says so."""
    monkeypatch.setattr("bench.leaderboard.statistics.seeds.holm", list)
    error, _, _ = one_split(MEASURED, strategies=8, seeds=5, tables=400)
    assert not error.kept
    assert "BROKEN" in str(error)


@pytest.mark.parametrize(("hits", "n"), [(0, 50), (3, 50), (50, 50)])
def test_exact_intervals(hits: int, n: int) -> None:
    witness = scipy.stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    assert Rate("x", hits, n, 0.05, at_most=True).bounds == pytest.approx((witness.low, witness.high))


def test_an_empty_folder_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main([str(tmp_path)]) == 2
    assert "imbench run" in capsys.readouterr().err
