"""The target as labels and classes: what can be learnt and split, which classes there are and in which order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.options import option
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import MISSING, Values
from bench.data.tables.formats import yes_no
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import Strings

Labels: TypeAlias = "Strings | pd.Categorical[object]"  # of large tables as codes
Rows: TypeAlias = npt.NDArray[np.int64]

_MAX_CLASSES = 1000
_LEAST_CLASS_ROWS = 3  # one each for train, validation and test
_PERHAPS_MISSING = frozenset(("?", "unknown", "unk", "missing", "undefined", "not available", "未知", "不明"))
"""Words for missing that may as well be classes, in lower case."""
_BRACKETS = " []{}()\"'"
_CONTINUOUS = 20  # distinct values beyond which non-integer numbers are no classes


def target_strings(labels: Values, target: str) -> Strings:
    """Labels as strings, object (n,), None where missing.

    Raises:
        DataError: no values, a quantity (regression), or no plain values.
    """
    if labels.storage == "other":
        raise DataError(f"target {target!r}: expected one label per row, got lists or bytes. Choose another column")
    strings = labels.strings()
    distinct = tally(strings)
    if not distinct:
        raise DataError(f"target {target!r}: expected labels, got {len(strings):,} missing values. Fill the column")
    if labels.storage == "number" and len(distinct) > _CONTINUOUS:
        numbers = labels.data[~np.isnan(labels.data)]
        if (numbers % 1 != 0).any():
            raise DataError(
                f"target {target!r}: expected classes, got {len(distinct):,} distinct numbers such as "
                f"{numbers[0]:g}. Regression is not supported; cut the numbers into classes first"
            )
    return strings


def labelled_rows(strings: Labels, log: list[str]) -> Rows:
    """The rows that have a label."""
    rows = np.flatnonzero(~pd.isna(strings)).astype(np.int64)
    dropped = len(strings) - len(rows)
    if dropped:
        log.append(f"dropped {dropped:,} {rows_word(dropped)} without target")
    return rows


def choose_classes(
    strings: Labels, target: str, config: TableConfig, log: list[str]
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The classes in order, and the labels of all rows as indices of them, int64 (n,).

    Raises:
        DataError: labels that cannot be learnt or split, or a positive class that is none.
    """
    counts = tally(strings)
    check_variety(counts, target)
    _check_counts(counts, target)
    classes = order_classes(counts, target, config.positive, log)
    log += [f"warning: {said}" for said in _alike(classes)]
    if words := [name for name in classes if name.lower() in MISSING or name.lower() in _PERHAPS_MISSING]:
        named, count = " and ".join(map(repr, words)), sum(counts[name] for name in words)
        log.append(
            f"warning: {named} ({count:,} {rows_word(count)}) counts as a class, and is a usual word for missing; to "
            f"leave these rows out: {option('missing_words', [name.lower() for name in words])}"
        )
    return classes, encode_labels(strings, classes)


def _alike(classes: Sequence[str]) -> list[str]:
    """What is said of classes that may be one, or several at once."""
    same: dict[str, list[str]] = {}
    for name in classes:
        same.setdefault(_form(name), []).append(name)
    found = [
        f"the classes {' and '.join(map(ascii if _invisible(names) else repr, names))} differ only in capitals, "
        "invisible characters or leading zeros; if they are one, write them alike in the file"
        for names in same.values()
        if len(names) > 1
    ]
    bare = {name.strip(_BRACKETS) for name in classes}
    listed = [name for name in classes if len(bare & {part.strip(_BRACKETS) for part in re.split("[;|,]", name)}) > 1]
    answers = all(yes_no(name) is not None for name in classes)
    for answer, value in (("yes", 1.0), ("no", 0.0)) if answers else ():
        alike = [name for name in classes if yes_no(name) == value]
        if len({_form(name) for name in alike}) > 1:
            named = " and ".join(map(repr, alike))
            found.append(f"the classes {named} all say {answer}; if they are one, write them alike in the file")
    if listed:
        found.append(
            f"the class {listed[0]!r} looks like several labels of one row, which are not supported: each combination "
            "is a class of its own"
        )
    return found


