"""What a record must show before anybody believes it: that its key, its cell and its predictions belong together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.records.reading import AGAIN
from bench.records.record import Record, digest


def unproven(record: Record, path: Path) -> str:
    """Why a record is not what it says, in one line with what mends it; empty where it is."""
    why = _foreign(record, path)
    return f"{path}: expected the record of its own cell, but {why}; {AGAIN}" if why else ""


def _foreign(record: Record, path: Path) -> str:
    """What does not belong to what."""
    if path.stem != record.key:
        return f"its key is {record.key[:12]}…, which is not its name"
    try:
        found = digest(record.config)
    except ValueError as error:
        return f"its configuration has no digest ({error})"
    if found != record.key:
        return "its key is not the digest of its configuration"
    for name, told in _told(record.config).items():
        if getattr(record, name) != told:
            return f"it says {name} {getattr(record, name)!r}, and its configuration {told!r}"
    return _misplaced(record) or _misshapen(record)


def _misplaced(record: Record) -> str:
    """Whether its predictions lie under another key, or outside."""
    file, sha = record.predictions.get("file"), str(record.predictions.get("sha256", ""))
    if file is None or file == f"runs/{record.key[:2]}/{record.key}.{sha[:12]}.parquet":
        return ""
    return f"its predictions, {str(file)[:120]!r}, are not under its own key"


def _misshapen(record: Record) -> str:
    """What the readers of records rely on, beyond the types of their fields."""
    for name in ("truth", "groups"):
        part = record.traits.get(name, {})
        if not isinstance(part, Mapping) or not all(isinstance(value, Mapping) for value in part.values()):
            return f"its traits.{name} are {str(part)[:60]!r}"
    return "" if isinstance(record.config.get("versions", {}), Mapping) else "its versions are none"


def _told(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration says of fields that a record has besides."""
    told = {name: config[name] for name in ("split", "seed") if name in config}
    told["tuned"] = config.get("tuned", False)
    if isinstance(config.get("model"), Mapping) and "name" in config["model"]:
        told["model"] = config["model"]["name"]
    stack = config.get("strategies")
    if isinstance(stack, list) and all(isinstance(one, list) and one for one in stack):
        told["strategy"] = "+".join(str(one[0]) for one in stack) if stack else "none"
    return told
