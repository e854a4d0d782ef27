"""Partitions: disjoint, stratified, repeatable; `split` alone fixes the test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.errors import DataError
from bench.data.tables.imposed import long_tail
from bench.data.tables.schema import FeatureColumn, Table
from bench.data.tables.splits import Partition, partition
from tests.data.asked import asked


def table(counts: list[int]) -> Table:
    y = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    y = np.random.default_rng(0).permutation(y)
    frame = pd.DataFrame({"a": np.arange(len(y), dtype=np.float64)})
    return Table(
        name="t", target="y", frame=frame, columns=(FeatureColumn("a", "numeric"),), y=y,
        classes=tuple(str(c) for c in range(len(counts))), rows=np.arange(len(y)), fingerprint="", version=1,
        source="file", licence="",
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(3, 60), min_size=2, max_size=6),
    st.integers(0, 5),
    st.integers(0, 5),
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.45),
)
def test_parts_are_disjoint_complete_and_stratified(
    counts: list[int], split: int, seed: int, test_fraction: float, val_fraction: float
) -> None:
    t = table(counts)
    p = partition(t, split, seed, test_fraction, val_fraction)
    assert sorted(np.concatenate([p.train, p.val, p.test])) == list(range(len(t)))
    for rows, fraction in ((p.test, test_fraction), (p.val, val_fraction)):
        held = np.bincount(t.y[rows], minlength=len(counts))
        assert (held >= 1).all()
        assert (np.abs(held - fraction * np.array(counts)) <= 1).all() or min(counts) * (
            1 - test_fraction - val_fraction
        ) < 2
    assert (np.bincount(t.y[p.train], minlength=len(counts)) >= 1).all()
    again = partition(t, split, seed, test_fraction, val_fraction)
    assert all(np.array_equal(getattr(p, k), getattr(again, k)) for k in ("train", "val", "test"))


def test_split_fixes_test_and_seed_fixes_validation() -> None:
    t = table([400, 40])
    p, other_seed, other_split = partition(t, 0, 0), partition(t, 0, 1), partition(t, 1, 0)
    assert np.array_equal(p.test, other_seed.test)
    assert not np.array_equal(p.val, other_seed.val)
    assert not np.array_equal(p.test, other_split.test)


def test_overlap_empty_parts_and_small_classes_are_refused() -> None:
    rows = np.arange(3, dtype=np.int64)
    with pytest.raises(DataError, match="disjoint"):
        Partition(rows, rows[:1], rows[1:] + 5)
    with pytest.raises(DataError, match="got none in val"):
        Partition(rows, rows[:0], rows + 5)
    with pytest.raises(DataError, match="at least 3 rows of class '1'"):
        partition(table([10, 2]), 0, 0)
    with pytest.raises(DataError, match="sum to less than 1"):
        partition(table([10, 10]), 0, 0, 0.5, 0.5)


def test_imbalance_thins_training_rows_only() -> None:
    t = asked("digits_lt").load()
    assert len(t.names("numeric")) == 64
    p, natural = partition(t, 0, 0), partition(replace(t, imbalance=None), 0, 0)
    assert np.array_equal(p.test, natural.test)
    assert np.array_equal(p.val, natural.val)
    assert set(p.train) < set(natural.train)
    counts = np.bincount(t.y[p.train])
    assert counts[0] / counts[-1] == pytest.approx(20, rel=0.1)
    assert (np.diff(counts) < 0).all()
    assert np.array_equal(p.train, partition(t, 0, 0).train)


def test_imposed_imbalance_is_part_of_the_fingerprint() -> None:
    prints = [asked("digits_lt", imbalance=r).load() for r in (1.0, 10.0, 20.0, None)]
    assert prints[0].imbalance is None
    assert len({t.fingerprint for t in prints}) == 3
    assert prints[2].fingerprint == prints[3].fingerprint


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=12), st.floats(1, 1000))
def test_long_tail_never_adds_or_empties(counts: list[int], ratio: float) -> None:
    kept = long_tail(counts, ratio)
    assert all(1 <= k <= n for k, n in zip(kept, counts, strict=True))
    assert long_tail([500] * 10, 100.0) == [500, 300, 180, 108, 65, 39, 23, 14, 8, 5]
