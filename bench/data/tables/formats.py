"""A column of numbers as people write them: what its format is, and its numbers under one.

What a column says decides for all of its cells: which of point and comma is the decimal mark is proven by cells that
can be read in one way only, and a unit is the same in all. Where nothing proves the mark, or two cells contradict each
other, the column is refused, and what to declare is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from bench.data.errors import DataError
from bench.data.tables.config import Format
from bench.data.tables.currencies import one_currency
from bench.data.tables.measures import (
    AMBIGUOUS,
    UNITS,
    clock_of_two,
    fraction,
    has_bar,
    hexadecimal,
    season,
    seconds,
    unit_key,
    with_unit,
)
from bench.data.tables.numbers import Mark, Written, code, marks, value_of, written

Found = tuple[Format | Literal["plain", "units"], list[str]]
_MOSTLY: Final = 0.8  # share of a column's distinct cells from which it looks like numbers
_FEW_UNITS: Final = 5  # different units of one column, at most

_YES = frozenset(("yes", "y", "true", "t", "on", "1", "ja", "oui", "sí", "si", "sim", "да", "是", "有", "はい", "예"))
_NO = frozenset(
    ("no", "n", "false", "f", "off", "0", "nein", "non", "não", "нет", "否", "无", "無", "いいえ", "아니요")
)

_PHRASES: Final[Mapping[str, str]] = {
    "unit": "with a unit", "units": "with several units", "duration": "as durations or times of day",
    "hours_minutes": "as hours and minutes", "hexadecimal": "as hexadecimal", "fraction": "as fractions",
}  # fmt: skip


def phrase(form: str) -> str:
    """How a column's numbers are written, in words."""
    return _PHRASES.get(form, f"as {form}")


def read_numbers(name: str, texts: Sequence[str], form: Format) -> tuple[npt.NDArray[np.float64], list[int]]:
    """Distinct texts as float64 (k,), NaN where one is no number, and the positions of these.

    Raises:
        DataError: nothing in the column `name` proves its decimal mark, or two cells prove different ones, or have
            different units.
    """
    if form in _ALONE:
        found = [_ALONE[form](text) for text in texts]
        numbers = np.array([np.nan if value is None else value for value in found], dtype=np.float64)
        return numbers, [i for i, value in enumerate(found) if value is None]
    parts = _parts(name, texts) if form == "unit" else [written(text) for text in texts]
    mark = _decimal_mark(name, texts, parts, form)
    percent = form in ("percent", "percent_comma")
    numbers, wrong = np.full(len(texts), np.nan), []
    for i, part in enumerate(parts):
        value = None if part is None or (part.percent and not percent) else value_of(part, mark, percent=percent)
        if value is None:
            wrong.append(i)
        else:
            numbers[i] = value
    return numbers, wrong


def yes_no(text: str) -> float | None:
    """1 or 0, None for another word."""
    word = text.strip().lower()
    return 1.0 if word in _YES else 0.0 if word in _NO else None


_ALONE: Final[Mapping[str, Callable[[str], float | None]]] = {
    "yes_no": yes_no,
    "duration": seconds,
    "hours_minutes": lambda text: seconds(text, two="hours_minutes"),
    "minutes_seconds": lambda text: seconds(text, two="minutes_seconds"),
    "hexadecimal": hexadecimal,
    "fraction": fraction,
}
"""Formats in which a cell needs no other to be read."""


def _parts(name: str, texts: Sequence[str]) -> list[Written | None]:
    """The numbers of cells with a unit.

    Raises:
        DataError: two cells have different units.
    """
    found = [with_unit(text) for text in texts]
    first: dict[str, str] = {}
    for text, part in zip(texts, found, strict=True):
        if part is not None:
            first.setdefault(unit_key(part[1]), text)
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise DataError(
            f"column {name!r}: expected one unit in all cells (data.formats: unit), got {one[:40]!r} and "
            f"{other[:40]!r}. Write the column in one unit"
        )
    return [None if part is None else part[0] for part in found]


def unit_of(texts: Iterable[str]) -> str:
    """The unit of the first cell that has one, as it is written; '' where none has."""
    return next((part[1] for text in texts if (part := with_unit(text)) is not None), "")


def mixed_currencies(texts: Iterable[str]) -> list[str]:
    """The currencies of a column, if these cannot be one; else none."""
    found = sorted({currency for text in texts if (part := written(text)) for currency in part.currencies})
    return [] if one_currency(found) else found


