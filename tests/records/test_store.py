"""Records: atomic, content-addressed, one winner per key, and clear words when the disk does not play along."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.files import PREFIX, SUFFIX
from bench.records.files import ResultsError
from bench.records.predictions import pack, unpack
from bench.records.record import Record, canonical, digest
from bench.records.store import Store, load

RECORD = Record(
    key=digest({}),
    status="done",
    data="shop",
    target="bought",
    model="mlp",
    strategy="none",
    split=0,
    seed=0,
    metrics={"raw/auroc": 0.5, "raw/average_precision": None},
    cost={"fits": 1},
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(config=st.dictionaries(st.text(), plain, max_size=4), reason=st.text())
@settings(max_examples=60, deadline=None)
def test_a_record_survives_the_round_trip(tmp_path_factory: pytest.TempPathFactory, config: dict, reason: str) -> None:
    try:
        reason.encode()
        canonical(config).encode()
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    store = Store(tmp_path_factory.mktemp("store"))
    record = replace(RECORD, config=config, reason=reason)
    assert store.put(record)
    assert store.get(record.key) == record


@given(value=plain)
@settings(max_examples=60, deadline=None)
def test_the_digest_does_not_depend_on_the_order_of_keys(value: object) -> None:
    try:
        canonical(value).encode()
    except UnicodeEncodeError:
        return
    wrapped = {"a": value, "b": 1, "c": [value]}
    assert digest(wrapped) == digest(dict(reversed(list(wrapped.items()))))
    assert json.loads(canonical(wrapped)) == wrapped


def test_digest_refuses_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest({"a": float("nan")})


def write_many(root: str, writer: int, keys: int) -> int:
    """One of many writers: puts a record under each key; how often it was first."""
    store, won = Store(root), 0
    for k in range(keys):
        record = replace(RECORD, key=digest(k), seed=writer, reason=f"{writer}" * 2000)
        won += store.put(record)
    return won


def write_as_many(root: str, writers: range, keys: int) -> int:
    """Several writers in one process, each in a thread."""
    with ThreadPoolExecutor(len(writers)) as threads:
        return sum(threads.map(lambda writer: write_many(root, writer, keys), writers))


def test_of_many_writers_each_key_has_one_winner(tmp_path: Path) -> None:
    """16 writers in 4 processes × 200 keys: every record is whole, and is that of the writer that was told it won."""
    shares = [(str(tmp_path), range(first, first + 4), 200) for first in range(0, 16, 4)]
    with multiprocessing.get_context("forkserver").Pool(4) as pool:
        wins = pool.starmap(write_as_many, shares)
    assert sum(wins) == 200
    found = list(Store(tmp_path))
    assert len(found) == 200
    assert all(r.reason == f"{r.seed}" * 2000 for r in found)
    assert Store(tmp_path).orphans() == []


def test_the_first_record_stays_unless_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.put(RECORD)
    assert not store.put(replace(RECORD, seed=7))
    assert store.get(RECORD.key) == RECORD
    assert store.put(replace(RECORD, seed=7), replace=True)
    assert store.get(RECORD.key) == replace(RECORD, seed=7)


def test_predictions_are_verified_by_hash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows, y = np.arange(4), np.array([0, 1, 0, 1])
    logits = np.random.default_rng(0).normal(size=(4, 3))
    content = pack({"val": (rows, y, logits), "test": (rows + 4, y, -logits)}, RECORD.key)
    named = store.put_predictions(RECORD.key, content)
    record = replace(RECORD, predictions=named)
    got_rows, got_y, got = unpack(store.predictions(record), "test")
    assert got_rows.tolist() == [4, 5, 6, 7]
    assert got_y.tolist() == y.tolist()
    assert np.array_equal(got, -logits)
    path = tmp_path / named["file"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ResultsError, match="not what was recorded"):
        store.predictions(record)
    path.unlink()
    with pytest.raises(ResultsError, match="there is none"):
        store.predictions(record)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}', '"text"', '{"schema": 1}'])
def test_what_is_no_record_is_named(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    path = store.path(RECORD.key)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ResultsError, match=path.name):
        store.get(RECORD.key)


def test_orphans_are_found_and_never_read(tmp_path: Path) -> None:
    """A temporary file and predictions without a record: what a kill leaves."""
    store = Store(tmp_path)
    store.put(RECORD)
    shard = store.path(RECORD.key).parent
    left = [shard / f"{PREFIX}abc123{SUFFIX}", shard / f"{'ab' * 32}.{'0' * 12}.parquet"]
    for path in left:
        path.write_text("torn")
    assert store.orphans() == sorted(left)
    assert list(store) == [RECORD]
    assert len(load(tmp_path)) == 1


def test_a_full_disk_harms_nothing_that_was_there(tmp_path: Path) -> None:
    """On a file system of one megabyte: a clear message, and the old record is intact."""
    mount = tmp_path / "small"
    mount.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        store = Store(mount)
        store.put(RECORD)
        with pytest.raises(ResultsError, match="No space left"):
            store.put(replace(RECORD, reason="x" * 3_000_000), replace=True)
        assert store.get(RECORD.key) == RECORD
        assert store.orphans() == []
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_finished_cell_stays_and_a_failure_gives_way(tmp_path: Path) -> None:
    """Of two sweeps at once the first to finish a cell wins; a retry replaces what failed."""
    store = Store(tmp_path)
    failed, late = replace(RECORD, status="crashed"), replace(RECORD, seed=9)
    assert store.settle(failed) == failed
    assert store.settle(RECORD) == RECORD
    assert store.settle(late) == RECORD
    assert store.settle(failed) == RECORD
    assert store.get(RECORD.key) == RECORD


def test_predictions_of_another_cell_are_noticed(tmp_path: Path) -> None:
    """A file and a hash that belong together, under the name of a cell that did not make them; files of older versions
    name no cell, and stay readable."""
    store, parts = Store(tmp_path), {"test": (np.arange(2), np.array([0, 1]), np.eye(2))}
    swapped = replace(RECORD, predictions=store.put_predictions(RECORD.key, pack(parts, digest("another"))))
    with pytest.raises(ResultsError, match=f"those of another cell, {digest('another')[:12]}; delete"):
        store.predictions(swapped)
    own = pq.read_table(store.root / store.put_predictions(RECORD.key, pack(parts, RECORD.key))["file"])
    pq.write_table(own.replace_schema_metadata(None), tmp_path / "old.parquet")
    old = store.put_predictions(RECORD.key, (tmp_path / "old.parquet").read_bytes())
    assert unpack(store.predictions(replace(RECORD, predictions=old)), "test")[1].tolist() == [0, 1]


def test_two_writers_of_one_cell_keep_their_own_predictions(tmp_path: Path) -> None:
    """The record that won finds the predictions that it was computed from; the others are left-overs."""
    store, rows, y = Store(tmp_path), np.arange(2), np.array([0, 1])
    packed = [pack({"test": (rows, y, np.full((2, 2), value))}, RECORD.key) for value in (1.0, 2.0)]
    mine, other = (store.put_predictions(RECORD.key, content) for content in packed)
    store.put(replace(RECORD, predictions=mine))
    assert unpack(store.predictions(store.get(RECORD.key)), "test")[2].tolist() == [[1, 1], [1, 1]]
    assert store.orphans() == [tmp_path / other["file"]]
    store.remove(RECORD.key)
    assert list(store.runs.glob("*/*.*")) == []


def test_records_are_plain_json(tmp_path: Path) -> None:
    """Any tool can read a record; nulls are null."""
    store = Store(tmp_path)
    store.put(RECORD)
    raw = json.loads(store.path(RECORD.key).read_text())
    assert raw == {**asdict(RECORD)}
    assert raw["metrics"]["raw/average_precision"] is None
