"""What kind of feature a column is, when nobody has said so.

numeric      numbers, unless the name says that they are identifiers
categorical  other text, booleans, and numbers named like identifiers (Clothing ID, zip, sku)
text         strings of two words or more on average, with over 200 distinct values or half of the values distinct;
             in Chinese, Japanese, Thai and other scripts without blanks four characters count as a word
ignored      constant, empty, dates, one value per row (ids, row numbers), lists and bytes
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.options import option
from bench.data.tables.decode import Values
from bench.data.tables.formats import recognise
from bench.data.tables.schema import ColumnKind

_ENOUGH = 20  # rows from which 'all values differ' says something
UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]"
    "|[\U00020000-\U0003ffff]"
)
"""A character of Thai, Lao, Tibetan, Burmese, Khmer, Japanese or Chinese: scripts without blanks between words."""
_PER_WORD = 4  # characters that count as a word where words have no blanks between them
PARTS = {
    **dict.fromkeys(("train", "training", "trn", "tr", "训练", "训练集"), 0),
    **dict.fromkeys(("val", "valid", "validation", "dev", "验证", "验证集"), 1),
    **dict.fromkeys(("test", "testing", "tst", "te", "holdout", "hold-out", "测试", "测试集"), 2),
}
"""Words for the parts of a given division -> part."""
_CONSTANT = "one value in all rows"
_IDENTIFIER = re.compile(r"(?:^|[^a-z])(?:id|ids|uuid|guid|sku|zip|code)$", re.IGNORECASE)
_CAMEL = re.compile(r"[a-z]I[dD]$")


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
        return _infer_number(name, values.data, full)
    codes, strings = values.coded
    counts = np.bincount(codes[codes >= 0] if not full else codes, minlength=len(strings))
    distinct = int((counts > 0).sum())  # of the rows that are left; there may be names of others
    if distinct == 1 and full:
        return "ignored", _CONSTANT
    words = float(counts @ np.array([count_words(v) for v in strings])) / present
    return _infer_string(words, present, distinct, full and distinct == present >= _ENOUGH)


def count_words(text: str) -> float:
    """Words between blanks; where a script has none, a word for every four of its characters if these are more."""
    return max(len(text.split()), len(UNSPACED.findall(text)) / _PER_WORD)


def offered_format(name: str, values: Values) -> str:
    """The option that reads all of a column of text as numbers, ready to paste; '' for none."""
    found = recognise(values.coded[1]) if values.storage == "string" else None
    if found is None or found[1] or found[0] in ("plain", "units"):
        return ""
    return option("formats", {name: found[0]})


def _infer_number(name: str, values: npt.NDArray[np.float64], full: bool) -> tuple[ColumnKind, str]:
    """Numbers: quantities, identifiers by name, or row numbers. `full`: none is missing.

    Whether all differ takes sorting them, which is left out wherever it cannot matter.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low == high and full:
        return "ignored", _CONSTANT
    identifier = named_identifier(name)
    consecutive = high - low == len(values) - 1  # inf or NaN where the ends are infinite
    if full and len(values) >= _ENOUGH and (identifier or consecutive) and (np.diff(np.sort(values)) > 0).all():
        return "ignored", "one value per row"
    whole = identifier and bool((values[~np.isnan(values)] % 1 == 0).all())
    return ("categorical" if whole else "numeric"), ""


def named_identifier(name: str) -> bool:
    """Whether a column is named like an identifier: Clothing ID, userId, zip, sku."""
    return bool(_CAMEL.search(name) or _IDENTIFIER.search(name))


def _infer_string(words: float, count: int, distinct: int, unique: bool) -> tuple[ColumnKind, str]:
    """Strings, of so many words on average: text, categories, or identifiers."""
    if words >= 2 and distinct > min(200, count / 2):
        return "text", ""
    if unique:
        return "ignored", "one value per row"
    return "categorical", ""


def as_kind(
    name: str,
    values: Values,
    kind: ColumnKind,
    rows: npt.NDArray[np.int64] | None = None,
    *,
    remedy: str = "",
) -> npt.NDArray[Any]:
    """The column in the type of its kind: float64 with NaN, or object of str and None.

    `rows`: their numbers in the source, from 0, for messages. `remedy`: what else than the options of a training table
    helps against cells that are no numbers.

    Raises:
        DataError: text in a numeric column, infinite numbers, or values of no usable type; names column and rows.
    """
    if values.storage == "other":
        raise DataError(f"column {name!r}: expected plain values, got lists or bytes. Add it to data.ignore")
    if kind != "numeric":
        return values.strings()
    numbers = values.data if values.storage == "number" else _to_numbers(name, values, rows, remedy)
    if np.isinf(np.fmin.reduce(numbers, initial=0)) or np.isinf(np.fmax.reduce(numbers, initial=0)):  # skips NaN
        infinite = np.flatnonzero(np.isinf(numbers))
        raise DataError(
            f"column {name!r}: expected finite numbers, got {len(infinite):,} infinite {rows_word(len(infinite))} "
            f"({at_rows(infinite, rows)}). "
            f"{remedy or 'Replace them in the file, or leave the column out with data.ignore'}"
        )
    return numbers


def _to_numbers(name: str, values: Values, rows: npt.NDArray[np.int64] | None, remedy: str) -> npt.NDArray[np.float64]:
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
        remedy = remedy or (
            "Correct them, name what means missing in data.missing_words, set "
            f"{offered_format(name, values) or 'data.formats'} for the column, or set data.kinds for it to categorical "
            "or ignored"
        )
        raise DataError(
            f"column {name!r}: expected numbers (kind numeric), got {len(wrong):,} {rows_word(len(wrong))} of text, "
            f"such as {values.data[wrong[0]][:40]!r} ({at_rows(np.array(wrong), rows)}). {remedy}"
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
