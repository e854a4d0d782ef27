"""The index of records: the same table as parsing every file, whatever happened to it or to them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import tables_csv
from bench.records import index
from bench.records import parallel_read as readers
from bench.records.columns import RecordTable, joined, of_records
from bench.records.store import Store
from bench.records.table_file import of_arrow, to_arrow
from tests.leaderboard.builders import HOSTILE, golden_records, make, series, stored


def same(a: RecordTable, b: RecordTable) -> bool:
    """Whether two tables of records hold the same, whatever numbers their texts have."""
    texts = all([a.text(n, i) for i in range(len(a))] == [b.text(n, i) for i in range(len(b))] for n in a.texts)
    names = a.numbers.keys() | b.numbers.keys()
    empty = np.full(len(a), np.nan)
    numbers = all(np.array_equal(a.numbers.get(n, empty), b.numbers.get(n, empty), equal_nan=True) for n in names)
    plain = a.keys == b.keys and a.units == b.units
    flags = np.array_equal(a.tuned, b.tuned) and np.array_equal(a.uses_extra, b.uses_extra)
    return texts and numbers and plain and flags


@pytest.fixture
def root(tmp_path: Path, monkeypatch: Any) -> Path:
    """A folder that is large enough for an index."""
    monkeypatch.setattr(index, "WORTH_IT", 5)
    tuned = {"tuned": True, "notes": {"tuning_trials": 15}, "uses_extra": True}
    return stored(tmp_path, [*golden_records(), *series("tuned", [0.1, 0.2], **tuned)])


def parsed(root: Path) -> RecordTable:
    return of_records(sorted(Store(root), key=lambda r: r.key))


def test_warm_is_what_cold_was_and_parses_nothing(root: Path, monkeypatch: Any) -> None:
    cold = index.read(root)
    assert index.index_path(root).is_file()
    monkeypatch.setattr(Store, "read", lambda *_: pytest.fail("parsed a file that the index knows"))
    warm = index.read(root)
    assert same(cold, warm)
    monkeypatch.undo()
    assert same(warm, parsed(root))
    assert tables_csv.comma_separated(boards(warm)) == tables_csv.comma_separated(boards(parsed(root)))


def test_only_what_changed_is_parsed_again(root: Path, monkeypatch: Any) -> None:
    index.read(root)
    store, read = Store(root), []
    changed = replace(next(iter(store)), reason="edited by hand")
    store.put(changed, replace=True)
    store.put(make("new", 0, 0.7))
    store.remove(sorted(p.stem for p in store.paths())[-1])
    original = Store.read
    monkeypatch.setattr(Store, "read", lambda self, path: read.append(path) or original(self, path))
    again = index.read(root)
    monkeypatch.undo()
    assert {path.stem for path in read} <= {changed.key, make("new", 0, 0.7).key}
    assert same(again, parsed(root))
    assert "edited by hand" in {again.text("reason", i) for i in range(len(again))}


def test_an_edit_that_keeps_size_and_modification_time_is_seen(root: Path) -> None:
    """The time of change cannot be set back by a copying tool."""
    index.read(root)
    path = Store(root).paths()[0]
    before, text = path.stat(), path.read_text(encoding="utf-8")
    path.write_text(text.replace('"seed": ', '"seed":9')[: len(text)], encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    (line,) = index.read(root).left_out
    assert f"{path.name}: expected" in line


@pytest.mark.parametrize("damage", ["torn", "empty", "foreign", "other version", "folder"])
def test_a_damaged_index_costs_time_and_nothing_else(root: Path, damage: str) -> None:
    expected = index.read(root)
    path = index.index_path(root)
    content = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "other version":
        import pyarrow.parquet as pq

        pq.write_table(to_arrow(expected).replace_schema_metadata({"format": "imbench-ledger-0"}), path)
    else:
        path.write_bytes({"torn": content[: len(content) // 2], "empty": b"", "foreign": b"PAR1 nothing"}[damage])
    assert same(index.read(root), expected)


def test_an_index_of_another_folder_is_not_believed(root: Path, tmp_path: Path) -> None:
    other = stored(tmp_path / "other", series("none", [0.1] * 7))
    index.read(root)
    target = index.index_path(other)
    target.parent.mkdir(parents=True)
    target.write_bytes(index.index_path(root).read_bytes())
    assert same(index.read(other), parsed(other))


def test_a_file_that_is_no_record_is_named_even_when_warm(root: Path) -> None:
    index.read(root)
    path = Store(root).paths()[0]
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["strategy"], content["seed"]
    path.write_text(json.dumps(content), encoding="utf-8")
    for _ in range(2):
        found = index.read(root)
        (line,) = found.left_out
        assert f"{path.name}: expected a record, but it lacks strategy, seed" in line
        assert len(found) == len(Store(root).paths()) - 1


def test_small_folders_have_no_index(tmp_path: Path) -> None:
    assert len(index.read(stored(tmp_path, series("none", [0.1, 0.2])))) == 2
    assert not (tmp_path / "cache").exists()


@given(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=8), st.integers(0, 7))
def test_ledgers_survive_arrow_and_joining(names: list[str], cut: int) -> None:
    records = [make(name, i, None if i % 3 == 0 else i / 7, reason="\ud800" + name) for i, name in enumerate(names)]
    whole = of_records(records)
    assert same(of_arrow(to_arrow(whole)), whole)
    assert same(joined([of_records(records[:cut]), of_records(records[cut:])]), whole)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: Any) -> Path:
    """A folder that several processes are worth for, with names that no pipe may garble."""
    monkeypatch.setattr(readers, "WORTH_IT", 8)
    monkeypatch.setattr(readers, "PART", 3)
    hostile = [make(text, 0, 0.5) for text in HOSTILE]
    return stored(tmp_path, [*golden_records(), *hostile])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_several_processes_read_what_one_does(many: Path, processes: int, monkeypatch: Any) -> None:
    names, *_ = index.listing(Store(many).runs)
    expected, here, read = parsed(many), [], Store.read
    monkeypatch.setattr(Store, "read", lambda store, path: here.append(path) or read(store, path))
    assert same(readers.parse_files(Store(many), names, processes=processes), expected)
    assert len(names) >= 40
    assert len(here) == len(names) // processes  # the others really were read elsewhere


def test_a_helper_that_cannot_run_costs_nothing_but_time(many: Path, monkeypatch: Any) -> None:
    names, *_ = index.listing(Store(many).runs)
    for executable in ("/nowhere/python", "/bin/false", "/bin/echo"):
        monkeypatch.setattr(sys, "executable", executable)
        assert same(readers.parse_files(Store(many), names, processes=2), parsed(many))


def test_a_file_that_is_no_record_is_named_whoever_reads_it(many: Path) -> None:
    names, *_ = index.listing(Store(many).runs)
    for name in (names[0], names[-1]):
        path = Store(many).path(name)
        whole = path.read_text(encoding="utf-8")
        path.write_text(whole[:-9], encoding="utf-8")
        found = readers.parse_files(Store(many), names, processes=2)
        (line,) = found.left_out
        assert f"{name}.json: expected a record in JSON" in line
        assert len(found) == len(names) - 1
        path.write_text(whole, encoding="utf-8")
