"""Whole groups: as near to the wished rows and classes as brute force gets, for every size of groups."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from bench.data.tables.group_split import NEAR, distance, folds, giants, group_counts, pick


def random_counts(groups: int, seed: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 50, groups)
    positive = rng.integers(0, rows + 1)
    return np.column_stack([rows, rows - positive, positive])


@pytest.mark.parametrize("groups", [3, 8, 13, 16])
@pytest.mark.parametrize("seed", range(5))
def test_no_other_choice_is_nearer_than_what_is_near_enough(groups: int, seed: int) -> None:
    counts = random_counts(groups, seed)
    wished = 0.25 * counts.sum(axis=0)
    sizes = range(1, groups if groups < 14 else 6)
    choices = [list(c) for k in sizes for c in itertools.combinations(range(groups), k)]
    best = min(float(distance(counts[c].sum(axis=0).astype(float), wished)) for c in choices)
    got = float(distance(counts[pick(counts, 0.25, np.random.default_rng(seed))].sum(axis=0).astype(float), wished))
    assert got <= max(best * 1.001, NEAR**2)


@pytest.mark.parametrize("split", range(6))
def test_large_groups_do_not_push_others_out(split: int) -> None:
    """Sizes like those of a shop's users: one has over a third of the rows, hundreds have a few."""
    rng = np.random.default_rng(0)
    user = np.unique(np.minimum(rng.zipf(1.5, 5000), 500), return_inverse=True)[1]
    counts = group_counts(user, (rng.random(5000) < 0.3).astype(np.int64), 2)
    chosen = pick(counts, 0.2, np.random.default_rng([split, 0]))
    assert counts[chosen].sum(axis=0) / counts.sum(axis=0) == pytest.approx([0.2] * 3, rel=0.05)
    assert "holds 38" in giants(counts, (0.2, 0.15), [str(i) for i in range(len(counts))])
    assert giants(counts, (0.5, 0.4), []) == ""


def test_splits_differ() -> None:
    counts = random_counts(200, 0)
    drawn = {tuple(np.flatnonzero(pick(counts, 0.2, np.random.default_rng([s, 0])))) for s in range(5)}
    assert len(drawn) == 5


def test_a_giant_group_has_a_fold_of_its_own_and_the_others_share() -> None:
    counts = np.vstack([[400, 300, 100], random_counts(60, 1)])
    fold = folds(counts, 5, np.random.default_rng(0))
    rows = np.bincount(fold, weights=counts[:, 0], minlength=5)
    assert (fold == fold[0]).sum() == 1
    rest = np.delete(rows, fold[0])
    assert rest == pytest.approx([rest.mean()] * 4, rel=0.05)
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]
