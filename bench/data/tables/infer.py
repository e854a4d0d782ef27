"""What kind of feature a column is, when nobody has said so.

numeric      numbers, unless the name says that they are identifiers
categorical  other text, booleans, and numbers named like identifiers (Clothing ID, zip, sku)
text         strings of two words or more on average, with over 200 distinct values or half of the values distinct
ignored      constant, empty, dates, one value per row (ids, row numbers), lists and bytes
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.tables.decode import Values
from bench.data.tables.schema import ColumnKind

ENOUGH = 20  # rows from which 'all values differ' says something
UNREAD = "correct the others, or set data.formats"
NUMBER = re.compile(r"-?[0-9]{1,3}([.,]?[0-9]{3})*([.,][0-9]+)?")  # as people write them
CONSTANT = "one value in all rows"
IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|ids|uuid|guid|sku|zip|code)$", re.IGNORECASE)
CAMEL = re.compile(r"[a-z]I[dD]$")


def infer(name: str, values: Values) -> tuple[ColumnKind, str]:
    """The kind of a column, and why if it is ignored."""
    if values.storage == "other":
        return "ignored", "not a plain value (a list, bytes, a duration, …)"
    present = int((~values.missing()).sum())
    if not present:
        return "ignored", "no values"
    if values.storage == "date":
        return "ignored", "dates; data.dates takes them apart, data.time splits by them"
    full = present == len(values)
    if values.storage == "number":
        return infer_number(name, values.data, full)
    codes, strings = values.coded
    counts = np.bincount(codes[codes >= 0] if not full else codes, minlength=len(strings))
    distinct = int((counts > 0).sum())  # of the rows that are left; there may be names of others
    if distinct == 1 and full:
        return "ignored", CONSTANT
    words = float(counts @ np.array([len(v.split()) for v in strings])) / present
    kind, why = infer_string(words, present, distinct, full and distinct == present >= ENOUGH)
    return kind, why + (", though most read as numbers: " + UNREAD if why and mostly_numbers(strings) else "")


def mostly_numbers(strings: Sequence[str], most: int = 1000) -> bool:
    """Whether four of five strings are numbers to people, judged by the first ones."""
    looked = list(strings[:most])
    return sum(NUMBER.fullmatch(s.strip()) is not None for s in looked) >= 0.8 * len(looked)


def infer_number(name: str, values: npt.NDArray[np.float64], full: bool) -> tuple[ColumnKind, str]:
    """Numbers: quantities, identifiers by name, or row numbers. `full`: none is missing.

    Whether all differ takes sorting them, which is left out wherever it cannot matter.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low == high and full:
        return "ignored", CONSTANT
    identifier = named_identifier(name)
    consecutive = high - low == len(values) - 1  # inf or NaN where the ends are infinite
    if full and len(values) >= ENOUGH and (identifier or consecutive) and (np.diff(np.sort(values)) > 0).all():
        return "ignored", "one value per row"
    whole = identifier and bool((values[~np.isnan(values)] % 1 == 0).all())
    return ("categorical" if whole else "numeric"), ""


def named_identifier(name: str) -> bool:
    """Whether a column is named like an identifier: Clothing ID, userId, zip, sku."""
    return bool(CAMEL.search(name) or IDENTIFIER.search(name))


def infer_string(words: float, count: int, distinct: int, unique: bool) -> tuple[ColumnKind, str]:
    """Strings, of so many words on average: text, categories, or identifiers."""
    if words >= 2 and distinct > min(200, count / 2):
        return "text", ""
    if unique:
        return "ignored", "one value per row"
    return "categorical", ""


def as_kind(name: str, values: Values, kind: ColumnKind, rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
    """The column in the type of its kind: float64 with NaN, or object of str and None.

    `rows`: their numbers in the source, from 0, for messages.

    Raises:
        DataError: text in a numeric column, infinite numbers, or values of no usable type; names column and rows.
    """
    if values.storage == "other":
        raise DataError(f"column {name!r}: expected plain values, got lists or bytes. Add it to data.ignore")
    if kind != "numeric":
        return values.strings()
    numbers = values.data if values.storage == "number" else to_numbers(name, values, rows)
    if np.isinf(np.fmin.reduce(numbers, initial=0)) or np.isinf(np.fmax.reduce(numbers, initial=0)):  # skips NaN
        infinite = np.flatnonzero(np.isinf(numbers))
        raise DataError(
            f"column {name!r}: expected finite numbers, got {len(infinite):,} infinite {rows_word(len(infinite))} "
            f"({at_rows(infinite, rows)}). Replace them in the file, or leave the column out with data.ignore"
        )
    return numbers


def to_numbers(name: str, values: Values, rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.float64]:
    """Strings as float64, for a column that was declared numeric.

    Raises:
        DataError: some are no numbers; names the column and the rows.
    """
    numbers = np.full(len(values.data), np.nan)
    wrong: list[int] = []
    for i, text in enumerate(values.data):
        if text is None:
            continue
        try:
            numbers[i] = float(text == "true") if values.storage == "boolean" else float(text)
        except ValueError:
            wrong.append(i)
    if wrong:
        raise DataError(
            f"column {name!r}: expected numbers (kind numeric), got {len(wrong):,} {rows_word(len(wrong))} of text, "
            f"such as {values.data[wrong[0]][:40]!r} ({at_rows(np.array(wrong), rows)}). Correct them, set "
            "data.formats for the column, or set data.kinds for it to categorical or ignored"
        )
    return numbers


def at_rows(positions: npt.NDArray[np.int64], rows: npt.NDArray[np.int64] | None = None, most: int = 5) -> str:
    """'rows 3, 8 and 10 more', counted from 1 after the header."""
    shown = [str(int(p if rows is None else rows[p]) + 1) for p in positions[:most]]
    more = len(positions) - len(shown)
    return f"{rows_word(len(positions))} {', '.join(shown)}" + (f" and {more:,} more" if more else "")


def rows_word(count: int) -> str:
    """'row' or 'rows'."""
    return "row" if count == 1 else "rows"
