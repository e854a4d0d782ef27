"""Columns that play a part instead of being learnt from: row weights, groups, time, and a given division."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import Roles

PARTS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}


def chosen(config: TableConfig) -> dict[str, str]:
    """The column of each role, {role: column}."""
    names = {role: getattr(config, role) for role in ("weight", "group", "time", "given")}
    return {role: name for role, name in names.items() if name is not None}


def read_roles(values: Mapping[str, Values], names: Mapping[str, str], target: str) -> Roles:
    """The arrays of the roles.

    Raises:
        DataError: no such column, or values that cannot play the part; names the column and counts rows.
    """
    for role, name in names.items():
        if name not in values:
            got = "the target" if name == target else "none by that name"
            raise DataError(
                f"data.{role} {name!r}: expected a column, got {got}. {suggest(name, values)}Columns: {listing(values)}"
            )
    found: dict[str, Any] = {}
    if "weight" in names:
        found["weight"] = weights(names["weight"], values[names["weight"]])
    if "group" in names:
        found["group"], found["groups"] = group_codes(names["group"], values[names["group"]])
    if "time" in names:
        found["time"] = times(names["time"], values[names["time"]])
    if "given" in names:
        found["given"] = given_parts(names["given"], values[names["given"]])
    return Roles(**found)


def weights(name: str, values: Values) -> npt.NDArray[np.float64]:
    """Positive finite numbers.

    Raises:
        DataError: some are not.
    """
    if values.storage != "number":
        raise DataError(f"data.weight {name!r}: expected numbers, got {values.storage} values. Choose another column")
    wrong = int((~(values.data > 0) | np.isinf(values.data)).sum())
    if wrong:
        raise DataError(
            f"data.weight {name!r}: expected finite weights above 0, got {wrong:,} {rows_word(wrong)} that are "
            "missing, zero, negative or infinite. Correct them; to leave rows out, remove them from the file"
        )
    return values.data.astype(np.float64)


def group_codes(name: str, values: Values) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Codes of the groups, and their names in order.

    Raises:
        DataError: a row without group.
    """
    absent = int(values.missing().sum())
    if absent:
        raise DataError(
            f"data.group {name!r}: expected a group in every row, got {absent:,} {rows_word(absent)} without. "
            "Give these a group of their own, or remove them"
        )
    if values.storage == "number":
        distinct, codes = np.unique(values.data, return_inverse=True)
        return codes.astype(np.int64), tuple(f"{v:.15g}" for v in distinct.tolist())
    codes, names = pd.factorize(values.data, sort=True)
    return codes.astype(np.int64), tuple(str(n) for n in names)


def times(name: str, values: Values) -> npt.NDArray[np.int64]:
    """Ranks of the distinct times, from 0.

    Raises:
        DataError: values that are neither dates nor numbers, or missing.
    """
    absent = int(values.missing().sum())
    if values.storage not in ("date", "number") or absent:
        got = f"{absent:,} {rows_word(absent)} without" if absent else f"{values.storage} values"
        raise DataError(
            f"data.time {name!r}: expected a date (2024-01-31, 2024-01-31 10:00:00) or a number in every row, "
            f"got {got}. Correct them, or choose another column"
        )
    moments = values.data if values.storage == "number" else instants(values.data)
    return np.unique(moments, return_inverse=True)[1].astype(np.int64)


def instants(strings: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Dates as datetime64, UTC; NaT where missing. Day first where the day comes first in 31.01.2024."""
    distinct, inverse = np.unique(np.where(pd.isna(strings), "", strings).astype(str), return_inverse=True)
    day_first = bool(len(distinct)) and "-" not in distinct[-1]
    parsed = pd.to_datetime(pd.Series(distinct), utc=True, format="mixed", dayfirst=day_first, errors="coerce")
    moments: npt.NDArray[Any] = parsed.dt.tz_localize(None).to_numpy()[inverse]
    return moments


def given_parts(name: str, values: Values) -> npt.NDArray[np.int8]:
    """0 train, 1 validation, 2 test.

    Raises:
        DataError: another word, or none.
    """
    strings = values.strings()
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
