"""Verdicts against a second implementation that was written from the text of the rule, and by simulation."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
import scipy.stats

from bench.leaderboard.statistics.design import Unit, design_of
from bench.leaderboard.statistics.dunnett import one_sided
from bench.leaderboard.statistics.pairs import RowNoise
from bench.leaderboard.statistics.posterior import correlated_t
from bench.leaderboard.statistics.power import detectable, minimum_detectable
from bench.leaderboard.statistics.verdicts import judge
from tests.leaderboard.statistics.second import rule

Values = dict[str, dict[Unit, float]]


def drawn(seed: int, k: int, n: int, *, further: bool) -> Values:
    """k strategies beside none: shared repeats, own noise of unequal size, true differences up to .04."""
    generator = np.random.default_rng(seed)
    units = [(r, r) for r in range(n)] + ([(0, n), (1, n + 1)] if further else [])
    hard = {split: generator.normal(0.4, 0.03) for split in range(n)}
    scale = np.exp(generator.normal(-4.3, 0.5, k + 1))
    true = np.concatenate([[0.0], generator.choice([0.0, 0.04, -0.04], k)])
    return {
        f"s{i}" if i else "none": {u: float(hard[u[0]] + true[i] + generator.normal(0, scale[i])) for u in units}
        for i in range(k + 1)
    }


@pytest.mark.parametrize("further", [False, True])
@pytest.mark.parametrize(("k", "n"), [(1, 5), (2, 5), (7, 10), (30, 6)])
def test_the_second_implementation_agrees(k: int, n: int, further: bool) -> None:
    for seed in range(5):
        values = drawn(100 * k + seed, k, n, further=further)
        design = design_of(values["none"], 0.25)
        found = judge(values, "none", higher_is_better=True, design=design)
        scores = {s: [v[r, r] for r in range(n)] for s, v in values.items()}
        extra = {s: (v[0, n], v[1, n + 1]) for s, v in values.items()} if further else None
        wanted = rule(scores, "none", 0.25, extra, lru_cache(one_sided))
        assert found.overlap == pytest.approx(wanted["c"], rel=1e-12)
        assert found.estimated == further
        for name, (mean, low, high, p, error) in wanted["differences"].items():
            d = found.differences[name]
            assert (d.mean, d.low, d.high, d.p, d.error) == pytest.approx((mean, low, high, p, error), rel=0, abs=1e-12)
            assert d.df == pytest.approx(wanted["df"], rel=1e-12)
            chance = correlated_t(mean, error, wanted["df"], 0.01)
            assert found.chances[name].first == pytest.approx(chance.first, abs=1e-12)
        assert found.adjusted == pytest.approx(wanted["adjusted"], rel=0, abs=1e-12)
        assert found.verdicts == wanted["verdicts"]
        assert set(found.could_be_best()) == wanted["best"]


def test_the_direction_is_the_metrics() -> None:
    values = drawn(3, 4, 10, further=False)
    up = judge(values, "none", higher_is_better=True, design=design_of(values["none"], 0.25))
    mirrored = {s: {u: -x for u, x in v.items()} for s, v in values.items()}
    down = judge(mirrored, "none", higher_is_better=False, design=design_of(values["none"], 0.25))
    assert up.verdicts == down.verdicts
    assert up.could_be_best() == down.could_be_best()
    assert up.chances["s1"].first == pytest.approx(down.chances["s1"].first)


def test_equal_strategies_are_left_out_and_cost_nothing() -> None:
    """A copy of none is called identical; k, Holm and the variances are those of the others."""
    values = drawn(5, 3, 10, further=False)
    design = design_of(values["none"], 0.25)
    alone = judge(values, "none", higher_is_better=True, design=design)
    with_copy = judge({**values, "copy": dict(values["none"])}, "none", higher_is_better=True, design=design)
    assert with_copy.verdicts["copy"] == "identical"
    assert with_copy.differences["s1"] == alone.differences["s1"]
    assert with_copy.adjusted == alone.adjusted


def test_a_constant_difference_is_undecided() -> None:
    none = {(r, r): 0.3 + 0.01 * r * r for r in range(6)}
    values = {"none": none, "coarse": {u: x + 0.02 for u, x in none.items()}}
    found = judge(values, "none", higher_is_better=True, design=design_of(none, 0.25))
    assert found.differences["coarse"].constant
    assert found.verdicts == {"coarse": "undecided"}


@pytest.mark.parametrize("shape", ["seeds", "four splits", "no ratio", "forbidden", "given without rows"])
def test_where_nobody_is_judged(shape: str) -> None:
    values = drawn(8, 3, 10, further=False)
    ratio: float | None = 0.25
    if shape in ("seeds", "given without rows"):
        values = {s: {(0, r): x for (_, r), x in v.items()} for s, v in values.items()}
    if shape == "four splits":
        values = {s: {u: x for u, x in v.items() if u[0] < 4} for s, v in values.items()}
    if shape == "no ratio":
        ratio = None
    design = design_of(values["none"], ratio, given=shape == "given without rows")
    found = judge(values, "none", higher_is_better=True, design=design, allowed=shape != "forbidden")
    assert not found.judged
    assert not found.verdicts
    assert not found.adjusted
    assert not found.could_be_best()
    assert all(d.p is None for d in found.differences.values())
    assert all((d.low is None) == (shape == "no ratio") for d in found.differences.values())


def test_one_given_split_by_hand() -> None:
    """Two strategies, 5 seeds: Var = s²/5 + bootstrap variance; Satterthwaite with 4 and 39 degrees of freedom."""
    none = {(0, s): 0.3 for s in range(5)}
    d = [0.02, 0.03, 0.01, 0.02, 0.04]
    values = {"none": none, "a": {(0, s): 0.3 + x for s, x in enumerate(d)}}
    covariance = np.array([[4e-5, 1e-5], [1e-5, 3e-5]])
    rows = RowNoise(("none", "a"), covariance, 39)
    found = judge(values, "none", higher_is_better=True, design=design_of(none, 0.25, given=True), rows=rows)
    seeds, other = float(np.var(d, ddof=1)) / 5, 5e-5
    df = (seeds + other) ** 2 / (seeds**2 / 4 + other**2 / 39)
    mean, error = 0.024, math.sqrt(seeds + other)
    got = found.differences["a"]
    assert (got.mean, got.error, got.df) == pytest.approx((mean, error, df))
    assert got.p == pytest.approx(2 * scipy.stats.t.sf(mean / error, df))
    assert found.verdicts == {"a": "better"}
    assert found.could_be_best() == ("a",)


def test_rows_alone_judge_models_without_randomness() -> None:
    """The same number on every seed says nothing of seeds; what other rows would change is left."""
    values = {"none": {(0, s): 0.3 for s in range(5)}, "tree": {(0, s): 0.35 for s in range(5)}}
    rows = RowNoise(("tree", "none"), np.diag([1e-4, 1e-4]), 30)
    found = judge(values, "none", higher_is_better=True, design=design_of(values["none"], None, given=True), rows=rows)
    assert found.differences["tree"].error == pytest.approx(math.sqrt(2e-4))
    assert found.differences["tree"].df == pytest.approx(30)
    assert found.verdicts == {"tree": "better"}


def test_who_could_be_best_among_some() -> None:
    values: Values = {
        name: {(r, r): level + 0.001 * ((7 * r + at) % 5) for r in range(10)}
        for at, (name, level) in enumerate({"none": 0.3, "low": 0.2, "mid": 0.4, "top": 0.5}.items())
    }
    found = judge(values, "none", higher_is_better=True, design=design_of(values["none"], 0.25))
    assert found.could_be_best() == ("top",)
    assert found.could_be_best({"low", "mid", "none"}) == ("mid",)


def test_missing_repeats_are_paired_on_common_ones() -> None:
    values = drawn(4, 3, 10, further=False)
    del values["s1"][3, 3]
    values["s2"] = {u: x for u, x in values["s2"].items() if u[0] < 3}
    found = judge(values, "none", higher_is_better=True, design=design_of(values["none"], 0.25))
    assert (found.differences["s1"].n, found.differences["s2"].n) == (9, 3)
    assert set(found.verdicts) == {"s1", "s3"}  # three repeats are too few for a verdict
    assert found.tested == 2


def test_detectable_difference_is_found_four_times_in_five() -> None:
    values = drawn(6, 7, 10, further=False)
    found = judge(values, "none", higher_is_better=True, design=design_of(values["none"], 0.25))
    errors = [d.error or 0.0 for d in found.differences.values()]
    error = math.sqrt(sum(e * e for e in errors) / 7)
    df = found.differences["s1"].df or 0.0
    assert detectable(found) == pytest.approx(minimum_detectable(error, df, comparisons=7))
    more = detectable(found, 20)
    assert more is not None
    assert more < (detectable(found) or 0.0)


def test_a_a_over_splits_keeps_its_error_rate() -> None:
    """Copies that differ by noise alone, 30% of it the split's: false claims in at most 5% of 1,000 boards."""
    generator = np.random.default_rng(11)
    tables, n, k = 1000, 5, 7
    false = missed = 0
    for _ in range(tables):
        table = 0.4 + generator.normal(0, 0.03, n) + generator.normal(0, 0.01, (k + 1, n))
        values: Values = {
            f"s{i}" if i else "none": {(r, r): float(x) for r, x in enumerate(line)} for i, line in enumerate(table)
        }
        found = judge(values, "none", higher_is_better=True, design=design_of(values["none"], 0.25))
        false += bool(found.with_verdict("better", "worse"))
        missed += "none" not in found.could_be_best()
    assert scipy.stats.binomtest(false, tables).proportion_ci(0.95, "exact").low <= 0.05
    assert scipy.stats.binomtest(missed, tables).proportion_ci(0.95, "exact").low <= 0.05
