"""Statistics over data sets against scipy, scikit-posthocs, baycomp, brute force and the published tables."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.leaderboard.boards.across import AcrossDataSets, summaries
from bench.leaderboard.boards.build import boards
from bench.leaderboard.statistics.data_sets import (
    analyse,
    average_ranks,
    bayesian_signed_rank,
    blocks_needed,
    critical_difference,
    friedman,
    signed_rank,
)
from bench.records.columns import of_records
from tests.leaderboard.builders import series

SCORES = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.975, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip
"""Four classifiers on 14 data sets, with ties, in the manner of Demšar (2006), table 2."""


def test_ranks_and_friedman_agree_with_scipy() -> None:
    ranks = average_ranks(SCORES, higher_is_better=True)
    assert ranks == pytest.approx(scipy.stats.rankdata(-SCORES, axis=1))
    assert average_ranks(SCORES, higher_is_better=False) == pytest.approx(scipy.stats.rankdata(SCORES, axis=1))
    mine = friedman(ranks)
    witness = scipy.stats.friedmanchisquare(*SCORES.T)
    assert mine == pytest.approx((witness.statistic, witness.pvalue))
    assert critical_difference(4, 14) == pytest.approx(2.569 * (4 * 5 / (6 * 14)) ** 0.5, abs=1e-3)


def test_nemenyi_against_published_values() -> None:
    """Demšar (2006), table 5a."""
    published = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
    for k, q in published.items():
        assert critical_difference(k, 10) / (k * (k + 1) / 60) ** 0.5 == pytest.approx(q, abs=1e-3)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=14, unique_by=abs).filter(lambda v: 0.0 not in v))
def test_signed_rank_agrees_with_scipys_exact_test(values: list[float]) -> None:
    witness = scipy.stats.wilcoxon(values, method="exact").pvalue
    assert signed_rank(values) == pytest.approx(witness, abs=1e-12)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=10).filter(any))
def test_signed_rank_with_ties_and_zeros_is_the_permutation_test(values: list[int]) -> None:
    """All sign patterns of the ranks (Pratt: zeros take ranks, then leave), counted one by one."""
    ranks = [r for r, v in zip(scipy.stats.rankdata(np.abs(values)), values, strict=True) if v]
    signs = [v > 0 for v in values if v]
    total = sum(ranks)
    seen = min(w := sum(r for r, s in zip(ranks, signs, strict=True) if s), total - w)
    sums = [sum(r for r, s in zip(ranks, p, strict=True) if s) for p in itertools.product([0, 1], repeat=len(ranks))]
    expected = min(1.0, 2 * sum(s <= seen for s in sums) / len(sums))
    assert signed_rank(values) == pytest.approx(expected)


def test_signed_rank_of_many_blocks() -> None:
    values = np.random.default_rng(1).normal(0.2, 1, 80)
    witness = scipy.stats.wilcoxon(values, method="approx", correction=True).pvalue
    assert signed_rank(values.tolist()) == pytest.approx(witness, rel=0.02)
    assert signed_rank([0.0, 0.0]) == 1


def test_pairs_agree_with_scikit_posthocs() -> None:
    posthocs = pytest.importorskip("scikit_posthocs", reason="a witness only: pip install scikit-posthocs")
    generator = np.random.default_rng(4)
    scores = generator.normal([0.0, 0.5, 1.0, 3.0], 1.0, (12, 4))
    names = ["a", "b", "c", "d"]
    found = analyse(
        {s: {f"block {i:02}": float(v) for i, v in enumerate(scores[:, k])} for k, s in enumerate(names)},
        baseline="a",
        rope=0.01,
    )
    witness = posthocs.posthoc_wilcoxon(list(scores.T), p_adjust="holm")
    for pair in found.pairs:
        i, j = names.index(pair.first) + 1, names.index(pair.second) + 1
        assert pair.adjusted == pytest.approx(witness.loc[i, j])
    assert any(pair.adjusted < 0.05 for pair in found.pairs)
    chi2, p = found.friedman
    long = scipy.stats.friedmanchisquare(*scores.T)
    assert (chi2, p) == pytest.approx((long.statistic, long.pvalue))


@pytest.mark.parametrize(("shift", "rope"), [(0.0, 0.01), (0.012, 0.01), (0.03, 0.005)])
def test_posterior_agrees_with_baycomp(shift: float, rope: float) -> None:
    """baycomp 1.0.3 on the same differences; its Monte Carlo and ours differ by chance only.

    Its normal path needs the pseudo-block inside the region (prior ROPE), as here.
    """
    baycomp = pytest.importorskip("baycomp", reason="a witness only: pip install baycomp")
    d = np.random.default_rng(3).normal(shift, 0.02, 12)
    mine = bayesian_signed_rank(d.tolist(), rope)
    left, same, right = baycomp.SignedRankTest.probs(np.zeros(12), d, rope=rope, nsamples=20_000, random_state=1)
    assert (mine.second, mine.same, mine.first) == pytest.approx((left, same, right), abs=0.02)


def test_posterior_at_its_limits() -> None:
    assert bayesian_signed_rank([0.2] * 12, 0.01).first > 0.99
    assert bayesian_signed_rank([-0.2] * 12, 0.01).second > 0.99
    assert bayesian_signed_rank([0.001, -0.002] * 6, 0.01).same > 0.99


def test_how_many_blocks_wilcoxon_holm_needs() -> None:
    """9 for 7 comparisons, 11 for 28; with one less, winning everywhere is not significant."""
    assert (blocks_needed(7), blocks_needed(28)) == (9, 11)
    for comparisons in (7, 28):
        n = blocks_needed(comparisons)
        assert signed_rank(list(range(1, n + 1))) * comparisons <= 0.05 < signed_rank(list(range(1, n))) * comparisons


def test_cliques_join_what_is_not_separated() -> None:
    blocks = {f"b{i:02}": i / 100 for i in range(14)}
    scores = {
        "good": {b: v + 0.30 + 0.001 * i for i, (b, v) in enumerate(blocks.items())},
        "fair": {b: v + 0.30 + 0.001 * (i % 3) for i, (b, v) in enumerate(blocks.items())},
        "poor": {b: v + 0.01 * (i % 4) for i, (b, v) in enumerate(blocks.items())},
        "none": {b: v + 0.01 * (3 - i % 4) for i, (b, v) in enumerate(blocks.items())},
    }
    found = analyse(scores, baseline="none", rope=0.01)
    assert ("poor", "none") in [tuple(sorted(c, key=["poor", "none"].index)) for c in found.cliques if "poor" in c]
    assert not any({"good", "none"} <= set(c) for c in found.cliques)
    good = next(s for s in found.standings if s.name == "good")
    assert good.against is not None
    assert (good.against.wins, good.against.ties, good.against.losses) == (14, 0, 0)


def test_lower_is_better_turns_everything_round() -> None:
    scores = {"a": {f"b{i}": 0.1 + i / 50 for i in range(5)}, "none": {f"b{i}": 0.3 + i / 40 for i in range(5)}}
    found = analyse(scores, baseline="none", rope=0.01, higher_is_better=False)
    assert found.standings[0].name == "a"
    assert found.standings[0].against is not None
    assert found.standings[0].against.wins == 5


def summary(records: list[Any]) -> AcrossDataSets:
    (found,) = summaries(boards(of_records(records)))
    return found


def cell(strategy: str, data: str, value: float, target: str = "t") -> list[Any]:
    return series(strategy, [value, value + 0.01, value - 0.02], data=data, target=target)


def test_targets_of_one_data_set_are_one_block() -> None:
    records = [
        r for data in "abc" for target in ("x", "y") for k, s in enumerate(("none", "focal", "oversample"))
        for r in cell(s, data, 0.3 + 0.1 * k + 0.01 * (target == "y"), target)
    ]  # fmt: skip
    found = summary(records)
    assert found.blocks is not None
    assert found.blocks.names == ("a", "b", "c")
    assert [s.name for s in found.blocks.standings] == ["oversample", "focal", "none"]
    focal = found.blocks.standings[1].against
    assert focal is not None
    assert focal.mean == pytest.approx(0.1)
    assert any("Wilcoxon-Holm cannot separate anything with 3 blocks: it takes 7" in note for note in found.notes)
    assert any("targets of one data set are averaged: a, b, c" in note for note in found.notes)


def test_a_gap_leaves_out_the_block_and_says_so() -> None:
    records = [r for data in "abcd" for k, s in enumerate(("none", "focal")) for r in cell(s, data, 0.3 + 0.1 * k)]
    records = [r for r in records if (r.strategy, r.data) != ("focal", "d")] + cell("rare", "a", 0.9)
    found = summary(records)
    assert found.blocks is not None
    assert found.blocks.names == ("a", "b", "c")
    assert any("Block d is left out: no value of focal" in note for note in found.notes)
    assert any("rare is left out: it has values on 1 of 4 blocks" in note for note in found.notes)


def test_one_data_set_has_no_summary() -> None:
    assert summaries(boards(of_records(cell("none", "a", 0.3) + cell("focal", "a", 0.4)))) == []
