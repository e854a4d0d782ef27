"""A derived index of the records of a folder: quick to read, made again where it is stale, never trusted over them.

Every read lists all record files with size and times; only those that the index knows with exactly the same ones are
taken from it, the others are parsed. A missing, torn or foreign index costs time and nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.records.columns import RecordTable, joined, of_records
from bench.records.files import ResultsError, write_atomically
from bench.records.parallel_read import parse_files
from bench.records.store import Store
from bench.records.table_file import FORMAT, of_arrow, read_table, to_arrow, write_table

WORTH_IT: Final = 200
"""Below so many records parsing them all is quicker than looking anything up, and no index is written."""

_STAMP: Final = ("file_size", "file_mtime", "file_ctime")


def index_path(root: Path) -> Path:
    """Where the index of a results folder lies; deleting it is always safe."""
    return root / "cache" / "index.parquet"


def read(root: Path) -> RecordTable:
    """All records of a results folder, sorted by key.

    Raises:
        ResultsError: a file is no record; names it.
    """
    store = Store(root)
    names, stamps = listing(store.runs)
    if len(names) < WORTH_IT:
        return of_records(store.read(store.path(name)) for name in names)
    old, known, known_stamps = _stored(index_path(root))
    if old is not None and names == list(known) and np.array_equal(stamps, known_stamps):
        return old
    position = {name: i for i, name in enumerate(known)}
    fresh = [
        name in position and bool((known_stamps[position[name]] == stamp).all())
        for name, stamp in zip(names, stamps, strict=True)
    ]
    changed = [name for name, same in zip(names, fresh, strict=True) if not same]
    parts = [parse_files(store, changed)]
    if old is not None:
        kept = np.array([position[name] for name, same in zip(names, fresh, strict=True) if same], np.int64)
        parts.insert(0, old.take(kept))
    records = joined(parts)
    records = records.take(np.array(sorted(range(len(records)), key=records.keys.__getitem__), np.int64))
    if list(records.keys) == names:  # a record under another's name is read, and never indexed
        _write(index_path(root), records, stamps)
    return records


def listing(runs: Path) -> tuple[list[str], np.ndarray[Any, np.dtype[np.int64]]]:
    """Keys of all record files, sorted, and (size, modified, changed) of each."""
    found: list[tuple[str, int, int, int]] = []
    try:
        shards = [entry.path for entry in os.scandir(runs) if len(entry.name) == 2 and entry.is_dir()]
    except FileNotFoundError:
        shards = []
    for shard in shards:
        with os.scandir(shard) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    status = entry.stat()
                    found.append((entry.name[:-5], status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    found.sort()
    return [line[0] for line in found], np.array([line[1:] for line in found], np.int64).reshape(-1, 3)


def _stored(path: Path) -> tuple[RecordTable | None, tuple[str, ...], np.ndarray[Any, np.dtype[np.int64]]]:
    nothing: tuple[None, tuple[str, ...], Any] = (None, (), np.empty((0, 3), np.int64))
    if not path.is_file():
        return nothing
    try:
        table = read_table(path, (FORMAT,))
        stamps = np.stack([table.column(name).to_numpy() for name in _STAMP], axis=1)
        records = of_arrow(table)
    except (ResultsError, KeyError, ValueError, AttributeError, pa.ArrowException):
        return nothing  # torn, or of another version: made again
    return records, records.keys, stamps


def _write(path: Path, records: RecordTable, stamps: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    table = to_arrow(records, {name: stamps[:, i] for i, name in enumerate(_STAMP)})
    try:
        write_atomically(path, lambda temporary: write_table(temporary, table), replace=True)
    except ResultsError:
        return  # a full disk or a folder that is only for reading: the next reader parses again
