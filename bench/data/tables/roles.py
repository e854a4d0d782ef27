"""Columns that play a part instead of being learnt from: row weights, groups, time, and a given division."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.class_costs import of_outcomes
from bench.data.tables.config import TableConfig
from bench.data.tables.dates import SHORT_YEARS, Moments, compact, epochs, read_dates, short_years
from bench.data.tables.decode import INTEGER, Values, as_labels, shortest
from bench.data.tables.infer import PARTS, at_rows, offered_format, rows_word
from bench.data.tables.schema import Roles

_WIDEST = 1e9  # ratio of the largest to the smallest weight
_NONE = "(missing)"  # how rows without what is reported by are called


def chosen(config: TableConfig) -> dict[str, str]:
    """The column of each role, {role: column}."""
    names = {role: getattr(config, role) for role in ("weight", "group", "time", "given", "report_by", "query")}
    cost = config.cost if config.cost is not None and of_outcomes(config.cost) else {}
    costs = {f"cost_{outcome}": held for outcome, held in cost.items() if isinstance(held, str)}
    return {role: name for role, name in names.items() if name is not None} | costs


def read_roles(
    values: Mapping[str, Values], names: Mapping[str, str], target: str, day_first: bool | None = None
) -> Roles:
    """The arrays of the roles.

    Raises:
        DataError: no such column, or values that cannot play the part; names the column and counts rows.
    """
    for role, name in names.items():
        if name not in values:
            got = "the target" if name == target else "none by that name"
            key = role.replace("cost_", "cost.")
            raise DataError(
                f"data.{key} {name!r}: expected a column, got {got}. "
                f"{suggest(name, values, role)}Columns: {listing(values)}"
            )
    found: dict[str, Any] = {}
    if "weight" in names:
        found["weight"] = weights(names["weight"], values[names["weight"]])
    if "group" in names:
        found["group"], found["groups"] = _group_codes(names["group"], values[names["group"]])
    if "report_by" in names:
        found["report_by"], found["reports"] = _report_codes(values[names["report_by"]])
    if "query" in names:
        found["query"] = _group_codes(names["query"], values[names["query"]], "query")[0]
    for role in ("cost_tn", "cost_fp", "cost_fn", "cost_tp"):
        if role in names:
            found[role] = _costs(names[role], values[names[role]])
    if "time" in names:
        found["time"] = times(names["time"], values[names["time"]], day_first)
    if "given" in names:
        found["given"] = _given_parts(names["given"], values[names["given"]])
    return Roles(**found)


def weights(name: str, values: Values) -> npt.NDArray[np.float64]:
    """Positive finite numbers.

    Raises:
        DataError: some are not, or they are too far apart to be added.
    """
    if values.storage != "number":
        raise _no_numbers("weight", name, values)
    wrong = int((~(values.data > 0) | np.isinf(values.data)).sum())
    if wrong:
        raise DataError(
            f"data.weight {name!r}: expected finite weights above 0, got {wrong:,} {rows_word(wrong)} that are "
            "missing, zero, negative or infinite. Correct them; to leave rows out, remove them from the file"
        )
    low, high = float(values.data.min()), float(values.data.max())
    if high / low > _WIDEST:
        raise DataError(
            f"data.weight {name!r}: expected weights within a factor of {_WIDEST:.0e} of each other, got {low:g} and "
            f"{high:g}: beyond, rows of small weight vanish in every sum. Is it the right column?"
        )
    return values.data.astype(np.float64)


def _no_numbers(role: str, name: str, values: Values) -> DataError:
    """The complaint about a column that should hold numbers, with the format that it seems to be in."""
    offered = offered_format(name, values)
    such = f" such as {values.coded[1][0][:40]!r}" if len(values.coded[1]) else ""
    return DataError(
        f"data.{role} {name!r}: expected numbers, got {values.storage} values{such}. "
        + (f"Say {offered}" if offered else "Choose another column")
    )


def _costs(name: str, values: Values) -> npt.NDArray[np.float64]:
    """Finite numbers; below 0 where a decision pays.

    Raises:
        DataError: some are not.
    """
    if values.storage != "number":
        raise _no_numbers("cost", name, values)
    wrong = int((~np.isfinite(values.data)).sum())
    if wrong:
        raise DataError(
            f"data.cost {name!r}: expected a finite cost in every row, got {wrong:,} {rows_word(wrong)} without. Fill "
            "them, or remove these rows"
        )
    return values.data.astype(np.float64)


def _group_codes(name: str, values: Values, role: str = "group") -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes of the groups, and their names in order.

    Raises:
        DataError: a row without group.
    """
    absent = int(values.missing().sum())
    if absent:
        raise DataError(
            f"data.{role} {name!r}: expected a {role} in every row, got {absent:,} {rows_word(absent)} without. "
            f"Give these a {role} of their own, or remove them"
        )
    return _codes(values)


