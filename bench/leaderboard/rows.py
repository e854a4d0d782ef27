"""Which records belong together: the same settings share a board, the same hyperparameters a row."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.leaderboard.numbers import plural, short
from bench.leaderboard.statistics import Unit
from bench.results import Record, canonical

K = TypeVar("K")
_Key = tuple[str, bool, int, str]  # strategy, tuned, trials, stack


@dataclass(frozen=True)
class Group:
    """The records of one row: same strategy, same hyperparameters."""

    label: str
    parameters: Mapping[str, Any]
    by_unit: Mapping[Unit, Record]

    @property
    def done(self) -> dict[Unit, Record]:
        return {unit: r for unit, r in sorted(self.by_unit.items()) if r.status == "done"}

    @property
    def any(self) -> Record:
        return next(iter(self.done.values()), None) or next(iter(self.by_unit.values()))


def settings_of(record: Record) -> dict[str, Any]:
    """What must be equal for records to share a board: everything in the key but strategy, split and seed."""
    return {name: v for name, v in record.config.items() if name not in ("strategies", "strategy", "split", "seed")}


def trials_of(record: Record) -> int | None:
    """The tuning budget, where the record tells it."""
    value = finite(record.notes.get("tuning_trials"))
    return int(value) if record.tuned and value is not None else None


def _stack(record: Record) -> Any:
    return record.config.get("strategies", [])


def group_rows(records: Sequence[Record], notes: list[str]) -> list[Group]:
    """Rows: one for each strategy and set of hyperparameters, labelled with what differs.

    Settings tuned on each split are one row (the procedure is what is compared) if each split has one set of them.
    """
    rows: dict[_Key, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: r.key):
        trials = trials_of(record) or 0
        rows[record.strategy, record.tuned, trials, canonical(_stack(record))].append(record)
    for name, trials in {(s, t) for s, tuned, t, _ in rows if tuned}:
        keys = [k for k in rows if k[:3] == (name, True, trials)]
        splits = [split for k in keys for split in {r.split for r in rows[k]}]
        if len(keys) > 1 and len(set(splits)) == len(splits):
            rows[name, True, trials, ""] = [record for k in keys for record in rows.pop(k)]

    by_name: dict[str, list[_Key]] = defaultdict(list)
    for key in rows:
        by_name[key[0]].append(key)
    groups = []
    taken: Counter[str] = Counter()
    for name, keys in sorted(by_name.items()):
        parameters = {key: _parameters(rows[key][0], merged=not key[3]) for key in keys}
        differing: dict[_Key, dict[str, Any]] = {key: {} for key in keys}
        differing |= varying({k: v for k, v in parameters.items() if k[3]})
        for key in sorted(keys, key=lambda k: (k[1], k[2], canonical(differing[k]))):
            inside = [", ".join(assignments(differing[key]))]
            if len({k[1] for k in keys}) > 1 and key[1]:
                inside.append("tuned")
            if key[1] and len({k[2] for k in keys if k[1]}) > 1:
                inside.append(plural(key[2], "trial"))
            text = ", ".join(filter(None, inside))
            label = short(name, 80) + (f" ({short(text, 80)})" if text else "")
            taken[label] += 1
            label = label if taken[label] == 1 else f"{label} [{taken[label]}]"
            groups.append(Group(label, parameters[key], _by_unit(label, rows[key], notes)))
    return groups


def _by_unit(label: str, records: Sequence[Record], notes: list[str]) -> dict[Unit, Record]:
    """One record a unit. Two can only come from records edited or copied by hand: the newest finished one counts."""
    by_unit: dict[Unit, Record] = {}
    for record in sorted(records, key=lambda r: (r.status == "done", r.created, r.key)):
        by_unit[record.split, record.seed] = record
    if len(by_unit) < len(records):
        notes.append(
            f"{label}: {len(records)} records for {plural(len(by_unit), 'cell')} of equal settings; the newest "
            "finished one of each counts."
        )
    return by_unit


def _parameters(record: Record, *, merged: bool) -> dict[str, Any]:
    """The hyperparameters of a stack by name, prefixed with the strategy where there are several; {} if merged."""
    stack = _stack(record)
    if merged or not isinstance(stack, Sequence):
        return {}
    found: dict[str, Any] = {}
    for element in stack:
        name, version, parameters = (*element, None, None, None)[:3]
        prefix = f"{name}." if len(stack) > 1 else ""
        found |= {f"{prefix}{key}": value for key, value in flatten(parameters or {})}
        found[f"{prefix}version"] = version
    return found


def varying(by_key: Mapping[K, Mapping[str, Any]]) -> dict[K, dict[str, Any]]:
    """Of several flat mappings, what is not the same in all of them."""
    names = sorted({name for flat in by_key.values() for name in flat})
    different = [n for n in names if len({canonical(flat.get(n)) for flat in by_key.values()}) > 1]
    return {key: {n: flat[n] for n in different if n in flat} for key, flat in by_key.items()}


def assignments(values: Mapping[str, Any]) -> list[str]:
    """`name=value` of each; long hexadecimal digests shortened."""
    texts = []
    for name, value in values.items():
        text = value if isinstance(value, str) else canonical(value)
        if len(text) >= 32 and set(text) <= set("0123456789abcdef"):
            text = text[:8]
        texts.append(f"{name}={short(text, 40)}")
    return texts


def reference_of(groups: Sequence[Group], baseline: str) -> str | None:
    """The row that differences are taken to: the baseline, untuned if there are several."""
    named = [g for g in groups if g.any.strategy == baseline and g.done]
    return min(named, key=lambda g: (g.any.tuned, -len(g.done), g.label)).label if named else None


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted names; lists stay whole."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, value


def finite(value: Any) -> float | None:
    """A number as a float; None for what is not a finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
