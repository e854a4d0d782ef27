"""Dates and times of a column: one order of day and month for all of it, proven by its values or asked for.

2021-06-30, 2021/06/30, 20210630, 2021年6月30日, 30.06.2021, 06/30/2021, 30 June 2021, each with a time if need be, and
epochs in seconds, milliseconds, microseconds or nanoseconds. What looks like a date and is none (0000-00-00,
2023-02-29, 24:00:00) is missing, and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.data.errors import DataError

Integers = npt.NDArray[np.int64]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-zA-Z]{0,6}"
_CLOCK = (
    r"(?:(?:[ T]+|, )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r" ?(?P<half>[aApP]\.?[mM]\.?)? ?(?P<zone>Z|z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_FORMS = (
    r"(?P<year>[0-9]{4})[-/.](?P<first>[0-9]{1,2})[-/.](?P<last>[0-9]{1,2})",
    r"(?P<year>[0-9]{4})年 ?(?P<first>[0-9]{1,2})月 ?(?P<last>[0-9]{1,2})日",
    r"(?P<first>[0-9]{1,2})[-/.](?P<last>[0-9]{1,2})[-/.](?P<year>[0-9]{4})",
    rf"(?P<last>[0-9]{{1,2}})[- ./](?P<first>{_MONTH})\.?[- ./,]{{1,2}}(?P<year>[0-9]{{4}})",
    rf"(?P<first>{_MONTH})\.? (?P<last>[0-9]{{1,2}}),? (?P<year>[0-9]{{4}})",
)
"""Year, month and day in every order that is read; of the third form, which of first and last is the day is open."""
OPEN = 2  # the form whose order the column must prove
_UNNAMED = re.compile(r"\?P<[a-z]+>")
DATE = "^(?:" + "|".join(_UNNAMED.sub("?:", form) for form in _FORMS) + ")" + _UNNAMED.sub("?:", _CLOCK) + "$"

_SHORT_YEAR = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{2}(?:[ T].*)?")

_UNITS = (("s", 10**6), ("ms", 10**3), ("us", 1), ("ns", -(10**3)))
"""Epochs: unit, and microseconds in one (negative: how many in a microsecond)."""
EARLIEST, LATEST = 631152000, 4102444800  # 1990 to 2100, in seconds: numbers beyond are no epochs
_COMPACT = (17000101, 22001231)  # 20210630
NONE = np.int64(np.iinfo(np.int64).min)  # NaT


@dataclass(frozen=True)
class Moments:
    """Per value: microseconds since 1970 in UTC, and nanoseconds beyond them; `NONE` where there is no date."""

    micros: Integers
    nanos: Integers

    def absent(self) -> npt.NDArray[np.bool_]:
        """Where there is no date."""
        return np.asarray(self.micros == NONE)

    def take(self, rows: npt.NDArray[Any]) -> Moments:
        """The given ones; -1 is none."""
        micros, nanos = np.append(self.micros, NONE)[rows], np.append(self.nanos, 0)[rows]
        return Moments(micros, nanos)


def short_years(texts: list[str]) -> bool:
    """Whether all of these are like 31/01/24: dates whose order and century nobody can tell."""
    return bool(texts) and all(_SHORT_YEAR.fullmatch(text.strip()) for text in texts)


SHORT_YEARS = "years of two digits are not read as dates, since 01/02/03 may be six days: write them as 2024-01-31"


def read_dates(name: str, texts: list[str], day_first: bool | None) -> Moments:
    """Distinct texts that all look like dates, as moments. A time without zone is taken for UTC.

    Raises:
        DataError: day and month cannot be told apart, contradict each other or `day_first`, or only some have a zone.
    """
    column = pa.array(texts, pa.string())
    years, first, last, form = (np.zeros(len(texts), dtype=np.int64) for _ in range(4))
    clock = {part: np.full(len(texts), "", dtype=object) for part in ("hour", "minute", "second", "fraction", "half")}
    zone = np.full(len(texts), "", dtype=object)
    for number, pattern in enumerate(_FORMS):
        found = pc.extract_regex(column, f"^{pattern}{_CLOCK}$")
        rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        if not len(rows):
            continue
        parts = {f.name: np.array(found.take(pa.array(rows)).field(i).to_pylist(), dtype=object)
                 for i, f in enumerate(found.type)}  # fmt: skip
        years[rows], last[rows], form[rows] = parts["year"].astype(np.int64), parts["last"].astype(np.int64), number
        months = parts["first"]
        named = not str(months[0]).isdigit()
        first[rows] = [_MONTHS.index(m[:3].lower()) + 1 for m in months] if named else months.astype(np.int64)
        zone[rows] = parts["zone"]
        for part, values in clock.items():
            values[rows] = parts[part]
    _check_zones(name, texts, zone != "", clock["hour"] != "")
    open_ = np.flatnonzero(form == OPEN)
    swap = form == OPEN
    if len(open_):
        swap &= _day_comes_first(name, [texts[i] for i in open_], first[open_], last[open_], day_first)
    months, days = np.where(swap, last, first), np.where(swap, first, last)
    micros, nanos = calendar(years, months, days), np.zeros(len(texts), dtype=np.int64)
    _add_clock(micros, nanos, clock)
    ahead = np.array([offset(z) for z in zone], dtype=np.int64)
    micros[micros != NONE] -= ahead[micros != NONE]
    return Moments(micros, nanos)


def _check_zones(name: str, texts: list[str], zoned: npt.NDArray[np.bool_], timed: npt.NDArray[np.bool_]) -> None:
    """Refuse times of which some have a zone and some have none: they cannot be put in order.

    Raises:
        DataError: there are both; shows one of each.
    """
    bare = timed & ~zoned
    if zoned.any() and bare.any():
        raise DataError(
            f"column {name!r}: expected a time zone with every time or with none, got {texts[int(zoned.argmax())]!r} "
            f"and {texts[int(bare.argmax())]!r}. Write all of them in one way"
        )


def _day_comes_first(name: str, texts: list[str], first: Integers, last: Integers, day_first: bool | None) -> bool:
    """Whether 01/02/2024 is the first of February, for the whole column. Dates with points put the day first.

    Raises:
        DataError: two values prove different orders, one proves another than was asked for, or none proves any.
    """
    possible = (np.minimum(first, last) >= 1) & (np.maximum(first, last) <= 31) & (np.minimum(first, last) <= 12)
    day, month = possible & (first > 12), possible & (last > 12)
    if day.any() and month.any():
        raise DataError(
            f"column {name!r}: expected one order of day and month, got {texts[int(day.argmax())]!r} and "
            f"{texts[int(month.argmax())]!r}. Write the dates in one way, best as 2024-01-31"
        )
    if day_first is not None:
        against = month if day_first else day
        if against.any():
            raise DataError(
                f"data.day_first={str(day_first).lower()}: expected dates of that order in {name!r}, got "
                f"{texts[int(against.argmax())]!r}. Unset it"
            )
        return day_first
    unclear = possible & (first != last)
    if day.any() or month.any() or not unclear.any():
        return bool(day.any())
    if all("." in text[:3] for text in texts):
        return True
    raise DataError(
        f"column {name!r}: expected a date that shows whether the day or the month comes first, got only such as "
        f"{texts[int(unclear.argmax())]!r}. Say data.day_first=true or data.day_first=false"
    )


def calendar(years: Integers, months: Integers, days: Integers) -> Integers:
    """Microseconds since 1970 of the beginnings of days; `NONE` for days that no calendar has."""
    valid = (years >= 1) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    begins = (np.where(valid, years, 1970) - 1970) * 12 + np.where(valid, months, 1) - 1
    starts = begins.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (begins + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid &= days <= following - starts
    return np.where(valid, (starts + days - 1) * 86_400_000_000, NONE)


def _add_clock(micros: Integers, nanos: Integers, clock: dict[str, npt.NDArray[Any]]) -> None:
    """Add the times of day, in place; hours from 24 and the like are no times."""
    rows = np.flatnonzero(clock["hour"] != "")
    if not len(rows):
        return
    hour, minute = (clock[part][rows].astype(np.int64) for part in ("hour", "minute"))
    second = np.array([int(s or 0) for s in clock["second"][rows]], dtype=np.int64)
    nano = np.array([int((f or "")[:9].ljust(9, "0")) for f in clock["fraction"][rows]], dtype=np.int64)
    half = np.array([(h or "")[:1].lower() for h in clock["half"][rows]])
    valid = (minute < 60) & (second < 60) & np.where(half == "", hour < 24, (hour >= 1) & (hour <= 12))
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    valid &= micros[rows] != NONE
    total = ((hour * 60 + minute) * 60 + second) * 1_000_000 + nano // 1000
    micros[rows] = np.where(valid, micros[rows] + total, NONE)
    nanos[rows] = np.where(valid, nano % 1000, 0)


def offset(zone: str) -> int:
    """Microseconds that a zone is ahead of UTC."""
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000_000


def compact(numbers: npt.NDArray[np.float64]) -> Moments | None:
    """Numbers as 20210630, if four of five are such dates: `NONE` for the others. None for numbers of another sort."""
    inside = np.where((numbers >= _COMPACT[0]) & (numbers <= _COMPACT[1]), numbers, 0)
    whole = np.where(inside % 1 == 0, inside, 0).astype(np.int64)
    micros = calendar(whole // 10000, whole // 100 % 100, whole % 100)
    if not len(numbers) or (micros != NONE).mean() < 0.8:
        return None
    return Moments(micros, np.zeros(len(numbers), dtype=np.int64))


def epochs(name: str, numbers: Integers) -> Moments | None:
    """Whole numbers as epochs, if all lie between 1990 and 2100 in one unit. None for numbers of another sort.

    Raises:
        DataError: they lie there in several units.
    """
    unit = np.full(len(numbers), -1)
    for i, (_, micros) in enumerate(_UNITS):
        scale = 10**6 // micros if micros > 0 else 10**6 * -micros
        unit[(numbers >= EARLIEST * scale) & (numbers < LATEST * scale)] = i
    if not len(numbers) or (unit < 0).any():
        return None
    if len(set(unit.tolist())) > 1:
        mixed = [f"{numbers[int((unit == i).argmax())]} ({_UNITS[i][0]})" for i in sorted(set(unit.tolist()))]
        raise DataError(
            f"column {name!r}: expected epochs in one unit, got {' and '.join(mixed)}. Write all in the same unit"
        )
    micros = _UNITS[int(unit[0])][1]
    if micros > 0:
        return Moments(numbers * micros, np.zeros(len(numbers), dtype=np.int64))
    return Moments(numbers // -micros, numbers % -micros)
