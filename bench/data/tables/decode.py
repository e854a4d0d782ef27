"""Stored columns to values: CSV text and typed Parquet alike become numbers, booleans, dates or strings.

The rules look at values only, so that one table has one reading, whatever file it comes from. Text is a number only
if nothing is lost by reading it as one: leading zeros, a leading +, and integers from 2^53 keep a column as text, the
last unless fractions stand beside them. As labels, numbers keep the spelling of the file where it tells them apart: 3.1
and 3.10 are two versions, 1E5 and 100000 two articles.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.data.tables.dates import DATE
from bench.data.tables.schema import ColumnKind, Strings

Storage = Literal["number", "boolean", "date", "string", "other"]
Array: TypeAlias = Any  # pyarrow's arrays; it ships no usable types
Coded: TypeAlias = tuple[npt.NDArray[np.integer[Any]], list[Any]]  # codes (n,), -1 for missing; the distinct values

_EXACT = 2.0**53  # integers below are exact in float64
INTEGER = r"^-?(0|[1-9][0-9]*)(\.0*)?$"
NUMBER = r"^(-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?|[+-]?([iI]nf|[iI]nfinity))$"
_FRACTION = r"^-?[0-9]*\.[0-9]*[1-9][0-9]*$"
_AS_NAMES = r"^-?[0-9]*\.[0-9]*[1-9]0+$|[eE]"  # 3.10 and 1E5: other numbers than 3.1 and 100000 only as names
_MOST_SPELLINGS = 1 << 16  # of a column that is kept as numbers and as text
MISSING = ("na", "n/a", "nan", "null", "none", "#n/a", "\\n", "<na>")
"""Words for missing, in lower case: in columns whose other values are numbers, booleans or dates, wherever they come
from; in users' files also in columns of text."""


class Values:
    """One column: number float64 (n,) with NaN for missing; otherwise object (n,) of str or None.

    Booleans are 'true' and 'false'. `other` (lists, bytes, …) cannot be used and holds only None. Strings are held as
    codes of distinct strings where they came as such, and become objects only when somebody asks for `data`.
    `spelled`: the texts of numbers, where several spellings of one number may be different names.
    """

    def __init__(
        self,
        storage: Storage,
        data: npt.NDArray[Any] | None = None,
        *,
        coded: Coded | None = None,
        spelled: Coded | None = None,
    ) -> None:
        self.storage, self.spelled = storage, spelled
        if data is not None:
            self.data = data
        if coded is not None:
            self.coded = coded

    def __len__(self) -> int:
        return len(self.data if "data" in vars(self) else self.coded[0])

    @cached_property
    def data(self) -> npt.NDArray[Any]:
        """The values, (n,)."""
        codes, names = self.coded
        found: npt.NDArray[Any] = np.array([*names, None], dtype=object)[codes]  # -1, missing, is the last
        return found

    @cached_property
    def coded(self) -> Coded:
        """Codes (n,), -1 for missing, into the distinct values."""
        codes, distinct = pd.factorize(self.data)
        return codes, list(distinct)

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is no value, bool (n,)."""
        return pd.isna(self.data) if self.storage == "number" else self.coded[0] < 0

    def strings(self) -> Strings:
        """The values as text, None where missing; numbers as spelled, or in their shortest form ('1', '2.5')."""
        if self.storage != "number":
            return self.data
        codes, distinct = self.coded
        names = [shortest(value) for value in distinct]
        if self.spelled is not None:
            codes, names = self.spelled
        found: Strings = np.array([*names, None], dtype=object)[codes]
        return found

    def take(self, rows: npt.NDArray[np.int64]) -> Values:
        """The given rows."""
        if "data" in vars(self):
            spelled = None if self.spelled is None else (self.spelled[0][rows], self.spelled[1])
            return Values(self.storage, self.data[rows], spelled=spelled)
        codes, names = self.coded
        return Values(self.storage, coded=(codes[rows], names))


def shortest(value: float) -> str | None:
    """A number's shortest text: '3' for 3.0, '0.1', None for NaN."""
    if np.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(float(value))


