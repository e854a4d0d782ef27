"""What a column seems to hold that it is not used as: said once, with the option that changes it."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.options import option
from bench.data.tables.dates import DATE, SHORT_YEARS, compact, short_years
from bench.data.tables.decode import Values
from bench.data.tables.formats import phrase, recognise
from bench.data.tables.infer import PARTS, at_rows, rows_word
from bench.data.tables.schema import ColumnKind

SAMPLE = 200_000  # rows that a remark is made on
_LOOKED = 1000  # different cells of these
_MOSTLY = 0.8  # share of a column's different cells from which it looks like dates
_ENOUGH = 20  # different numbers from which they may be dates
_MOST_WORDS = 5  # different cells that are proposed as words for missing
_MOST_FOLDS = 20
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_OTHER_DATES = re.compile(
    r"[12][0-9]{3}[-/.](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/.][12][0-9]{3}"  # 2024-01, 01/2024
    r"|[12][0-9]{3}[- ]?[WQ][0-9]{1,2}|Q[1-4][- /]?[12][0-9]{3}|[12][0-9]{3}年[0-9]{1,2}月"
    rf"|{_MONTH}[- .,/]{{1,2}}[12][0-9]{{3}}|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{{0,6}},? .*[0-9].*"
    r"|[12][0-9]{3}-[0-9]{2}-[0-9]{2}[ T].*[0-9] ?[A-Za-z][A-Za-z/_]+",  # a zone by its name
    re.IGNORECASE,
)
_DIVISION = re.compile(
    r"(?:is[ _]?)?(?:train|test|val|valid|validation|holdout)(?:[ _]?(?:set|flag|split))?|(?:cv[ _]?|k)?folds?|split",
    re.IGNORECASE,
)
"""Names of columns that say which rows train and test."""


def remark(name: str, values: Values, kind: ColumnKind) -> str:
    """What a column seems to hold that it is not used as, and the option that changes it; '' for nothing."""
    if values.storage == "number":
        return _remark_number(name, values, kind)
    if values.storage != "string":
        return ""
    codes, texts = values.coded
    used = [texts[code] for code in pd.unique(codes[codes >= 0][:SAMPLE])]
    if not used:
        return ""
    return _remark_words(name, used, kind) or _remark_dates(values, used) or _remark_format(name, values, used)


def _remark_format(name: str, values: Values, used: list[str]) -> str:
    """The same of a column of text whose different cells, `used`, may be numbers as people write them."""
    found = recognise(used)
    if found is None:
        return ""
    form, wrong = found
    rows = _rows_that_say(values, wrong)
    cells = f"{len(rows):,} {rows_word(len(rows))} such as {wrong[0][:40]!r} ({at_rows(rows)})" if len(rows) else ""
    if form == "units":
        return f"looks like numbers with several units, such as {used[0][:40]!r}: write the column in one unit"
    if form != "plain":
        but = f", but not {cells}" if cells else ""
        other = f" ({option('formats', {name: 'minutes_seconds'})} if they are that)" if form == "hours_minutes" else ""
        return f"looks like numbers written {phrase(form)}{but}: {option('formats', {name: form})}{other}"
    return f"most read as numbers, but not {cells}: {_as_missing(wrong)}correct them" if cells else ""


def _remark_words(name: str, used: list[str], kind: ColumnKind) -> str:
    """The same of a column of text that is no numbers: dates of short years, names of the parts, damaged text."""
    if short_years(used):
        return f"{SHORT_YEARS}, and use the column by {option('dates', [name])} or {option('time', name)}"
    if kind == "categorical" and {text.strip().lower() for text in used} <= set(PARTS):
        return f"says which rows train and test; to split by it: {option('given', name)}"
    if all(text.lstrip()[:1] == "'" for text in used):
        return f"begins every cell with a quote, such as {used[0][:40]!r}: take them out in the file"
    if (bad := next((text for text in used if _recovered(text)), None)) is not None:
        return f"holds text that was read in a wrong encoding and saved so: {bad[:40]!r} is {_recovered(bad)[:40]!r}"
    if (bad := next((text for text in used if "\ufffd" in text), None)) is not None:
        return f"holds text that lost characters when it was saved, such as {bad[:40]!r}"
    return ""


def _recovered(text: str) -> str:
    """KÃ¶ln as Köln: UTF-8 that was taken for Latin-1 or cp1252; '' for text that is nothing of that sort."""
    if text.isascii():
        return ""
    for wrong in ("cp1252", "latin-1"):
        try:
            return text.encode(wrong).decode("utf-8")
        except UnicodeError:
            continue
    return ""


def _remark_dates(values: Values, used: list[str]) -> str:
    """The same of text most of which are dates, or dates in a form that is not read."""
    looked = used[:_LOOKED]
    wrong = [text for text in looked if not re.fullmatch(DATE.strip("^$"), text.strip())]
    if 0 < len(wrong) <= (1 - _MOSTLY) * len(looked):
        rows = _rows_that_say(values, wrong)
        return (
            f"most read as dates, but not {len(rows):,} {rows_word(len(rows))} such as {wrong[0][:40]!r} "
            f"({at_rows(rows)}): {_as_missing(wrong)}correct them"
        )
    if sum(_OTHER_DATES.fullmatch(text.strip()) is not None for text in looked) >= _MOSTLY * len(looked):
        return f"looks like dates in a form that is not read, such as {looked[0][:40]!r}: write them as 2024-01-31"
    return ""


def _as_missing(wrong: list[str]) -> str:
    """The option that makes a few words mean missing, and what to say before a remedy."""
    words = sorted({word.strip() for word in wrong}) if len(wrong) <= _MOST_WORDS else []
    means = "that means" if len(words) == 1 else "these mean"
    return f"{option('missing_words', words)} if {means} missing, or " if words else ""


def _remark_number(name: str, values: Values, kind: ColumnKind) -> str:
    """The same of a column of numbers: dates such as 20210630, or names such as 3.1 and 3.10."""
    if kind != "numeric":
        return ""
    if values.spelled is not None:
        spelled: dict[float, list[str]] = {}
        for text in values.spelled[1]:
            spelled.setdefault(float(text), []).append(text)
        names = max(spelled.values(), key=len)
        return f"has one number in several spellings ({', '.join(names[:3])}): {option('kinds', {name: 'categorical'})}"
    present = values.data[:SAMPLE]
    present = np.unique(present[~np.isnan(present)])
    if _DIVISION.fullmatch(name) and len(present) <= _MOST_FOLDS and (present % 1 == 0).all():
        return (
            "is named like a division of the rows, and is learnt from: to split by it, write train and test and say "
            f"{option('given', name)}; if it is none to learn from, {option('ignore', [name])}"
        )
    if len(present) >= _ENOUGH and compact(present) is not None:
        return f"looks like dates (20210630): {option('dates', [name])}"
    return ""


def _rows_that_say(values: Values, texts: Collection[str]) -> npt.NDArray[np.int64]:
    """Positions of rows with one of these texts."""
    codes, names = values.coded
    wanted = [i for i, name in enumerate(names) if name in set(texts)]
    return np.flatnonzero(np.isin(codes, wanted)).astype(np.int64)
