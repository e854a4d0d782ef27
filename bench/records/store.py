"""Records: what a cell leaves behind. Content-addressed, written atomically, read as one DataFrame. No torch here.

A record's existence means that its cell is done and that its predictions are whole, after a kill and after a power cut
too: predictions are on the disk under their name before the record gets its own. A name is won by exactly one writer
(`os.link`), so any number of sweeps may share a folder without a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from bench.files import sync_folder
from bench.records.files import ResultsError, file_digest, write_atomically, write_text_atomically
from bench.records.record import Record, parse


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
            return parse(path.read_text(encoding="utf-8"), path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, record: Record, *, replace: bool = False) -> bool:
        """Publish a record. False if another writer was first (its record stays, unless `replace`).

        Raises:
            ResultsError: the folder is full or read-only; nothing that was there is harmed.
        """
        text = json.dumps(asdict(record), allow_nan=False, ensure_ascii=False, indent=1) + "\n"
        return write_text_atomically(self.path(record.key), text, replace=replace)

    def settle(self, record: Record) -> Record:
        """Publish the outcome of a run; returns the record that stands.

        A finished cell stays as it is, whoever was first; a failure gives way to whatever came later.
        """
        if self.put(record):
            return record
        standing = self.get(record.key)
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
        write_atomically(path, lambda temporary: temporary.write_bytes(predictions), replace=False)
        sync_folder(path.parent)
        return {"file": str(path.relative_to(self.root)), "sha256": sha256}

    def predictions(self, record: Record) -> pd.DataFrame:
        """The stored predictions of a record.

        Raises:
            ResultsError: they are missing, or their hash is not the recorded one.
        """
        path = self.root / record.predictions.get("file", "absent")
        if not path.is_file():
            raise ResultsError(f"predictions of {record.key[:12]}: expected {path}, but there is none; re-run the cell")
        if file_digest(path) != record.predictions["sha256"]:
            raise ResultsError(
                f"predictions of {record.key[:12]}: {path} is not what was recorded; delete the record and re-run"
            )
        return pd.read_parquet(path)

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
        return parse(path.read_text(encoding="utf-8"), path)

    def __iter__(self) -> Iterator[Record]:
        return map(self.read, self.paths())

    def orphans(self) -> list[Path]:
        """Temporary files and predictions that no record names: left by a kill, safe to delete when nothing runs."""
        temporary = list(self.runs.glob("??/.*.tmp"))
        named = set()
        for path in self.paths():
            try:
                named.add(self.read(path).predictions.get("file"))
            except ResultsError:  # what an unreadable record names is not known: its predictions are kept
                named |= {str(p.relative_to(self.root)) for p in path.parent.glob(f"{path.stem}.*.parquet")}
        stored = self.runs.glob("??/*.parquet")
        return sorted(temporary + [p for p in stored if str(p.relative_to(self.root)) not in named])


def load(root: str | Path) -> pd.DataFrame:
    """All records, one row each: the scalar fields, 'view/metric' columns, cost columns, and `record` (the object)."""
    rows = []
    for record in Store(root):
        scalars = {
            f.name: getattr(record, f.name) for f in fields(Record) if f.type in ("str", "int", "bool", "Status")
        }
        rows.append({**scalars, **record.cost, **record.metrics, "record": record})
    return pd.DataFrame(rows)
