"""What a cell leaves behind, and its text: canonical JSON, the digest that is its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from bench.records.files import ResultsError
from bench.records.reading import AGAIN, read_json

SCHEMA = 1

Status = Literal["done", "failed", "diverged", "oom", "timeout", "crashed", "skipped"]

FAILURES: tuple[Status, ...] = ("failed", "diverged", "oom", "timeout", "crashed")

STATUSES: tuple[Status, ...] = ("done", "skipped", *FAILURES)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One cell's outcome. Everything is JSON: numbers are finite or null, never NaN."""

    IDENTITY: ClassVar[tuple[str, ...]] = (
        "key",
        "data",
        "target",
        "model",
        "strategy",
        "split",
        "seed",
        "tuned",
        "uses_extra",
        "config",
    )
    """The fields that say which cell it is; all others say what came of it."""

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

    def identity(self) -> dict[str, Any]:
        """Which cell it is: the fields of `IDENTITY`."""
        return {name: getattr(self, name) for name in self.IDENTITY}


_FIELDS = {f.name: str(f.type) for f in fields(Record)}

_REQUIRED = tuple(f.name for f in fields(Record) if f.default is MISSING and f.default_factory is MISSING)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**1023


def _maps_to(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(inner, value.values()))


_KINDS: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "Status": lambda value: isinstance(value, str) and value in STATUSES,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "Mapping[str, Any]": lambda value: isinstance(value, dict),
    "Mapping[str, str]": _maps_to(lambda value: isinstance(value, str)),
    "Mapping[str, float]": _maps_to(_is_number),
    "Mapping[str, float | None]": _maps_to(lambda value: value is None or _is_number(value)),
    "Mapping[str, list[float | None]]": _maps_to(
        lambda value: isinstance(value, list) and all(v is None or _is_number(v) for v in value)
    ),
    "list[list[float]]": lambda value: (
        isinstance(value, list) and all(isinstance(point, list) and all(map(_is_number, point)) for point in value)
    ),
}
"""What each kind of field may hold."""


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def now() -> str:
    """The time, in UTC and to the second: for `created`."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def failed_record(identity: Mapping[str, Any], status: Status, reason: str, **known: Any) -> Record:
    """The record of a cell that came to nothing: which cell (`Record.IDENTITY`), why, and what else is `known`."""
    return Record(**{"created": now(), **identity, "status": status, "reason": reason, **known})


def parse(text: str, path: Path) -> Record:
    """A record from its JSON.

    Raises:
        ResultsError: not JSON, not a record, of a newer schema, without a field or with a wrong one; names the file.
    """
    raw = read_json(text, path)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        got = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        raise ResultsError(
            f"{path}: expected a record of schema {SCHEMA}, got {got!r:.60}; use the version that wrote it"
        )
    lacking = [name for name in _REQUIRED if name not in raw]
    if lacking:
        raise ResultsError(f"{path}: expected a record, but it lacks {', '.join(lacking)}; {AGAIN}")
    known = {name: value for name, value in raw.items() if name in _FIELDS}
    for name, value in known.items():
        if not _KINDS[_FIELDS[name]](value):
            raise ResultsError(f"{path}: expected a record, but its {name} is {value!r:.60}; {AGAIN}")
    return Record(**known)
