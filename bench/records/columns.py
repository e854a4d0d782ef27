"""Records by column: what boards are computed from, without one Python object for each of 100,000 records."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.records.record import Record, canonical

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TEXTS: Final = (
    "status",
    "reason",
    "data",
    "target",
    "model",
    "strategy",
    "created",
    "settings",
    "stack",
    "traits",
    "undefined",
    "environment",
    "groups",
)
"""Text that repeats, kept as codes: names, and parts of records as canonical JSON."""

_SETTINGS_ASIDE: Final = ("strategies", "strategy", "split", "seed")
_TRAITS: Final = (
    "rows",
    "n_train",
    "n_val",
    "n_test",
    "n_classes",
    "classes",
    "train_counts",
    "val_counts",
    "test_counts",
    "split_by",
    "rarest",
    "imbalance_ratio",
    "entropy",
    "columns",
    "generated",
    "group_column",
    "weight_column",
)
_NOTES: Final = "note:"

PRIOR_EXACT: Final = "prior_exact"
"""1 where the objective is a pure shift of the class prior, so that prior correction undoes it; else 0."""

TRUTH: Final = "truth:"
"""Before the name of a regret, `truth:raw/log_loss`, where the truth is known."""

_GROUPS: Final = 20
"""So many groups of a record are kept, those with most test rows."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Text by number: `values[codes[i]]` is the text of record i."""

    codes: npt.NDArray[np.int32]
    values: tuple[str, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """Number texts in the order of their first appearance."""
        known: dict[str, int] = {}
        codes = np.fromiter((known.setdefault(text, len(known)) for text in texts), np.int32, len(texts))
        return cls(codes, tuple(known))

    def __getitem__(self, index: int) -> str:
        return self.values[int(self.codes[index])]


@dataclass(frozen=True, eq=False)
class RecordTable:
    """Columns of equal length, one entry a record.

    `texts` holds `TEXTS`; `numbers` holds metrics under their name (`raw/auroc`), costs under theirs (`fits`), notes
    under `note:…`, regrets under `truth:…`, and `prior_exact`; NaN where a record has none.
    """

    keys: tuple[str, ...]
    texts: Mapping[str, Coded]
    split: Ints
    seed: Ints
    tuned: npt.NDArray[np.bool_]
    uses_extra: npt.NDArray[np.bool_]
    numbers: Mapping[str, Floats]
    left_out: tuple[str, ...] = ()
    """What lay among the records and is none that can be believed, a line each."""

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def units(self) -> list[tuple[int, int]]:
        """(split, seed) of each record."""
        return list(zip(self.split.tolist(), self.seed.tolist(), strict=True))

    def text(self, name: str, index: int) -> str:
        """One text of one record."""
        return self.texts[name][index]

    def parsed(self, name: str, index: int) -> Any:
        """A part of a record that is kept as JSON: settings, stack, traits, undefined, environment."""
        return json.loads(self.text(name, index))

    def number(self, name: str, index: int) -> float | None:
        """A metric, cost or note of one record; None where it has none."""
        column = self.numbers.get(name)
        value = math.nan if column is None else float(column[index])
        return value if math.isfinite(value) else None

    def note(self, name: str, index: int) -> float | None:
        """One of the record's notes, such as `tuning_trials`."""
        return self.number(f"{_NOTES}{name}", index)

    def take(self, index: npt.NDArray[Any]) -> RecordTable:
        """Some of the records, by position or mask."""
        chosen = np.arange(len(self))[index]
        return RecordTable(
            tuple(self.keys[i] for i in chosen.tolist()),
            {name: Coded(coded.codes[chosen], coded.values) for name, coded in self.texts.items()},
            self.split[chosen],
            self.seed[chosen],
            self.tuned[chosen],
            self.uses_extra[chosen],
            {name: column[chosen] for name, column in self.numbers.items()},
            self.left_out,
        )

    def where(self, name: str, value: str) -> RecordTable:
        """The records with this text in a column."""
        coded = self.texts[name]
        codes = [code for code, text in enumerate(coded.values) if text == value]
        return self.take(np.isin(coded.codes, codes))


def of_records(records: Iterable[Record]) -> RecordTable:
    """The table of some records, in their order."""
    records = list(records)
    texts: dict[str, list[str]] = {name: [] for name in TEXTS}
    found: dict[str, dict[int, float]] = {}
    for i, record in enumerate(records):
        for name, text in _texts(record).items():
            texts[name].append(text)
        # Metrics of the first record fix the columns of most; setdefault keeps later ones.
        for name, value in _numbers(record):
            if isinstance(value, int | float) and math.isfinite(value):
                found.setdefault(name, {})[i] = float(value)
            else:
                found.setdefault(name, {})
    numbers = {}
    for name, by_index in found.items():
        column = np.full(len(records), np.nan)
        column[np.fromiter(by_index, np.int64, len(by_index))] = np.fromiter(by_index.values(), float, len(by_index))
        numbers[name] = column
    return RecordTable(
        tuple(r.key for r in records),
        {name: Coded.of(values) for name, values in texts.items()},
        np.array([r.split for r in records], np.int64),
        np.array([r.seed for r in records], np.int64),
        np.array([r.tuned for r in records], bool),
        np.array([r.uses_extra for r in records], bool),
        numbers,
    )


def _texts(record: Record) -> dict[str, str]:
    settings = {name: value for name, value in record.config.items() if name not in _SETTINGS_ASIDE}
    return {
        "status": record.status,
        "reason": record.reason,
        "data": record.data,
        "target": record.target,
        "model": record.model,
        "strategy": record.strategy,
        "created": record.created,
        "settings": canonical(settings),
        "stack": canonical(record.config.get("strategies", [])),
        "traits": canonical(_traits(record)),
        "undefined": canonical(record.undefined),
        "environment": canonical(record.environment),
        "groups": _groups(record.traits),
    }


def _traits(record: Record) -> dict[str, Any]:
    """What the data are like; test rows a class were once recorded with the metrics of classes only."""
    found = {name: record.traits[name] for name in _TRAITS if name in record.traits}
    if "test_counts" not in found and (support := record.per_class.get("support")):
        found["test_counts"] = [int(rows or 0) for rows in support]
    return found


def _groups(traits: Mapping[str, Any]) -> str:
    """The largest groups as JSON {"total": how many there are, "groups": [[name, {metric: value}], …]}; or empty.

    "few", where some are left out because they have few rows: how many these are.
    """
    found, few = traits.get("groups"), traits.get("n_groups_few", 0)
    if not isinstance(found, Mapping) or not (found or few):
        return ""
    largest = sorted(found.items(), key=lambda item: -item[1].get("rows", 0))[:_GROUPS]
    left_out = {"few": few} if few else {}
    return canonical({"total": traits.get("n_groups", len(found)), **left_out, "groups": largest})


def _numbers(record: Record) -> Iterable[tuple[str, Any]]:
    yield from record.metrics.items()
    yield from record.cost.items()
    yield from ((f"{_NOTES}{name}", value) for name, value in record.notes.items())
    if PRIOR_EXACT in record.fitted:
        yield PRIOR_EXACT, record.fitted[PRIOR_EXACT]
    for view, values in record.traits.get("truth", {}).items():
        yield from ((f"{TRUTH}{view}/{name}", value) for name, value in values.items())


def joined(parts: Sequence[RecordTable]) -> RecordTable:
    """Tables of records one after another."""
    if len(parts) == 1:
        return parts[0]
    names = list(dict.fromkeys(name for part in parts for name in part.numbers))
    texts = {}
    for name in TEXTS:
        values = list(dict.fromkeys(text for part in parts for text in part.texts[name].values))
        position = {text: code for code, text in enumerate(values)}
        codes = [
            np.array([position[text] for text in part.texts[name].values], np.int32)[part.texts[name].codes]
            for part in parts
            if len(part)
        ]
        texts[name] = Coded(np.concatenate(codes) if codes else np.array([], np.int32), tuple(values))
    return RecordTable(
        tuple(key for part in parts for key in part.keys),
        texts,
        np.concatenate([part.split for part in parts]),
        np.concatenate([part.seed for part in parts]),
        np.concatenate([part.tuned for part in parts]),
        np.concatenate([part.uses_extra for part in parts]),
        {
            name: np.concatenate([part.numbers.get(name, np.full(len(part), np.nan)) for part in parts])
            for name in names
        },
        tuple(line for part in parts for line in part.left_out),
    )
