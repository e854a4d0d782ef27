"""Records: what a cell leaves behind. Content-addressed, written atomically, read as one DataFrame. No torch here.

A record's existence means that its cell is done and that its predictions are whole, after a kill and after a power cut
too: predictions are on the disk under their name before the record gets its own. A name is won by exactly one writer
(`os.link`), so any number of sweeps may share a folder without a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

SCHEMA = 1

Status = Literal["done", "failed", "diverged", "oom", "timeout", "crashed", "skipped"]
FAILURES: tuple[Status, ...] = ("failed", "diverged", "oom", "timeout", "crashed")
STATUSES: tuple[Status, ...] = ("done", "skipped", *FAILURES)


class ResultsError(RuntimeError):
    """The results folder cannot be used: full, read-only, or holding what is not a record."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One cell's outcome. Everything is JSON: numbers are finite or null, never NaN."""

    key: str
    status: Status
    reason: str = ""
    data: str
    target: str
    model: str
    strategy: str  # the stack's label, as on boards
    split: int
    seed: int
    tuned: bool = False
    uses_extra: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)  # what the key is the hash of
    traits: Mapping[str, Any] = field(default_factory=dict)  # rows, classes, counts, prevalence of the data
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # 'view/metric' -> value
    undefined: Mapping[str, str] = field(default_factory=dict)  # 'view/metric' -> why it is null
    per_class: Mapping[str, list[float | None]] = field(default_factory=dict)
    fitted: Mapping[str, float] = field(default_factory=dict)  # temperature, bias, threshold or tau
    cost: Mapping[str, float | None] = field(default_factory=dict)  # fits, steps, train_seconds, peak_mb, …
    notes: Mapping[str, float] = field(default_factory=dict)
    curve: list[list[float]] = field(default_factory=list)  # [step, validation score] of the last fit
    predictions: Mapping[str, str] = field(default_factory=dict)  # file, sha256
    environment: Mapping[str, Any] = field(default_factory=dict)
    traceback: str = ""
    created: str = ""
    schema: int = SCHEMA


Logits: TypeAlias = Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]
"""Part ('val', 'test') -> row numbers (n,), y (n,), logits (n, C)."""

_FIELDS = frozenset(f.name for f in fields(Record))
_REQUIRED = tuple(f.name for f in fields(Record) if f.default is MISSING and f.default_factory is MISSING)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


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
        path = self.path(record.key)

        def write(temporary: Path) -> None:
            temporary.write_text(text, encoding="utf-8")

        return publish(path, write, replace=replace)

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

        def write(temporary: Path) -> None:
            temporary.write_bytes(predictions)

        publish(path, write, replace=False)
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


def publish(path: Path, write: Callable[[Path], None], *, replace: bool) -> bool:
    """Write a file under a temporary name, flush it to disk and give it its name in one step.

    Without `replace` the first writer of a name wins and the others learn it: returns False for them.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(path)
            return True
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    except OSError as error:
        raise ResultsError(
            f"cannot write {path}: {error.strerror or error}. What was there before is intact; free some space or "
            "choose another folder with results=…, then run the same command again"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk, where the system can; a journal keeps their order anyway."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def parse(text: str, path: Path) -> Record:
    """A record from its JSON.

    Raises:
        ResultsError: not JSON, not a record, of a newer schema, or without a field; names the file.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"{path}: expected a record in JSON, but got {error}; delete the file and re-run its cell"
        ) from error
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        got = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        raise ResultsError(f"{path}: expected a record of schema {SCHEMA}, got {got!r}; use the version that wrote it")
    lacking = [name for name in _REQUIRED if name not in raw]
    if lacking:
        raise ResultsError(
            f"{path}: expected a record, but it lacks {', '.join(lacking)}; delete the file and re-run its cell"
        )
    return Record(**{name: value for name, value in raw.items() if name in _FIELDS})


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(parts: Logits) -> bytes:
    """Predictions as a Parquet file with the columns part, row, y, z0 … z{C-1}.

    Without pandas, which takes five times as long, and without dictionaries of numbers that hardly repeat.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - a plan reads records only
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    rows, y, logits = (np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True))
    which = np.repeat(np.arange(len(parts), dtype=np.int8), [len(part[0]) for part in parts.values()])
    columns = {"part": pa.DictionaryArray.from_arrays(which, list(parts)).cast(pa.string()), "row": rows}
    columns |= {"y": y.astype(np.int32), **{f"z{c}": np.ascontiguousarray(z) for c, z in enumerate(logits.T)}}
    file = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), file, compression="zstd", use_dictionary=["part", "y"], write_statistics=False)
    content: bytes = file.getvalue().to_pybytes()
    return content


def unpack(
    frame: pd.DataFrame, part: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(row numbers, y, logits float64) of one part of stored predictions."""
    mine = frame[frame["part"] == part]
    logits = mine[[c for c in frame.columns if c.startswith("z")]].to_numpy(dtype=np.float64)
    return mine["row"].to_numpy(dtype=np.int64), mine["y"].to_numpy(dtype=np.int64), logits


def load(root: str | Path) -> pd.DataFrame:
    """All records, one row each: the scalar fields, 'view/metric' columns, cost columns, and `record` (the object)."""
    rows = []
    for record in Store(root):
        scalars = {
            f.name: getattr(record, f.name) for f in fields(Record) if f.type in ("str", "int", "bool", "Status")
        }
        rows.append({**scalars, **record.cost, **record.metrics, "record": record})
    return pd.DataFrame(rows)


def one_line(error: Exception) -> str:
    """An error's message on one line; its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
