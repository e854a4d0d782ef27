"""Folds, groups, time, given parts, shift: no row and no group in two parts, every class in each, or a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.tables.imposed import step
from bench.data.tables.schema import FeatureColumn, Roles, Table
from bench.data.tables.splits import Partition, partition


def table(y: Any, **fields: Any) -> Table:
    y = np.asarray(y, dtype=np.int64)
    frame = pd.DataFrame({"a": np.arange(len(y), dtype=np.float64)})
    fields.setdefault("roles", None)
    return Table(
        name="t", target="y", frame=frame, columns=(FeatureColumn("a", "numeric"),), y=y,
        classes=tuple("abc"[: int(y.max()) + 1]), rows=np.arange(len(y)), fingerprint="", version=1, source="file",
        licence="", **fields,
    )  # fmt: skip


def rare(n: int, share: float = 0.1, seed: int = 0) -> np.ndarray[Any, Any]:
    return (np.random.default_rng(seed).random(n) < share).astype(np.int64)


def parts(p: Partition) -> list[np.ndarray[Any, Any]]:
    return [p.train, p.val, p.test]


@given(st.integers(2, 8), st.integers(0, 3), st.integers(0, 2))
@settings(max_examples=20, deadline=None)
def test_folds_cover_each_row_once_and_then_start_anew(folds: int, turn: int, seed: int) -> None:
    t = table(np.repeat([0, 1], [60, 11]), folds=folds)
    tested = [partition(t, turn * folds + i, seed).test for i in range(folds)]
    assert sorted(np.concatenate(tested)) == list(range(71))
    assert all(abs(t.y[rows].sum() - 11 / folds) < 1 for rows in tested)
    other = partition(t, (turn + 1) * folds, seed).test
    assert not any(np.array_equal(other, rows) for rows in tested)


def test_more_folds_than_rare_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"at least 5 rows of class 'b' to split, got 4.*Lower data.folds"):
        partition(table([0] * 20 + [1] * 4, folds=5), 0, 0)


@given(st.integers(0, 2**20), st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_groups_are_never_torn(seed: int, split: int, draw: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 80, 900)
    t = table(rare(900, seed=seed), roles=Roles(group=group), group_split=True)
    p = partition(t, split, draw)
    held = [set(group[rows]) for rows in parts(p)]
    assert not held[0] & held[1]
    assert not held[0] & held[2]
    assert not held[1] & held[2]
    assert sum(map(len, parts(p))) == 900
    for rows, share in ((p.test, 0.2), (p.val, 0.15)):
        assert len(rows) / 900 == pytest.approx(share, abs=0.06)
        assert t.y[rows].mean() == pytest.approx(t.y.mean(), abs=0.08)
    assert np.array_equal(p.test, partition(t, split, draw + 1).test)


def test_group_folds_cover_each_group_once() -> None:
    group = np.random.default_rng(1).integers(0, 100, 1000)
    t = table(rare(1000), roles=Roles(group=group), group_split=True, folds=4)
    tested = [set(group[partition(t, i, 0).test]) for i in range(4)]
    assert set().union(*tested) == set(range(100))
    assert sum(map(len, tested)) == 100


def test_one_user_with_all_positives_is_refused_with_the_counts() -> None:
    """StratifiedGroupKFold would hand out parts without positives and say nothing."""
    group = np.repeat(np.arange(20), 10)
    t = table((group == 3).astype(int), roles=Roles(group=group), group_split=True)
    with pytest.raises(
        DataError, match=r"rows of each class in each part, got 'b': train \d+, validation \d+, test \d+"
    ):
        partition(t, 0, 0)


def test_groups_that_may_be_split_are() -> None:
    group = np.repeat([0, 1], 100)
    p = partition(table(rare(200), roles=Roles(group=group), group_split=False), 0, 0)
    assert all(len(set(group[rows])) == 2 for rows in parts(p))


def test_time_puts_the_latest_last_and_keeps_moments_together() -> None:
    time = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 5))
    p = partition(table(rare(500), roles=Roles(time=time)), 0, 0)
    assert time[p.train].max() < time[p.val].min()
    assert time[p.val].max() < time[p.test].min()
    assert [len(rows) for rows in parts(p)] == [325, 75, 100]
    assert np.array_equal(p.val, partition(table(rare(500), roles=Roles(time=time)), 0, 7).val)


def test_earlier_splits_by_time_leave_the_later_rows_out() -> None:
    time = np.arange(1000)
    p = partition(table(rare(1000), roles=Roles(time=time)), 2, 0)
    assert (time[p.test].min(), time[p.test].max()) == (400, 599)
    assert (time[p.val].min(), time[p.train].max()) == (250, 249)
    with pytest.raises(DataError, match=r"rows before the test window of split 4"):
        partition(table(rare(1000), roles=Roles(time=time)), 4, 0)


def test_time_and_groups_leave_no_group_that_was_seen_before() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    time = np.arange(n)
    group = time // 8 + rng.integers(0, 30, n)  # sessions that overlap
    p = partition(table(rare(n), roles=Roles(time=time, group=group), group_split=True), 0, 0)
    held = [set(group[rows]) for rows in parts(p)]
    assert not held[0] & held[1]
    assert not (held[0] | held[1]) & held[2]
    assert time[p.train].max() < time[p.val].min() <= time[p.val].max() < time[p.test].min()
    begins = int(time[p.test].min())
    seen = set(group[time < 3200])
    assert all(group[i] in seen for i in range(begins, n) if i not in set(p.test))


def test_sorted_time_without_late_positives_is_refused() -> None:
    t = table([1] * 50 + [0] * 950, roles=Roles(time=np.arange(1000)))
    with pytest.raises(DataError, match=r"'b': train 50, validation 0, test 0"):
        partition(t, 0, 0)


def test_given_parts_are_taken_as_they_are() -> None:
    said = np.random.default_rng(0).integers(0, 3, 300).astype(np.int8)
    p = partition(table(rare(300), roles=Roles(given=said)), 0, 3)
    assert [set(said[rows]) for rows in parts(p)] == [{0}, {1}, {2}]
    assert sum(map(len, parts(p))) == 300
    with pytest.raises(DataError, match=r"split: expected 0"):
        partition(table(rare(300), roles=Roles(given=said)), 1, 0)


def test_validation_rows_are_drawn_where_none_are_given() -> None:
    said = np.where(np.arange(1000) < 600, 0, 2).astype(np.int8)
    t = table(rare(1000), roles=Roles(given=said))
    one, other = partition(t, 0, 0), partition(t, 0, 1)
    assert np.array_equal(one.test, np.arange(600, 1000))
    assert np.array_equal(one.test, other.test)
    assert not np.array_equal(one.val, other.val)
    assert sorted([*one.train, *one.val]) == list(range(600))
    assert len(one.val) == pytest.approx(90, abs=2)
    with pytest.raises(DataError, match=r"rows that say test, got none"):
        partition(table(rare(10), roles=Roles(given=np.zeros(10, np.int8))), 0, 0)


def test_given_parts_that_tear_groups_are_refused() -> None:
    said = (np.arange(300) % 3).astype(np.int8)
    t = table(rare(300), roles=Roles(given=said, group=np.arange(300) // 6), group_split=True)
    with pytest.raises(DataError, match=r"each group in one part only, got 50 groups in several"):
        partition(t, 0, 0)
    partition(replace(t, group_split=False), 0, 0)


def test_shift_changes_the_prior_of_test_rows_only() -> None:
    t = table(rare(40000, 0.02))
    natural = partition(t, 0, 0)
    odds = t.y[natural.test].mean() / (1 - t.y[natural.test].mean())
    for factor in (4.0, 0.25):
        p = partition(replace(t, shift=factor), 0, 0)
        assert np.array_equal(p.train, natural.train)
        assert np.array_equal(p.val, natural.val)
        assert set(p.test) < set(natural.test)
        got = t.y[p.test].mean() / (1 - t.y[p.test].mean())
        assert got / odds == pytest.approx(factor, rel=0.25)
        kept = 1 if factor > 1 else 0
        assert (t.y[p.test] == kept).sum() == (t.y[natural.test] == kept).sum()
    with pytest.raises(DataError, match=r"data.shift: expected two classes, got 3"):
        partition(replace(table([0, 1, 2] * 20), shift=2.0), 0, 0)


def test_step_imbalance_keeps_half_of_the_classes_whole() -> None:
    assert step([500, 500, 500, 500], 10.0) == [500, 500, 50, 50]
    assert step([500, 500, 20], 10.0) == [500, 500, 20]
    t = table(np.repeat([0, 1, 2], 200), imbalance=20.0, imbalance_shape="step")
    p = partition(t, 0, 0)
    counts = np.bincount(t.y[p.train])
    assert counts.tolist() == [130, 130, 6]
    assert np.bincount(t.y[p.test]).tolist() == [40, 40, 40]


def test_imposed_imbalance_draws_at_random_where_parts_are_sorted() -> None:
    time = np.arange(1000)
    t = table(np.tile([0, 1], 500), imbalance=10.0, roles=Roles(time=time))
    p = partition(t, 0, 0)
    few = p.train[t.y[p.train] == 1]
    assert len(few) == pytest.approx(len(p.train) / 11, abs=2)
    assert few.max() > 500  # not the first ones
    assert not np.array_equal(p.train, partition(t, 0, 1).train)


def test_largest_caps_the_first_class() -> None:
    t = table(np.repeat([0, 1, 2], 300), imbalance=10.0, largest=50)
    assert np.bincount(t.y[partition(t, 0, 0).train]).tolist() == [50, 16, 5]
