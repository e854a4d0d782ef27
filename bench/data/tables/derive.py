"""Columns made of columns, each asked for: numbers in local formats, parts of dates, crosses of categories."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import Format, TableConfig
from bench.data.tables.decode import Values
from bench.data.tables.infer import at_rows, rows_word
from bench.data.tables.roles import instants
from bench.data.tables.schema import ColumnKind

BETWEEN = " × "  # in names and values of crosses
CURRENCY = r"[^\d.,+\-]"  # all that is no part of a number
WORDS = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), 1.0),
    **dict.fromkeys(("no", "n", "false", "off", "0"), 0.0),
}


def derive(values: Mapping[str, Values], config: TableConfig) -> tuple[dict[str, Values], dict[str, ColumnKind]]:
    """The columns that were asked for, new or read anew, and their kinds. Only columns that these need are touched.

    Raises:
        DataError: no such column, or values that are not as said; names the column and its rows.
    """
    found, kinds = dict[str, Values](), dict[str, ColumnKind]()
    for name, form in (config.formats or {}).items():
        found[name] = Values("number", formatted(name, pick(values, name, "formats"), form))
        kinds[name] = "numeric"
    for name in config.dates:
        parts = date_parts(name, pick(values, name, "dates"))
        found.update({new: value for new, (value, _) in parts.items()})
        kinds.update({new: kind for new, (_, kind) in parts.items()})
    for names in config.crosses:
        new = BETWEEN.join(names)
        found[new] = Values("string", cross([pick(values, name, "crosses").strings() for name in names]))
        kinds[new] = "categorical"
    return found, kinds


def pick(values: Mapping[str, Values], name: str, key: str) -> Values:
    """A column by name.

    Raises:
        DataError: there is none.
    """
    if name not in values:
        raise DataError(
            f"data.{key} {name!r}: expected a feature column, got none by that name. "
            f"{suggest(name, values)}Columns: {listing(values)}"
        )
    return values[name]


def formatted(name: str, values: Values, form: Format) -> npt.NDArray[np.float64]:
    """Numbers written as `form` says: 1.234,5 (decimal_comma), 1,234.5 (thousands), 12 %, € 1,234.50 (currency), yes.

    Raises:
        DataError: values that are not written so.
    """
    strings = values.strings()
    distinct, inverse = np.unique(np.where(pd.isna(strings), "", strings).astype(str), return_inverse=True)
    numbers = np.array([one_number(text.strip(), form) for text in distinct.tolist()])[inverse]
    wrong = np.flatnonzero(np.isnan(numbers) & ~pd.isna(strings))
    if len(wrong):
        raise DataError(
            f"column {name!r}: expected numbers written as data.formats says ({form}), got {len(wrong):,} "
            f"{rows_word(len(wrong))} such as {strings[wrong[0]][:40]!r} ({at_rows(wrong)}). Correct them or the format"
        )
    return numbers


def one_number(text: str, form: Format) -> float:
    """One number, NaN where it is none."""
    if form == "yes_no":
        return WORDS.get(text.lower(), np.nan)
    scale = 1.0
    if form == "percent":
        text, scale = text.removesuffix("%").strip(), 0.01
    if form == "currency":
        text = re.sub(CURRENCY, "", text)
    text = text.replace(".", "").replace(",", ".") if form == "decimal_comma" else text.replace(",", "")
    try:
        return float(text) * scale
    except ValueError:
        return np.nan


def date_parts(name: str, values: Values) -> dict[str, tuple[Values, ColumnKind]]:
    """Days since 1970 (numeric), month and weekday (categorical), and the hour where any date has a time.

    Raises:
        DataError: the column holds no dates.
    """
    if values.storage != "date":
        raise DataError(f"data.dates {name!r}: expected a column of dates (2024-01-31), got {values.storage} values")
    moments = pd.Series(instants(values.data))
    days = (moments - pd.Timestamp("1970-01-01")).dt.total_seconds().to_numpy() / 86400
    absent = moments.isna().to_numpy()
    parts: dict[str, tuple[Values, ColumnKind]] = {f"{name} days": (Values("number", days), "numeric")}
    for part, numbers in (("month", moments.dt.month), ("weekday", moments.dt.day_of_week + 1)):
        labels: npt.NDArray[Any] = np.full(len(days), None, dtype=object)
        labels[~absent] = [f"{int(v):02d}" for v in numbers[~absent]]
        parts[f"{name} {part}"] = (Values("string", labels), "categorical")
    if (days[~absent] % 1 != 0).any():
        parts[f"{name} hour"] = (Values("number", moments.dt.hour.to_numpy(dtype=np.float64)), "numeric")
    return parts


def cross(columns: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Combinations as strings; a missing part is '?', and where all are missing the combination is."""
    filled = [np.where(pd.isna(c), "?", c).astype(object) for c in columns]
    absent = np.all([pd.isna(c) for c in columns], axis=0)
    joined = filled[0]
    for more in filled[1:]:
        joined = joined + BETWEEN + more
    joined = joined.copy()
    joined[absent] = None
    return joined
