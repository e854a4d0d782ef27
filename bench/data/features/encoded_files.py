"""Encoded features of large tables in files, memory-mapped: one copy for all strategies, cells and processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bench.data.features.encode import Encoded, encode, labelled, of_population
from bench.data.features.fit_encoders import DEFAULT
from bench.data.fetching.cache import cache_root, make_room, new_folder, used
from bench.data.tables.config import TableConfig
from bench.data.tables.schema import Table, release
from bench.data.tables.splits import Partition, partition
from strategies.features import EMBEDDING, Features, Field
from strategies.model import Takes

SHARED_ROWS = 200_000  # tables from this size on
LAYOUT = 2  # raised when the files change: old ones are then made anew
MADE_BY = {"encoding": 2, "splitting": 2}  # those of bench.records.versions, which a test holds equal
PARTS = ("train", "val", "test")


def shared(
    table: Table, config: TableConfig, split: int, seed: int, takes: Takes = DEFAULT, *, test: bool = True
) -> Encoded:
    """The encoded parts of a table, from files that the first caller makes; of text as vectors only, not as terms.

    Raises:
        DataError: the data cannot be split or encoded, or the cache cannot be written.
    """
    folder = cache_root() / "encoded" / name(table, config, split, seed, takes)
    if not (folder / "meta.json").is_file():
        make_room(folder.parent)
        with new_folder(folder) as work:
            write(table, config, (split, seed), takes, work)
    used(folder)
    return read(table, folder, test)


def name(table: Table, config: TableConfig, split: int, seed: int, takes: Takes = DEFAULT) -> str:
    """A name for all that determines the encoded parts."""
    what = [LAYOUT, MADE_BY, table.fingerprint, config.test_fraction, config.val_fraction, config.key(), split, seed]
    what += [takes.key()] if takes.key() else []
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def write(table: Table, config: TableConfig, which: tuple[int, int], takes: Takes, folder: Path) -> None:
    """Encode straight into files; of those of the table no more is in this process's memory than a block needs.

    which: split and seed.
    """
    columns = [table.frame[name] for name in table.frame]

    def to_file(name: str, shape: tuple[int, ...], dtype: str, blocks: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        path = folder / f"{name}.npy"
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(np.dtype(dtype))}
            )
            for block in blocks:
                block.tofile(file)
                for column in columns:
                    release(column)
        found: npt.NDArray[Any] = np.load(path, mmap_mode="c")
        return found

    parts = partition(table, *which, config.test_fraction, config.val_fraction)
    encoded = encode(table, parts, config, takes, collect=to_file)
    for part, x in zip(PARTS, (encoded.train.x, encoded.val.x, encoded.test), strict=True):
        np.save(folder / f"{part}-rows.npy", getattr(encoded.partition, part))
        for field, value in x.columns.items():
            path = folder / f"{part}-{field}.npy"
            assert isinstance(value, torch.Tensor)
            if not path.exists():  # fitted on the training rows, in memory
                np.save(path, value.numpy())
    fields = [[f.name, f.kind, list(f.sizes), f.width] for f in encoded.schema]
    (folder / "meta.json").write_text(json.dumps({"fields": fields, "log": encoded.log}), encoding="utf-8")


def read(table: Table, folder: Path, test: bool) -> Encoded:
    """The parts as memory-mapped tensors; writing to one changes a private copy."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    schema = tuple(Field(n, kind, tuple(sizes), width) for n, kind, sizes, width in meta["fields"])

    def load(name: str) -> npt.NDArray[Any]:
        ahead(folder / f"{name}.npy")
        found: npt.NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="c")
        return found

    def features(part: str) -> Features:
        return Features(schema, {f.name: torch.from_numpy(load(f"{part}-{f.name}")) for f in schema})

    rows = {part: np.asarray(load(f"{part}-rows")) for part in PARTS}
    labels = torch.from_numpy(np.asarray(table.y))
    train, val = (labelled(table, rows[part], features(part)) for part in PARTS[:2])
    vectors = train.x.columns.get(EMBEDDING)
    train = replace(train, embedding=vectors if isinstance(vectors, torch.Tensor) else None)
    nothing = torch.arange(0)
    return Encoded(
        table=table,
        partition=Partition(rows["train"], rows["val"], rows["test"]),
        train=of_population(table, train, val),
        val=val,
        test=features("test") if test else train.x.take(nothing),
        test_y=labels[torch.from_numpy(rows["test"])] if test else labels[:0],
        extra={},
        schema=schema,
        log=tuple(meta["log"]),
    )


def ahead(path: Path) -> None:
    """Ask the system to read a file in, one piece after another: batches will want its rows at random."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file, contextlib.suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