def _report_codes(values: Values) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes of what is reported by, and their names in order; rows without are a group of their own, the last."""
    absent = values.missing()
    codes, names = np.full(len(absent), -1, dtype=np.int64), tuple[str, ...]()
    if not absent.all():
        codes[~absent], names = _codes(values.take(np.flatnonzero(~absent).astype(np.int64)))
    if not absent.any():
        return codes, names
    return np.where(absent, len(names), codes), (*names, _NONE)


def _codes(values: Values) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes of values of which none is missing, and their names in order."""
    if values.storage == "number" and values.spelled is None:
        distinct, codes = np.unique(values.data, return_inverse=True)
        return codes.astype(np.int64), tuple(str(shortest(v)) for v in distinct.tolist())
    codes, names = pd.factorize(as_labels(values).strings(), sort=True)
    return codes.astype(np.int64), tuple(str(n) for n in names)


def times(name: str, values: Values, day_first: bool | None = None) -> npt.NDArray[np.int64]:
    """Ranks of the distinct times, from 0.

    Raises:
        DataError: values that are neither dates nor numbers, missing, or no days of the calendar; dates of no clear
            order of day and month.
    """
    number = values.storage == "number" or _whole_numbers(values)
    if values.storage != "date" and not number:
        _, texts = values.coded
        such = f" values such as {texts[0][:40]!r}" if values.storage == "string" and texts else " values"
        short = f"; {SHORT_YEARS}" if values.storage == "string" and short_years(texts) else ""
        offered = offered_format(name, values)
        remedy = f"Say {offered} if it is a number" if offered else _REMEDY
        raise DataError(f"data.time {name!r}: expected {TIMES}, got {values.storage}{such}{short}. {remedy}")
    moments = instants(name, values, day_first)
    absent = values.missing() if moments is None else moments.absent()
    if absent.any():
        n, none = int(absent.sum()), absent & ~values.missing()
        such = f", such as {values.strings()[int(none.argmax())]!r}" if none.any() else ""
        raise DataError(
            f"data.time {name!r}: expected {TIMES}, got {n:,} {rows_word(n)} without{such} "
            f"({at_rows(np.flatnonzero(absent))}). {_REMEDY}"
        )
    if moments is not None and values.storage != "number":
        first, nano = np.unique(moments.micros, return_inverse=True)[1], moments.nanos
        return np.asarray(np.unique(first * 1000 + nano, return_inverse=True)[1], dtype=np.int64)
    if values.storage == "number":
        return np.unique(values.data, return_inverse=True)[1].astype(np.int64)
    codes, texts = values.coded
    return np.unique(np.array([int(t.partition(".")[0]) for t in texts], object), return_inverse=True)[1][codes]


TIMES = "a date (2024-01-31, 2024-01-31 10:00:00) or a number in every row"
_REMEDY = "Correct them, or choose another column"


def _whole_numbers(values: Values) -> bool:
    """Whether text is nothing but whole numbers, too long to be exact as numbers."""
    return values.storage == "string" and all(re.fullmatch(INTEGER, text) for text in values.coded[1])


def instants(name: str, values: Values, day_first: bool | None = None) -> Moments | None:
    """The moments of a column, per row: of dates, of numbers such as 20210630, and of epochs. None for other values.

    Raises:
        DataError: dates of no clear order of day and month, of no clear time zone, or epochs in several units.
    """
    if values.storage == "number":
        return _number_instants(name, values.data)
    codes, distinct = values.coded
    if values.storage == "date":
        return read_dates(name, distinct, day_first).take(codes)
    if _whole_numbers(values) and all(len(text) < 20 for text in distinct):
        found = epochs(name, np.array([int(text.partition(".")[0]) for text in distinct], dtype=np.int64))
        return None if found is None else found.take(codes)
    return None


def _number_instants(name: str, numbers: npt.NDArray[np.float64]) -> Moments | None:
    """The moments of numbers, (n,): 20210630 or epochs. None for numbers of another sort.

    Raises:
        DataError: epochs in several units.
    """
    present = np.flatnonzero(~np.isnan(numbers))
    found = compact(numbers[present])
    if found is None and len(present) and np.isfinite(numbers[present]).all() and (numbers[present] % 1 == 0).all():
        found = epochs(name, numbers[present].astype(np.int64))
    if found is None or len(present) == len(numbers):
        return found
    rows = np.full(len(numbers), -1)
    rows[present] = np.arange(len(present))
    return found.take(rows)


def _given_parts(name: str, values: Values) -> npt.NDArray[np.int8]:
    """0 train, 1 validation, 2 test.

    Raises:
        DataError: another word, or none.
    """
    strings = as_labels(values).strings()
    lowered = {s: PARTS.get(s.strip().lower()) for s in set(strings) if s is not None}
    wrong = [s for s, part in lowered.items() if part is None]
    bad = sum(s is None or lowered[s] is None for s in strings)
    if bad:
        such = f" such as {sorted(wrong)[0]!r}" if wrong else " that are missing"
        raise DataError(
            f"data.given {name!r}: expected train, val or test in every row, got {bad:,} {rows_word(bad)}{such}. "
            "Correct them, or unset data.given"
        )
    return np.array([lowered[s] for s in strings], dtype=np.int8)