def _decimal_mark(name: str, texts: Sequence[str], parts: Sequence[Written | None], form: Format) -> Mark:
    """The decimal mark that a format says, or that the column proves.

    Raises:
        DataError: it proves none where that matters, or both.
    """
    if form in ("decimal_comma", "percent_comma"):
        return ","
    if form == "thousands":
        return "."
    proof: dict[Mark, int] = {}
    open_: int | None = None
    for i, part in enumerate(parts):
        if part is None:
            continue
        possible = marks(part.digits)
        if len(possible) == 1:
            proof.setdefault(next(iter(possible)), i)
        elif possible and set(part.digits) & set(".,") and open_ is None:
            open_ = i
    if len(proof) == 2:
        raise DataError(
            f"column {name!r}: expected one decimal mark, got {texts[proof[',']]!r} and {texts[proof['.']]!r}. Write "
            "the column in one way"
        )
    if proof:
        return next(iter(proof))
    if open_ is None:
        return "."
    part = parts[open_]
    grouped = part is not None and "," in part.digits
    if grouped == (form == "currency"):  # nobody writes $1,299 for less than two; 12.345 % has three decimals
        return "."
    raise DataError(
        f"data.formats {name!r}: expected a cell that shows the decimal mark (12.5 or 12,50), got only cells such as "
        f"{texts[open_]!r}. {_REMEDIES[form]}"
    )


_REMEDIES: Final[Mapping[str, str]] = {
    "currency": "Say decimal_comma if the point groups thousands, thousands if it is the decimal mark",
    "percent": "Say percent_comma if the comma is the decimal mark; if it groups thousands, leave it out in the file",
    "unit": "Leave the unit out in the file, and say decimal_comma or thousands",
}


def recognise(texts: Iterable[str], most: int = 1000) -> Found | None:
    """The format in which four of five texts are numbers, and the texts among the first that are none; else None.

    `plain`: all but some are numbers as computers write them. A column of text in which every text is a number is
    written otherwise somewhere: 5.00-, −5, ５. `units`: there are several, and so no format.
    """
    looked = [text for text, _ in zip(texts, range(most), strict=False)]
    if not looked:
        return None
    return _apart(looked) or _signed(looked) or _measured(looked)


def _apart(looked: Sequence[str]) -> Found | None:
    """Durations, times of day, hexadecimal numbers, fractions; and units that look like scales."""
    metres = {text: part[1] for text in looked if (part := with_unit(text)) and part[1] in AMBIGUOUS}
    if _most(metres, looked) and len(set(metres.values())) == 1:
        return "unit", _others(metres, looked)
    readers: tuple[tuple[Format, Callable[[str], float | None]], ...] = (
        ("duration", seconds),
        ("hours_minutes", clock_of_two),
        ("hexadecimal", hexadecimal),
    )
    for form, read in readers:
        good = [text for text in looked if read(text) is not None]
        if _most(good, looked):
            return form, _others(good, looked)
    good = [text for text in looked if fraction(text) is not None and not season(text)]
    if _most(good, looked) and sum(has_bar(text) for text in good) >= (1 - _MOSTLY) * len(looked):
        return "fraction", _others(good, looked)
    return None


def _signed(looked: Sequence[str]) -> Found | None:
    """Numbers with signs, separators or a scale."""
    parts = {text: part for text in looked if (part := written(text)) and marks(part.digits) and not code(text)}
    good = list(parts.values())
    if not _most(good, looked):
        return None
    wrong = _others(parts, looked)
    if wrong and all(not p.signed and re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", p.digits) for p in good):
        return "plain", wrong
    if sum(p.percent for p in good) > len(good) / 2:
        return "percent", wrong
    if any(p.signed for p in good):
        return "currency", wrong
    proofs = [marks(p.digits) for p in good]
    return ("decimal_comma" if proofs.count({","}) > proofs.count({"."}) else "thousands"), wrong


def _measured(looked: Sequence[str]) -> Found | None:
    """Numbers with one unit, or with several that are known."""
    parts = {
        text: unit_key(part[1])
        for text in looked
        if (part := with_unit(text)) and marks(part[0].digits) and not code(text)
    }
    if not _most(parts, looked):
        return None
    units = list(parts.values())
    usual = max(set(units), key=units.count)
    if _most([unit for unit in units if unit == usual], looked):
        return "unit", [text for text in looked if parts.get(text) != usual]
    known = all({unit.lower(), f"{unit}s".lower()} & UNITS for unit in units) and any(len(unit) > 1 for unit in units)
    return ("units", _others(parts, looked)) if known and len(set(units)) <= _FEW_UNITS else None


def _most(some: Sequence[object] | Mapping[str, object], every: Sequence[str]) -> bool:
    return len(some) >= _MOSTLY * len(every)


def _others(some: Iterable[str], every: Sequence[str]) -> list[str]:
    """The texts that are none of some, in their order."""
    known = set(some)
    return [text for text in every if text not in known]
