"""Which units are repeats, by the shape of the records; differences over splits by hand."""

from __future__ import annotations

import pytest

from bench.leaderboard.statistics.design import Design, compare, design_of


def test_nadeau_bengio_by_hand() -> None:
    """Means of 3 splits .1, .2, .3 (two seeds each): s = .1, variance (1/3 + .25) s², t(.975, 2) = 4.3027."""
    a = {(split, seed): 0.5 + 0.1 * (split + 1) + 0.01 * (-1) ** seed for split in range(3) for seed in range(2)}
    b = dict.fromkeys(a, 0.5)
    difference = compare(a, b, Design(3, 0.25))
    assert difference is not None
    assert difference.mean == pytest.approx(0.2)
    assert difference.half == pytest.approx(4.30265 * 0.1 * (1 / 3 + 0.25) ** 0.5, rel=1e-5)
    assert (difference.n, difference.pairs) == (3, 6)
    unknown = compare(a, b, Design(3, None))
    assert unknown is not None
    assert (unknown.p, unknown.low) == (None, None)
    assert compare(a, {(7, 7): 0.1}) is None


def test_seeds_of_one_split_are_repeats_of_that_split_only() -> None:
    design = design_of([(0, 0), (0, 1)], 0.25)
    assert (design.splits, design.given, design.noun) == (1, False, "seed")
    assert design.repeats({(0, 1): 0.2, (0, 0): 0.1}) == {0: 0.1, 1: 0.2}
    assert design_of([(0, 0)], 0.25, given=True).given


def test_a_full_grid_counts_the_means_of_its_splits() -> None:
    design = design_of([(split, seed) for split in range(3) for seed in range(2)], 0.25)
    assert design.counted is None
    assert design.repeats({(0, 0): 0.1, (0, 1): 0.3, (1, 0): 0.5}) == {0: pytest.approx(0.2), 1: 0.5}


def test_further_seeds_on_two_splits_do_not_count() -> None:
    """`repeats=10` trains (r, r) and one more seed on two splits: these serve the estimate of the overlap alone."""
    design = design_of([(r, r) for r in range(10)] + [(0, 10), (1, 11)], 0.25)
    assert (design.splits, len(design.counted or ())) == (10, 10)
    assert design.repeats({(0, 0): 0.1, (0, 10): 0.9, (2, 2): 0.4}) == {0: 0.1, 2: 0.4}
