"""Columns made of columns, each asked for: numbers in local formats, parts of dates, crosses of categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.options import option
from bench.data.tables.config import Format, TableConfig
from bench.data.tables.decode import Values, as_labels
from bench.data.tables.formats import mixed_currencies, read_numbers
from bench.data.tables.infer import at_rows, offered_format, rows_word
from bench.data.tables.roles import instants
from bench.data.tables.schema import ColumnKind

BETWEEN = " × "  # in names and values of crosses


def derive(
    values: Mapping[str, Values], config: TableConfig, log: list[str]
) -> tuple[dict[str, Values], dict[str, ColumnKind]]:
    """The columns that were asked for, new or read anew, and their kinds. Only columns that these need are touched.

    Raises:
        DataError: no such column, or values that are not as said; names the column and its rows.
    """
    found, kinds = dict[str, Values](), dict[str, ColumnKind]()
    for name, form in (config.formats or {}).items():
        found[name] = Values("number", _formatted(name, pick(values, name, "formats"), form, log))
        kinds[name] = "numeric"
    for name in config.dates:
        parts = _date_parts(name, pick(values, name, "dates"), config.day_first, log)
        found.update({new: value for new, (value, _) in parts.items()})
        kinds.update({new: kind for new, (_, kind) in parts.items()})
    for names in config.crosses:
        new = BETWEEN.join(names)
        found[new] = Values("string", cross([as_labels(pick(values, name, "crosses")).strings() for name in names]))
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
            f"{suggest(name, values, key if key == 'dates' else '')}Columns: {listing(values)}"
        )
    return values[name]


def _formatted(name: str, values: Values, form: Format, log: list[str]) -> npt.NDArray[np.float64]:
    """Numbers as people write them, float64 (n,), NaN where missing; yes and no as 1 and 0, durations in seconds.

    Raises:
        DataError: the file holds numbers already, or cells that are not written so; names the column and the rows.
    """
    if values.storage not in ("string", "boolean"):
        held = {"number": "numbers", "date": "dates"}.get(values.storage, "other")
        raise DataError(
            f"data.formats {name!r}: expected text, got a column of {held} already. Take it out of data.formats"
        )
    codes, texts = values.coded
    numbers, wrong = read_numbers(name, texts, form)
    if wrong:
        rows = np.flatnonzero(np.isin(codes, wrong))
        offered = offered_format(name, values)
        other = f" It looks like {offered}." if offered and offered != option("formats", {name: form}) else ""
        raise DataError(
            f"column {name!r}: expected numbers written as data.formats says ({form}), got {len(rows):,} "
            f"{rows_word(len(rows))} such as {texts[codes[rows[0]]][:40]!r} ({at_rows(rows)}).{other} Correct them "
            "or the format, or say which words mean missing with data.missing_words"
        )
    if form == "currency" and (mixed := mixed_currencies(texts)):
        log.append(
            f"warning: column {name!r} holds amounts in several currencies ({listing(mixed, most=5)}), which are read "
            "as if they were one: convert them in the file"
        )
    return np.append(numbers, np.nan)[codes]


def _date_parts(
    name: str, values: Values, day_first: bool | None, log: list[str]
) -> dict[str, tuple[Values, ColumnKind]]:
    """Days since 1970 (numeric), month and weekday (categorical), and the hour where any date has a time.

    Raises:
        DataError: the column holds no dates, or dates of no clear order of day and month.
    """
    found = instants(name, values, day_first)
    if found is None:
        raise DataError(
            f"data.dates {name!r}: expected a column of dates (2024-01-31) or epochs, got {values.storage} values"
        )
    absent = found.absent()
    impossible = absent & ~values.missing()
    if impossible.any():
        n, first = int(impossible.sum()), values.strings()[int(impossible.argmax())]
        log.append(f"warning: {n:,} {rows_word(n)} of {name!r} hold no day of the calendar, such as {first!r}: missing")
    seconds = np.where(absent, np.nan, found.micros / 1e6)
    moments = pd.Series(np.where(absent, np.int64(0), found.micros).astype("datetime64[us]"))
    days = seconds / 86400
    parts: dict[str, tuple[Values, ColumnKind]] = {f"{name} days": (Values("number", days), "numeric")}
    for part, numbers in (("month", moments.dt.month), ("weekday", moments.dt.day_of_week + 1)):
        labels: npt.NDArray[Any] = np.full(len(days), None, dtype=object)
        labels[~absent] = [f"{int(v):02d}" for v in numbers[~absent]]
        parts[f"{name} {part}"] = (Values("string", labels), "categorical")
    if (days[~absent] % 1 != 0).any():
        parts[f"{name} hour"] = (Values("number", np.where(absent, np.nan, moments.dt.hour)), "numeric")
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