def decode(column: Array, *, text: bool = False, missing: Collection[str] = ()) -> Values:
    """Read one pyarrow column, (n,) of any type.

    `text`: leave strings as they stand, for a format that is declared. `missing`: words for missing beside the usual
    ones, in lower case.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        return strings("boolean", column.cast(pa.string()))
    if pa.types.is_integer(kind):
        return _decode_integers(column)
    if pa.types.is_floating(kind):
        return number(wide(column))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _date_strings(column.cast(pa.string()))
    if pa.types.is_decimal(kind) or pa.types.is_null(kind) or _text_type(kind):
        return _decode_text(column.cast(pa.large_string()), (*MISSING, *missing), text=text and _text_type(kind))
    return Values("other", np.full(len(column), None, dtype=object))


def _text_type(kind: pa.DataType) -> bool:
    """Any of pyarrow's string types."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _decode_integers(column: Array) -> Values:
    """Integers are numbers, unless float64 would change one of them: such ids stay text."""
    lowest, highest = (pc.min_max(column)[part].as_py() for part in ("min", "max"))
    if lowest is not None and max(abs(lowest), abs(highest)) >= _EXACT:
        return strings("string", column.cast(pa.string()))
    return number(column)


def wide(column: Array) -> Array:
    """Floats as float64 by their shortest decimal: 0.1 in float32 is the 0.1 that a CSV would hold."""
    if pa.types.is_float16(column.type):
        cells = [None if v is None else float(str(np.float16(v))) for v in column.to_pylist()]
        return pa.array(cells, pa.float64())
    if pa.types.is_float32(column.type):
        return column.cast(pa.string()).cast(pa.float64())
    return column


def _decode_text(column: Array, missing: Collection[str] = MISSING, *, text: bool = False) -> Values:
    """Numbers, booleans or dates if every value reads as one; otherwise text as it stands. Blank is missing.

    What a value reads as depends on nothing but the value, so that only distinct ones are read.
    """
    codes, stored = dictionary(column)
    trimmed = pc.utf8_trim_whitespace(stored)
    lowered, blank = pc.utf8_lower(trimmed), pc.equal(trimmed, "")
    absent = pc.or_(pc.is_in(lowered, pa.array(missing, pa.large_string())), blank)
    distinct = trimmed.filter(pc.invert(absent))
    present = pc.if_else(absent, None, trimmed)
    if text:
        return _recoded("string", codes, present)
    if not len(distinct):
        pass
    elif matches(distinct, NUMBER):
        integers = distinct.filter(pc.match_substring_regex(distinct, INTEGER)).cast(pa.float64())
        amounts = pc.any(
            pc.match_substring_regex(distinct, _FRACTION)
        ).as_py()  # beside these, long integers are no ids
        if amounts or not len(integers) or pc.max(pc.abs(integers)).as_py() < _EXACT:
            numbers = number(present.cast(pa.float64())).data
            spelled = spellings(codes, present) if _spelled_apart(distinct, numbers) else None
            return Values("number", np.append(numbers, np.nan)[codes], spelled=spelled)
    elif matches(distinct, "^(?i:true|false)$"):
        return _recoded("boolean", codes, pc.if_else(absent, None, lowered))
    elif matches(distinct, DATE):
        return _recoded("date", codes, _short_dates(present))
    return _recoded("string", codes, pc.if_else(blank, None, stored))


def _spelled_apart(distinct: Array, numbers: npt.NDArray[np.float64]) -> bool:
    """Whether a number has several spellings that may be different names: 3.1 and 3.10, 1E5 and 100000."""
    if len(distinct) > _MOST_SPELLINGS or not pc.any(pc.match_substring_regex(distinct, _AS_NAMES)).as_py():
        return False
    finite = [text for text in distinct.to_pylist() if np.isfinite(float(text))]
    return len({_spelling(text) for text in finite}) > len(np.unique(numbers[np.isfinite(numbers)]))


