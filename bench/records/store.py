"""Records: what a cell leaves behind. Content-addressed, written atomically, read as one DataFrame. No torch here.

A record's existence means that its cell is done and that its predictions are whole, after a kill and after a power cut
too: predictions are on the disk under their name before the record gets its own. A name is won by exactly one writer
(`os.link`), so any number of sweeps may share a folder without a lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.files import PREFIX, SUFFIX, sync_folder
from bench.records.files import ResultsError, file_digest, one_line, write_atomically, write_text_atomically
from bench.records.predictions import KEY
from bench.records.proof import unproven
from bench.records.reading import read_text
from bench.records.record import Record, parse

_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_STORED: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{12}\.parquet")
_TEMPORARY: Final = re.compile(re.escape(PREFIX) + r"\w+" + re.escape(SUFFIX))


class Store:
    """The records under `<root>/runs`, one JSON file a key and one Parquet file of predictions beside it."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.runs = self.root / "runs"

    def path(self, key: str) -> Path:
        """Where the record of a key lives (sharded, so that no folder grows huge)."""
        return self.runs / key[:2] / f"{key}.json"

    def get(self, key: str) -> Record | None:
        """The record of a key, or None.

        Raises:
            ResultsError: the file exists and is not a record.
        """
        path = self.path(key)
        try:
            return parse(read_text(path), path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def proven(self, key: str) -> Record | None:
        """The record of a key that is what it says, with predictions where it is done; or None.

        Raises:
            ResultsError: there is something of this name, and it is no such record; says what mends that.
        """
        record, path = self.get(key), self.path(key)
        if record is None:
            return None
        if why := unproven(record, path):
            raise ResultsError(why)
        if not self.has_predictions(record):
            raise ResultsError(f"{path}: its predictions are gone; run the same command again")
        return record

    def has_predictions(self, record: Record) -> bool:
        """Whether the predictions that a record names are there; it may name none."""
        return "file" not in record.predictions or (self.root / record.predictions["file"]).is_file()

    def put(self, record: Record, *, replace: bool = False) -> bool:
        """Publish a record. False if another writer was first (its record stays, unless `replace`).

        Raises:
            ResultsError: the folder is full or read-only; nothing that was there is harmed.
        """
        text = json.dumps(asdict(record), allow_nan=False, ensure_ascii=False, indent=1) + "\n"
        return write_text_atomically(self.path(record.key), text, replace=replace)

    def settle(self, record: Record) -> Record:
        """Publish the outcome of a run; returns the record that stands.

        A finished cell stays as it is, whoever was first; a failure gives way to whatever came later, and so does what
        is no record.
        """
        if self.put(record):
            return record
        with suppress(ResultsError):
            standing = self.proven(record.key)
            if standing is not None and standing.status == "done":
                return standing
        self.put(record, replace=True)
        return record

    def put_predictions(self, key: str, predictions: bytes) -> dict[str, str]:
        """Store what `pack` made; on the disk and under its name when this returns {'file', 'sha256'} for the record.

        The file's name holds its hash: of two writers of one cell, each record finds its own.
        """
        sha256 = hashlib.sha256(predictions).hexdigest()
        path = self.path(key).with_name(f"{key}.{sha256[:12]}.parquet")
        if not write_atomically(path, lambda temporary: temporary.write_bytes(predictions), replace=False) and (
            not path.is_file() or file_digest(path) != sha256
        ):  # of this name, and damaged
            write_atomically(path, lambda temporary: temporary.write_bytes(predictions), replace=True)
        sync_folder(path.parent)
        return {"file": str(path.relative_to(self.root)), "sha256": sha256}

    def predictions(self, record: Record) -> pd.DataFrame:
        """The stored predictions of a record.

        Raises:
            ResultsError: they are missing, not what was recorded, or those of another cell.
        """
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - a plan reads records only

        path, own = self.root / record.predictions.get("file", "absent"), self.path(record.key)
        again = f"delete {own} and run the same command again"
        if not path.is_file():
            raise ResultsError(f"predictions of {record.key[:12]}: expected {path}, but there is none; {again}")
        try:
            if file_digest(path) != record.predictions.get("sha256"):
                raise ResultsError(f"predictions of {record.key[:12]}: {path} is not what was recorded; {again}")
            table = pq.read_table(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise ResultsError(
                f"predictions of {record.key[:12]}: {path} cannot be read ({one_line(error)}); {again}"
            ) from error
        made_by = (table.schema.metadata or {}).get(KEY, record.key.encode()).decode("utf-8", "replace")
        if made_by != record.key:
            raise ResultsError(
                f"predictions of {record.key[:12]}: {path} are those of another cell, {made_by[:12]}; {again}"
            )
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def remove(self, key: str) -> None:
        """Delete a record, then its predictions."""
        self.path(key).unlink(missing_ok=True)
        for path in self.path(key).parent.glob(f"{key}.*.parquet"):
            path.unlink(missing_ok=True)

    def paths(self) -> list[Path]:
        """The files of all records, sorted by key."""
        return sorted(path for path in self.runs.glob("??/*.json") if not path.name.startswith("."))

    def read(self, path: Path) -> Record:
        """The record in a file.

        Raises:
            ResultsError: it is not a record.
        """
        try:
            return parse(read_text(path), path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ResultsError(
                f"{path}: expected a record, but it has gone meanwhile; run the command again"
            ) from error

    def __iter__(self) -> Iterator[Record]:
        """The records that can be read, by key; what cannot be is left to those who name it."""
        for path in self.paths():
            with suppress(ResultsError):
                yield self.read(path)

    def orphans(self) -> list[Path]:
        """Temporary files and predictions that no record names: left by a kill, safe to delete when nothing runs.

        Only files that have the names that are given here, in folders that are no links: whatever else lies there is
        somebody's own.
        """
        ours = [path for path in self._own_files() if _TEMPORARY.fullmatch(path.name) or _STORED.fullmatch(path.name)]
        named = set()
        for path in self.paths():
            try:
                named.add(self.read(path).predictions.get("file"))
            except ResultsError:  # what an unreadable record names is not known: its predictions are kept
                named |= {str(p.relative_to(self.root)) for p in path.parent.glob(f"{path.stem}.*.parquet")}
        return sorted(p for p in ours if p.suffix == ".tmp" or str(p.relative_to(self.root)) not in named)

    def _own_files(self) -> Iterator[Path]:
        """Files under folders with the first two digits of keys; links are neither followed nor returned."""
        try:
            shards = [
                e.path for e in os.scandir(self.runs) if _SHARD.fullmatch(e.name) and e.is_dir(follow_symlinks=False)
            ]
        except (FileNotFoundError, NotADirectoryError):
            return
        for shard in shards:
            with os.scandir(shard) as entries:
                yield from (Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))


def load(root: str | Path) -> pd.DataFrame:
    """All records, one row each: the scalar fields, 'view/metric' columns, cost columns, and `record` (the object)."""
    rows = []
    for record in Store(root):
        scalars = {
            f.name: getattr(record, f.name) for f in fields(Record) if f.type in ("str", "int", "bool", "Status")
        }
        rows.append({**scalars, **record.cost, **record.metrics, "record": record})
    return pd.DataFrame(rows)
