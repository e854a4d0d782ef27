"""Stored columns to values: CSV text and typed Parquet alike become numbers, booleans, dates or strings.

The rules look at values only, so that one table has one reading, whatever file it comes from. Text is a number only
if nothing is lost by reading it as one: leading zeros, a leading +, and integers from 2^53 keep a column as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.data.schema import Strings

Storage = Literal["number", "boolean", "date", "string", "other"]
Array: TypeAlias = Any  # pyarrow's arrays; it ships no usable types

EXACT = 2.0**53  # integers below are exact in float64
INTEGER = r"^-?(0|[1-9][0-9]*)$"
NUMBER = r"^(-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?|[+-]?([iI]nf|[iI]nfinity))$"
TIME = r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
DATE = rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({TIME})?|[0-9]{{1,2}}[./][0-9]{{1,2}}[./][0-9]{{4}})$"
MISSING = ("na", "n/a", "nan", "null", "none")  # in columns whose other values are numbers, booleans or dates


@dataclass(frozen=True, eq=False)
class Values:
    """One column: number float64 (n,) with NaN for missing; otherwise object (n,) of str or None.

    Booleans are 'true' and 'false'. `other` (lists, bytes, …) cannot be used and holds only None.
    """

    storage: Storage
    data: npt.NDArray[Any]

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is no value, bool (n,)."""
        return pd.isna(self.data)

    def strings(self) -> Strings:
        """The values as labels: numbers in their shortest form ('1', '2.5'), None where missing."""
        if self.storage != "number":
            return self.data
        distinct, inverse = np.unique(self.data, return_inverse=True)
        names = np.array([shortest(v) for v in distinct.tolist()], dtype=object)
        return names[inverse] if len(names) else np.array([], dtype=object)

    def take(self, rows: npt.NDArray[np.int64]) -> Values:
        """The given rows."""
        return Values(self.storage, self.data[rows])


def shortest(value: float) -> str | None:
    """A number's shortest text: '3' for 3.0, '0.1', None for NaN."""
    if np.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)


def decode(column: Array) -> Values:
    """Read one pyarrow column, (n,) of any type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_boolean(kind):
        return Values("boolean", objects(column.cast(pa.string())))
    if pa.types.is_integer(kind):
        return decode_integers(column)
    if pa.types.is_floating(kind):
        return number(wide(column))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Values("date", date_strings(column.cast(pa.string())))
    if pa.types.is_decimal(kind) or pa.types.is_null(kind) or text_type(kind):
        return decode_text(column.cast(pa.large_string()))
    return Values("other", np.full(len(column), None, dtype=object))


def text_type(kind: pa.DataType) -> bool:
    """Any of pyarrow's string types."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def decode_integers(column: Array) -> Values:
    """Integers are numbers, unless float64 would change one of them: such ids stay text."""
    lowest, highest = (pc.min_max(column)[part].as_py() for part in ("min", "max"))
    if lowest is not None and max(abs(lowest), abs(highest)) >= EXACT:
        return Values("string", objects(column.cast(pa.string())))
    return number(column.cast(pa.float64()))


def wide(column: Array) -> Array:
    """Floats as float64 by their shortest decimal: 0.1 in float32 is the 0.1 that a CSV would hold."""
    if pa.types.is_float16(column.type):
        cells = [None if v is None else float(str(np.float16(v))) for v in column.to_pylist()]
        return pa.array(cells, pa.float64())
    if pa.types.is_float32(column.type):
        return column.cast(pa.string()).cast(pa.float64())
    return column


def decode_text(column: Array) -> Values:
    """Numbers, booleans or dates if every value reads as one; otherwise text as it stands. Blank is missing."""
    trimmed = pc.utf8_trim_whitespace(column)
    column = pc.if_else(pc.equal(trimmed, ""), None, column)
    distinct = pc.unique(trimmed)
    named = pc.is_in(pc.utf8_lower(distinct), pa.array(MISSING, pa.large_string()))
    distinct = distinct.filter(pc.invert(pc.or_(named, pc.equal(distinct, "")))).drop_null()
    if not len(distinct):
        return Values("string", objects(column))
    absent = pc.is_in(pc.utf8_lower(trimmed), pa.array((*MISSING, ""), pa.large_string()))
    present = pc.if_else(absent, None, trimmed)
    if matches(distinct, NUMBER):
        integers = distinct.filter(pc.match_substring_regex(distinct, INTEGER)).cast(pa.float64())
        if not len(integers) or pc.max(pc.abs(integers)).as_py() < EXACT:
            return number(present.cast(pa.float64()))
    elif matches(distinct, "^(?i:true|false)$"):
        return Values("boolean", objects(pc.utf8_lower(present)))
    elif matches(distinct, DATE):
        return Values("date", date_strings(present))
    return Values("string", objects(column))


def matches(values: Array, pattern: str) -> bool:
    """Whether all values match."""
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def number(column: Array) -> Values:
    """float64, missing as NaN, no negative zero."""
    data = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return Values("number", np.asarray(data, dtype=np.float64) + 0.0)


def date_strings(column: Array) -> Strings:
    """Dates in one spelling: without a time at midnight or empty fractions of a second."""
    short = pc.replace_substring_regex(column, r"(\.0+)(Z|[+-].*)?$", r"\2")
    return objects(pc.replace_substring_regex(short, r"[ T]00:00(:00)?$", ""))


def objects(column: Array) -> Strings:
    """str or None, object (n,); equal values are one object."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # more text than one array of 32-bit offsets can hold
            data = np.empty(len(column), dtype=object)
            data[:] = column.to_pylist()
            return data
    coded = column.dictionary_encode()
    names = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    found: Strings = names[coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)]
    return found
