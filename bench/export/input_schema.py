"""How each column of a new table is read: as the training table's was, cell by cell.

A training table is read as a whole: a column is numbers if all of its cells are, and 01/02/2024 is a day in January if
another cell proves it. New rows come in blocks, or alone, and must not be read in another way for that. So what the
whole table proved is written down with the model, and here no cell's reading depends on another cell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import Format, TableConfig
from bench.data.tables.decode import MISSING, NUMBER, Values, as_labels, decode, shortest, strings
from bench.data.tables.derive import BETWEEN, derive
from bench.data.tables.infer import as_kind
from bench.data.tables.schema import ColumnKind

Spelling = Literal["text", "number", "boolean"]
"""How labels of a category are written: as they stand, as numbers (1.0 is 1), or as true and false."""

PROOF = {".": "1.5", ",": "1,5"}
"""Decimal mark -> a number that can be read with it only."""


_REMEDY = "Write numbers as the training table has them (1234.5), or leave these cells empty"


def proof(mark: str, unit: str) -> str:
    """A cell that can be read only with a decimal mark ('' for none) and unit ('' for none); '' for neither."""
    return f"{PROOF.get(mark, '1')} {unit}" if unit else PROOF.get(mark, "")


@dataclass(frozen=True, kw_only=True)
class InputSchema:
    """The columns that a model takes, and how they are read.

    kinds: of the features, made ones included. spellings: of the categories, and of what crosses are made of. formats,
    dates, crosses: as the options of these names under `data`. marks: column of `formats` -> its decimal mark, where
    the training table proved it. units: column read with a unit -> that unit. day_first: column of `dates` -> whether
    01/02/2024 is in February, where it proved that. missing_words: that mean missing in columns of text. known: columns
    that are no features, and may be there or not.
    """

    kinds: Mapping[str, ColumnKind]
    spellings: Mapping[str, Spelling]
    target: str
    known: tuple[str, ...] = ()
    missing_words: tuple[str, ...] = ()
    formats: Mapping[str, Format] | None = None
    marks: Mapping[str, str] | None = None
    units: Mapping[str, str] | None = None
    dates: tuple[str, ...] = ()
    day_first: Mapping[str, bool] | None = None
    crosses: tuple[tuple[str, ...], ...] = ()

    @property
    def made(self) -> dict[str, tuple[str, ...]]:
        """Columns that are made of others, each with those."""
        found = {BETWEEN.join(names): tuple(names) for names in self.crosses}
        parts = ("days", "month", "weekday", "hour")
        return found | {f"{name} {part}": (name,) for name in self.dates for part in parts}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have, sorted."""
        made = self.made
        needed = {name for name in self.kinds if name not in made}
        return tuple(sorted(needed.union(*(made[name] for name in self.kinds if name in made))))

    def check(self, names: Collection[str], where: str, *, strict: bool = True) -> None:
        """Hold the columns of a table to the schema.

        Raises:
            DataError: one is missing; with `strict`, also if there is one that the training table had not.
        """
        missing = [name for name in self.columns if name not in names]
        if missing:
            raise DataError(
                f"{where}: expected the columns that the model was trained on, got none by the name of "
                f"{listing(missing)}. {suggest(missing[0], names)}Add them, empty if their values are not known"
            )
        extra = [n for n in names if n not in self.columns and n not in self.known and n != self.target]
        if strict and extra:
            raise DataError(
                f"{where}: expected no column that the training table had not, got {listing(extra)}. Take them out, or "
                "have them ignored with strict=false"
            )

    def frame(self, columns: Mapping[str, Any], first: int = 0) -> pd.DataFrame:
        """Columns of pyarrow, of one length, as typed features. `first`: the number of their first row, for messages.

        Raises:
            DataError: cells that cannot be read as their column's kind; names column and rows.
        """
        values = {name: self._values(name, columns[name]) for name in self.columns}
        rows = np.arange(first, first + (len(next(iter(values.values()))) if values else 0), dtype=np.int64)
        made = self._made(values)
        found = {}
        for name, kind in sorted(self.kinds.items()):
            read = made[name] if name in made else values[name]
            missing = self._missing(name)
            labels = read if kind == "numeric" and read.storage != "string" else as_labels(read, kind, missing)
            data = as_kind(name, labels, kind, rows, remedy=_REMEDY)
            found[name] = pd.Series(data, dtype=data.dtype)
        return pd.DataFrame(found)

    def _missing(self, name: str) -> frozenset[str]:
        """Words for missing in a column: of numbers and booleans the usual ones always."""
        typed = self.kinds.get(name) == "numeric" or self.spellings.get(name, "text") != "text"
        return frozenset((*(MISSING if typed else ()), *self.missing_words))

    def _values(self, name: str, column: Any) -> Values:
        """A column as read: numbers where it holds some, else strings spelled as in training."""
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
            kind = column.type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        if not text or name in self.dates or (self.kinds.get(name) == "numeric" and name not in (self.formats or {})):
            found = decode(column, missing=self.missing_words)
            if found.storage == "other":
                raise DataError(f"column {name!r}: expected plain values, got {kind}. Write numbers, text or dates")
            if name in self.dates:
                return Values("date", np.full(len(found), None)) if found.missing().all() else found
            return found if self.kinds.get(name) == "numeric" else _as_strings(found)
        found = strings("string", column.cast(pa.large_string()))
        return _spelled(found, self.spellings.get(name, "text"))

    def _made(self, values: Mapping[str, Values]) -> dict[str, Values]:
        """The columns that are made of others, or read by a format."""
        found, _ = derive(values, TableConfig(crosses=self.crosses), [])
        for name in self.dates:
            first = (self.day_first or {}).get(name)
            found |= derive(values, TableConfig(dates=(name,), day_first=first), [])[0]
        for name in self.formats or {}:
            found[name] = self._formatted(name, values[name])
        for name in set(self.kinds) - set(found):
            if name in self.made and name.endswith(" hour"):  # no time in these rows: midnight
                days = found[f"{name.removesuffix(' hour')} days"].data
                found[name] = Values("number", np.where(np.isnan(days), np.nan, 0.0))
        return found

    def _formatted(self, name: str, values: Values) -> Values:
        """A column of numbers in a local format, under the decimal mark of the training table."""
        if values.storage == "number":
            return values
        values = as_labels(values, "text", frozenset((*MISSING, *self.missing_words)))
        more = proof((self.marks or {}).get(name, ""), (self.units or {}).get(name, ""))
        given = Values("string", np.append(values.strings(), [more])) if more else values
        found, _ = derive({name: given}, TableConfig(formats={name: (self.formats or {})[name]}), [])
        return Values("number", found[name].data[:-1] if more else found[name].data)

    def state(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> InputSchema:
        """The schema of such data."""
        own = dict(state)
        for name in ("known", "missing_words", "dates"):
            own[name] = tuple(own[name])
        return cls(**{**own, "crosses": tuple(tuple(names) for names in own["crosses"])})


def spelling_of(labels: Iterable[str]) -> Spelling:
    """How the labels of a training column are written, by all of them."""
    names = list(labels)
    if names and all(name in ("true", "false") for name in names):
        return "boolean"
    plain = re.compile(NUMBER)
    if names and all(plain.fullmatch(name) and shortest(float(name)) == name for name in names):
        return "number"
    return "text"


def _spelled(values: Values, spelling: Spelling) -> Values:
    """Strings, each spelled as labels of the training table are: what reads as a number in its shortest form, say."""
    codes, names = values.coded
    written = [_label(name, spelling) for name in names]
    merged, distinct = pd.factorize(np.array([*written, None], dtype=object))
    return Values("string", coded=(merged[codes], list(distinct)))


def _label(text: str, spelling: Spelling) -> str | None:
    """One cell; nothing where it is blank."""
    bare = text.strip()
    if not bare:
        return None
    if spelling == "number" and re.fullmatch(NUMBER, bare):
        return shortest(float(bare))
    return bare.lower() if spelling == "boolean" and bare.lower() in ("true", "false") else text


def _as_strings(values: Values) -> Values:
    """Numbers, dates and booleans as labels."""
    return Values("string", values.strings()) if values.storage == "number" else values