def _form(name: str) -> str:
    """What is left of a label without capitals, accents' spelling, invisible characters and leading zeros."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc"))
    bare = " ".join(visible.split())
    return bare.lstrip("0") or "0" if bare.isdecimal() else bare


def _invisible(names: Sequence[str]) -> bool:
    """Whether names look alike when they are printed."""
    return len({unicodedata.normalize("NFC", "".join(c for c in n if c.isprintable())) for n in names}) < len(names)


def large_classes(strings: Labels, least: int, log: list[str]) -> npt.NDArray[np.bool_]:
    """Which rows are of a class with at least this many rows, bool (n,)."""
    counts = tally(strings)
    small = {name: n for name, n in counts.items() if n < least}
    if small:
        named = listing(f"{name} ({n})" for name, n in sorted(small.items(), key=lambda item: (-item[1], item[0])))
        total = sum(small.values())
        log.append(f"dropped classes with fewer than {least} rows: {named}; {total:,} {rows_word(total)}")
    if not small:
        return np.ones(len(strings), dtype=np.bool_)
    codes, names = pd.factorize(strings)
    return np.array([name not in small for name in names], dtype=np.bool_)[codes]


def check_variety(counts: Mapping[str, int], target: str) -> None:
    """Refuse labels that are all alike.

    Raises:
        DataError: fewer than two classes.
    """
    if not counts:
        raise DataError(f"target {target!r}: expected two classes or more, got none; lower data.min_class_rows")
    if len(counts) == 1:
        ((name, n),) = counts.items()
        raise DataError(
            f"target {target!r}: expected two classes or more, got only {name!r} in {n:,} {rows_word(n)}. "
            "Choose another target, or lower data.min_class_rows if it dropped the rest"
        )


def _check_counts(counts: Mapping[str, int], target: str) -> None:
    """Refuse labels that cannot be learnt or split.

    Raises:
        DataError: too many classes, or one too small to be split in three.
    """
    if len(counts) > _MAX_CLASSES:
        raise DataError(
            f"target {target!r}: expected at most {_MAX_CLASSES:,} classes, got {len(counts):,}. "
            "Is it an id? Choose another target, or drop rare classes with data.min_class_rows"
        )
    small = sorted((n, name) for name, n in counts.items() if n < _LEAST_CLASS_ROWS)
    if small:
        named = listing((f"{name!r} ({n})" for n, name in small), most=5)
        remedy = (
            "Both classes are needed: add rows, or choose another target"
            if len(counts) == 2
            else f"Drop such classes with data.min_class_rows={_LEAST_CLASS_ROWS} or more"
        )
        raise DataError(
            f"target {target!r}: expected at least {_LEAST_CLASS_ROWS} distinct rows of each class (train, validation, "
            f"test), got {len(small)} smaller: {named}. {remedy}"
        )


def order_classes(counts: Mapping[str, int], target: str, positive: str | None, log: list[str]) -> tuple[str, ...]:
    """Classes in order: two with the positive last, more by number or name.

    Raises:
        DataError: `positive` is no class, or there are more than two.
    """
    names = _sorted_labels(counts)
    if len(names) != 2:
        if positive is not None:
            raise DataError(
                f"data.positive: expected unset for the {len(names)} classes of {target!r}, got {positive!r}. Unset it"
            )
        sizes = sorted(counts.values())
        log.append(f"{len(names)} classes of {sizes[0]:,} to {sizes[-1]:,} rows")
        return tuple(names)
    chosen = positive
    if chosen is None:
        chosen = min(reversed(names), key=lambda name: counts[name])
    elif chosen not in names and chosen.lower() in names:  # True for true
        chosen = chosen.lower()
    if chosen not in names:
        raise DataError(
            f"data.positive: expected a class of {target!r}, got {chosen!r}. "
            f"{suggest(chosen, names)}Classes: {listing(names)}"
        )
    log.append(f"positive class: {chosen} ({counts[chosen] / sum(counts.values()):.1%})")
    return tuple(sorted(names, key=lambda name: name == chosen))


def _sorted_labels(names: Mapping[str, int]) -> list[str]:
    """By number if all are numbers, else by name."""
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)


def encode_labels(strings: Labels, classes: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Labels as class indices, int64 (n,), -1 for none of them."""
    index = {name: i for i, name in enumerate(classes)}
    codes, names = pd.factorize(strings)
    return np.array([*(index.get(s, -1) for s in names), -1], dtype=np.int64)[codes]  # missing is coded -1: the last


def tally(strings: Labels) -> dict[str, int]:
    """Rows per label, in the order of their first rows; missing ones left out."""
    codes, names = pd.factorize(strings)
    return dict(zip(names, np.bincount(codes[codes >= 0], minlength=len(names)).tolist(), strict=True))
