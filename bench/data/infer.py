"""What kind of feature a column is, when nobody has said so.

numeric      numbers, unless the name says that they are identifiers
categorical  other text, booleans, and numbers named like identifiers (Clothing ID, zip, sku)
text         strings of two words or more on average, with over 200 distinct values or half of the values distinct
ignored      constant, empty, dates, one value per row (ids, row numbers), lists and bytes
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.decode import Storage, Values
from bench.data.schema import ColumnKind, DataError

ENOUGH = 20  # rows from which 'all values differ' says something
IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|ids|uuid|guid|sku|zip|code)$", re.IGNORECASE)
CAMEL = re.compile(r"[a-z]I[dD]$")


def infer(name: str, values: Values) -> tuple[ColumnKind, str]:
    """The kind of a column, and why if it is ignored."""
    if values.storage == "other":
        return "ignored", "not a plain value (a list, bytes, a duration, …)"
    present = values.data[~values.missing()]
    if not len(present):
        return "ignored", "no values"
    if values.storage == "date":
        return "ignored", "dates (set a kind to use them as labels)"
    distinct = len(np.unique(present)) if values.storage == "number" else len(set(present))
    if distinct == 1 and len(present) == len(values.data):
        return "ignored", "one value in all rows"
    unique = distinct == len(values.data) >= ENOUGH
    if values.storage == "number":
        return infer_number(name, present, unique)
    return infer_string(present, distinct, unique)


def infer_number(name: str, present: npt.NDArray[np.float64], unique: bool) -> tuple[ColumnKind, str]:
    """Numbers: quantities, identifiers by name, or row numbers."""
    identifier = bool(CAMEL.search(name) or IDENTIFIER.search(name))
    consecutive = np.ptp(present) == len(present) - 1 if np.isfinite(present).all() else False
    if unique and (identifier or consecutive):
        return "ignored", "one value per row"
    return ("categorical" if identifier and bool((present % 1 == 0).all()) else "numeric"), ""


def infer_string(present: npt.NDArray[Any], distinct: int, unique: bool) -> tuple[ColumnKind, str]:
    """Strings: text, categories, or identifiers."""
    words = sum(len(v.split()) for v in present) / len(present)
    if words >= 2 and distinct > min(200, len(present) / 2):
        return "text", ""
    if unique:
        return "ignored", "one value per row"
    return "categorical", ""


def as_kind(name: str, values: Values, kind: ColumnKind) -> npt.NDArray[Any]:
    """The column in the type of its kind: float64 with NaN, or object of str and None.

    Raises:
        DataError: text in a numeric column, infinite numbers, or values of no usable type; names column and rows.
    """
    if values.storage == "other":
        raise DataError(f"column {name!r}: expected plain values, got lists or bytes. Add it to data.ignore")
    if kind != "numeric":
        return values.strings()
    numbers = values.data if values.storage == "number" else to_numbers(name, values.data, values.storage)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise DataError(
            f"column {name!r}: expected finite numbers, got {infinite:,} infinite {rows_word(infinite)}. "
            "Replace them in the file, or leave the column out with data.ignore"
        )
    return numbers


def to_numbers(name: str, strings: npt.NDArray[Any], storage: Storage) -> npt.NDArray[np.float64]:
    """Strings as float64, for a column that was declared numeric."""
    numbers = np.full(len(strings), np.nan)
    wrong: list[str] = []
    for i, text in enumerate(strings):
        if text is None:
            continue
        try:
            numbers[i] = float(text == "true") if storage == "boolean" else float(text)
        except ValueError:
            wrong.append(text)
    if wrong:
        raise DataError(
            f"column {name!r}: expected numbers (kind numeric), got {len(wrong):,} {rows_word(len(wrong))} of text, "
            f"such as {wrong[0][:40]!r}. Correct them, or set data.kinds for the column to categorical or ignored"
        )
    return numbers


def rows_word(count: int) -> str:
    """'row' or 'rows'."""
    return "row" if count == 1 else "rows"
