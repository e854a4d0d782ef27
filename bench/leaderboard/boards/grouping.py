"""Which records belong together: the same settings share a board, the same hyperparameters a row."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeVar

from bench.leaderboard.statistics.design import Unit
from bench.leaderboard.text.words import plural, short
from bench.records.columns import RecordTable
from bench.records.record import canonical

K = TypeVar("K")
_Key = tuple[str, bool, int, str]  # strategy, tuned, trials, stack

_TUNED: Final = ("lr", "weight_decay")
"""Keys of `train` that tuning chooses: with the model's hyperparameters part of the budget, not of the board."""


@dataclass(frozen=True)
class RowRecords:
    """The records of one row, as positions in the table: same strategy, same hyperparameters or one tuning budget."""

    label: str
    strategy: str
    tuned: bool
    parameters: Mapping[str, Any]
    by_unit: Mapping[Unit, int]
    done: Mapping[Unit, int] = field(default_factory=dict)  # sorted by unit


@dataclass(frozen=True)
class BoardSettings:
    """What must be equal for records to share a board, without (`shared`) and with what tuning chooses (`full`)."""

    shared: str
    full: str


@lru_cache(maxsize=4096)
def settings_of(text: str) -> BoardSettings:
    """The settings in a record's configuration (canonical JSON, without strategies, split and seed)."""
    value = json.loads(text)
    value.pop("tuned", None)  # records of tuned strategies carry it, so that their keys differ; rows say it
    train, model = value.get("train"), value.get("model")
    if isinstance(train, dict):
        value["train"] = {name: v for name, v in train.items() if name not in _TUNED}
    if isinstance(model, dict):
        value["model"] = {name: v for name, v in model.items() if name in ("name", "version")}
    return BoardSettings(canonical(value), text)


def split_settings(records: RecordTable, positions: Sequence[int]) -> list[tuple[str, list[int]]]:
    """The boards among records of one data set, target and model: (settings as JSON, positions) of each.

    Learning rate, weight decay and the model's hyperparameters of a *tuned* record were chosen within its budget, so
    they do not send it to another board: tuned strategies share one, with untuned ones where these have one setting.
    """
    shared: dict[str, list[int]] = defaultdict(list)
    coded = records.texts["settings"]
    by_code = [settings_of(text) for text in coded.values]
    codes = coded.codes.tolist()
    for i in positions:
        shared[by_code[codes[i]].shared].append(i)
    found = []
    for key, members in shared.items():
        tuned = [i for i in members if records.tuned[i]]
        plain: dict[str, list[int]] = defaultdict(list)
        for i in members:
            if not records.tuned[i]:
                plain[by_code[codes[i]].full].append(i)
        if len(plain) == 1:
            (full,) = plain
            found.append((full, members))
        else:
            found += list(plain.items())
            found += [(key, tuned)] if tuned else []
    return found


def trials_of(records: RecordTable, index: int) -> int | None:
    """The tuning budget, where the record tells it."""
    value = records.note("tuning_trials", index)
    return int(value) if records.tuned[index] and value is not None else None


def group_rows(records: RecordTable, positions: Sequence[int], notes: list[str]) -> list[RowRecords]:
    """Rows: one for each strategy and set of hyperparameters, labelled with what differs.

    A tuned strategy is one row, whatever values tuning chose on which split: the procedure is what is compared.
    """
    rows: dict[_Key, list[int]] = defaultdict(list)
    strategies, stacks = records.texts["strategy"], records.texts["stack"]
    kinds = [_kind_of(text) for text in stacks.values]
    for i in positions:
        stack = stacks.codes[i]
        if records.tuned[i]:
            rows[strategies[i], True, trials_of(records, i) or 0, kinds[stack]].append(i)
        else:
            rows[strategies[i], False, 0, stacks.values[stack]].append(i)

    by_name: dict[str, list[_Key]] = defaultdict(list)
    for key in rows:
        by_name[key[0]].append(key)
    groups = []
    taken: Counter[str] = Counter()
    for name, keys in sorted(by_name.items()):
        parameters = {key: _parameters(key[3]) for key in keys}
        differing: dict[_Key, dict[str, Any]] = {key: {} for key in keys}
        for tuned in (False, True):
            differing |= varying({k: v for k, v in parameters.items() if k[1] == tuned})
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
            groups.append(_group(records, rows[key], label=label, key=key, parameters=parameters[key], notes=notes))
    return groups


def _group(
    records: RecordTable,
    members: Sequence[int],
    *,
    label: str,
    key: _Key,
    parameters: Mapping[str, Any],
    notes: list[str],
) -> RowRecords:
    """One record a unit. Two can only come from records edited or copied by hand: the newest finished one counts."""
    units, status = records.units, records.texts["status"]
    by_unit = {units[i]: i for i in members}
    if len(by_unit) < len(members):
        created = records.texts["created"]
        for i in sorted(members, key=lambda i: (status[i] == "done", created[i], records.keys[i])):
            by_unit[units[i]] = i
        notes.append(
            f"{label}: {len(members)} records for {plural(len(by_unit), 'cell')} of equal settings; the newest "
            "finished one of each counts."
        )
    ordered = sorted(by_unit.items())
    finished = {code for code, text in enumerate(status.values) if text == "done"}
    done = {unit: i for unit, i in ordered if int(status.codes[i]) in finished}
    return RowRecords(label, key[0], key[1], parameters, dict(ordered), done)


@lru_cache(maxsize=4096)
def _kind_of(stack: str) -> str:
    """A stack without hyperparameters: names and versions, as canonical JSON."""
    value = json.loads(stack)
    return canonical([(*element, None, None)[:2] for element in value]) if isinstance(value, list) else stack


@lru_cache(maxsize=4096)
def _parsed(stack: str) -> Any:
    return json.loads(stack)


def _parameters(text: str) -> dict[str, Any]:
    """The hyperparameters of a stack by name, prefixed with the strategy where there are several."""
    stack = _parsed(text)
    if not isinstance(stack, list):
        return {}
    found: dict[str, Any] = {}
    for element in stack:
        name, version, parameters = (*element, None, None, None)[:3]
        prefix = f"{name}." if len(stack) > 1 else ""
        found |= {f"{prefix}{key}": value for key, value in flatten(parameters or {}) if key}
        found[f"{prefix}version"] = version
    return found


def varying(by_key: Mapping[K, Mapping[str, Any]]) -> dict[K, dict[str, Any]]:
    """Of several flat mappings, what is not the same in all of them."""
    if len(by_key) < 2:
        return {key: {} for key in by_key}
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


def reference_of(groups: Sequence[RowRecords], baseline: str) -> str | None:
    """The row that differences are taken to: the baseline, tuned where any strategy is.

    A tuned strategy that beats an untuned baseline shows what tuning does and not what the strategy does.
    """
    named = [g for g in groups if g.strategy == baseline and g.done]
    tuned = any(g.tuned for g in groups)
    return min(named, key=lambda g: (g.tuned != tuned, -len(g.done), g.label)).label if named else None


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
