"""A derived index of the records of a folder: quick to read, made again where it is stale, never trusted over them.

Every read lists all record files with size and times; only those that the index knows with exactly the same ones are
taken from it, the others are parsed. A missing, torn or foreign index costs time and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.private_key import sealed, unsealed
from bench.records.columns import RecordTable, joined
from bench.records.files import ResultsError, write_atomically
from bench.records.parallel_read import parse_files, read_records
from bench.records.store import Store
from bench.records.table_file import FORMAT, of_arrow, read_table, to_arrow, write_table

WORTH_IT: Final = 200
"""Below so many records parsing them all is quicker than looking anything up, and no index is written."""

_STAMP: Final = ("file_size", "file_mtime", "file_ctime")


def index_path(root: Path) -> Path:
    """Where the index of a results folder lies; deleting it is always safe."""
    return root / "cache" / "index.parquet"


def read(root: Path) -> RecordTable:
    """All records of a results folder, sorted by key; what is none, or not what it says, is named in `left_out`."""
    store = Store(root)
    names, stamps, foreign = listing(store.runs)
    if len(names) < WORTH_IT:
        return _and_foreign(read_records(store, names), foreign)
    old, known, known_stamps = _stored(index_path(root))
    if old is not None and names == list(known) and np.array_equal(stamps, known_stamps):
        return _and_foreign(old, foreign)
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
    at = {name: i for i, name in enumerate(names)}  # what was left out is parsed, and named, again next time
    _write(index_path(root), replace(records, left_out=()), stamps[[at[key] for key in records.keys]])
    return _and_foreign(records, foreign)


def _and_foreign(records: RecordTable, foreign: Sequence[str]) -> RecordTable:
    """With the files named that have no name of a record."""
    lines = [f"{path}: expected a record under the name of its key; delete the file" for path in foreign]
    return replace(records, left_out=(*records.left_out, *lines))


def listing(runs: Path) -> tuple[list[str], np.ndarray[Any, np.dtype[np.int64]], list[str]]:
    """Sorted keys of all record files, (size, modified, changed) of each, and files that lie where no key puts them."""
    foreign: list[str] = []
    found: list[tuple[str, int, int, int]] = []
    try:
        shards = [entry.path for entry in os.scandir(runs) if len(entry.name) == 2 and entry.is_dir()]
    except FileNotFoundError:
        shards = []
    for shard in shards:
        with os.scandir(shard) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    if entry.name[:2] != os.path.basename(shard):
                        foreign.append(entry.path)
                        continue
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.name[:-5], status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    found.sort()
    stamps = np.array([line[1:] for line in found], np.int64).reshape(-1, 3)
    return [line[0] for line in found], stamps, sorted(foreign)


def _stored(path: Path) -> tuple[RecordTable | None, tuple[str, ...], np.ndarray[Any, np.dtype[np.int64]]]:
    nothing: tuple[None, tuple[str, ...], Any] = (None, (), np.empty((0, 3), np.int64))
    if not path.is_file():
        return nothing
    try:
        content = unsealed(path.read_bytes())
        if content is None:
            return nothing  # not of this user: a cache is believed by who wrote it only
        table = read_table(pa.BufferReader(content), (FORMAT,))
        stamps = np.stack([table.column(name).to_numpy() for name in _STAMP], axis=1)
        records = of_arrow(table)
    except (OSError, ResultsError, KeyError, ValueError, AttributeError, pa.ArrowException):
        return nothing  # torn, or of another version: made again
    return records, records.keys, stamps


def _write(path: Path, records: RecordTable, stamps: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    table = to_arrow(records, {name: stamps[:, i] for i, name in enumerate(_STAMP)})
    file = pa.BufferOutputStream()
    write_table(file, table)
    content = sealed(file.getvalue().to_pybytes())
    try:
        write_atomically(path, lambda temporary: temporary.write_bytes(content), replace=True)
    except ResultsError:
        return  # a full disk or a folder that is only for reading: the next reader parses again