def spellings(codes: npt.NDArray[np.int32], present: Array) -> Coded:
    """The texts of a column of numbers, those of whole numbers in their shortest form."""
    names = [None if text is None else _spelling(text) for text in present.to_pylist()]
    merged, distinct = pd.factorize(np.array(names, dtype=object))
    return np.append(merged, -1)[codes], list(distinct)


def _spelling(text: str) -> str | None:
    """A number as a name: 1 for 1.0, and all others as they are written."""
    return text if float(text) % 1 or "e" in text.lower() else shortest(float(text))


def as_labels(values: Values, kind: ColumnKind = "categorical", missing: Collection[str] = ()) -> Values:
    """A column of strings as labels: without blanks around them; words in `missing` (lower case) are missing.

    Text keeps its blanks, and loses cells that hold nothing but such a word. Other columns stay as they are.
    """
    if values.storage != "string":
        return values
    codes, names = values.coded
    bare = [name.strip() for name in names]
    spelled = [None if b.lower() in missing else (n if kind == "text" else b) for n, b in zip(names, bare, strict=True)]
    if spelled == names:
        return values
    merged, distinct = pd.factorize(np.array([*spelled, None], dtype=object))
    return Values("string", coded=(merged[codes], list(distinct)))


def said_missing(values: Values, missing: Collection[str]) -> str:
    """'9 × NA, 2 × null': the words of a column of text that are read as missing; '' for none."""
    if values.storage != "string":
        return ""
    codes, names = values.coded
    words = [i for i, name in enumerate(names) if name.strip().lower() in missing]
    counts: Sequence[int] = np.bincount(codes[codes >= 0], minlength=len(names)).tolist() if words else []
    return ", ".join(f"{counts[i]:,} × {names[i].strip()}" for i in words if counts[i])


def matches(values: Array, pattern: str) -> bool:
    """Whether all values match."""
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def number(column: Array) -> Values:
    """float64, missing as NaN, no negative zero."""
    data, at = np.empty(len(column)), 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        data[at : at + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        at += len(chunk)
    data += 0.0
    return Values("number", data)


def _date_strings(column: Array) -> Values:
    """Dates in one spelling, from any array of strings."""
    codes, stored = dictionary(column)
    return _recoded("date", codes, _short_dates(stored))


def _short_dates(column: Array) -> Array:
    """Dates without a time at midnight or empty fractions of a second."""
    short = pc.replace_substring_regex(column, r"(\.0+)(Z|[+-].*)?$", r"\2")
    return pc.replace_substring_regex(short, r"[ T]00:00(:00)?$", "")


def strings(storage: Storage, column: Array) -> Values:
    """A column of strings as it stands."""
    codes, stored = dictionary(column)
    return Values(storage, coded=(codes, stored.to_pylist()))


def dictionary(column: Array) -> tuple[npt.NDArray[np.int32], Array]:
    """Codes (n,), -1 for missing, into the distinct strings, in the order of their first rows."""
    coded = column.dictionary_encode()
    coded = coded.unify_dictionaries().chunks if isinstance(coded, pa.ChunkedArray) else [coded]
    if not coded:
        return np.array([], dtype=np.int32), pa.array([], column.type)
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in coded]
    return np.concatenate(codes).astype(np.int32, copy=False), coded[-1].dictionary


def _recoded(storage: Storage, codes: npt.NDArray[np.int32], spelled: Array) -> Values:
    """The column whose distinct values are spelled anew: several may be one then, or missing (null)."""
    merged, names = pd.factorize(np.array(spelled.to_pylist(), dtype=object))
    changed = not np.array_equal(merged, np.arange(len(merged)))
    return Values(storage, coded=(np.append(merged, -1)[codes] if changed else codes, list(names)))
