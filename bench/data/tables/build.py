"""From decoded columns to a `Table`: kinds, duplicates, small classes, labels, each step logged in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import DataConfig
from bench.data.tables.decode import MISSING, Values, as_labels, said_missing
from bench.data.tables.derive import derive
from bench.data.tables.infer import PARTS, as_kind, infer, remark, rows_word
from bench.data.tables.roles import chosen, read_roles
from bench.data.tables.schema import Column, ColumnKind, OtherTarget, Roles, Strings, Table, fingerprint, frame_hash
from bench.data.tables.schema_file import known_kind, parse_schema

Labels: TypeAlias = "Strings | pd.Categorical[object]"  # of large tables as codes

MAX_CLASSES = 1000
LEAST_CLASS_ROWS = 3  # one each for train, validation and test
CONTINUOUS = 20  # distinct values beyond which non-integer numbers are no classes


@dataclass(frozen=True)
class Origin:
    """Where a table comes from, and what its source knows about it beyond the values."""

    name: str
    file: str  # for messages
    source: str
    version: int
    licence: str
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    drops: tuple[str, ...] = ()  # columns that give the target away
    other: Mapping[str, tuple[Strings, tuple[str, ...]]] = field(default_factory=dict)  # labels (n,), drops
    transfer_source: str | None = None
    imbalance: float | None = None  # unless data.imbalance says otherwise
    largest: int | None = None  # training rows of the largest class under an imposed imbalance
    duplicates: Literal["drop", "keep"] = "drop"  # keep where each row is an event of its own
    truth: npt.NDArray[np.float64] | None = None  # (n,), the true probability of class 1
    usual_words: bool = False  # whether the usual words for missing mean that in text too
    notes: tuple[str, ...] = ()  # what reading the file found

    def missing(self, config: DataConfig) -> frozenset[str]:
        """Words for missing in columns of text, in lower case."""
        if config.missing_words is None:
            return frozenset(MISSING if self.usual_words else ())
        given = {word.strip().lower() for word in config.missing_words}
        return frozenset(given | set(MISSING)) if given else frozenset()


def build(values: Mapping[str, Values], labels: Values, target: str, config: DataConfig, origin: Origin) -> Table:
    """Clean a table: kinds set, rows without label, exact duplicates and small classes dropped.

    Args:
        values: the feature columns, each (n,).
        labels: the target, (n,).
        target: its name.
        config: kinds, ignored columns, positive class, smallest class.
        origin: the source and what it knows.

    Raises:
        DataError: target or columns are not usable; names them, counts rows and says what to do.
    """
    log = list(origin.notes)
    labels = as_labels(labels, missing=frozenset(w.strip().lower() for w in config.missing_words or ()))
    strings = target_strings(labels, target)
    rows = labelled_rows(strings, log)
    bare = np.flatnonzero(pd.isna(strings)).astype(np.int64) if config.unlabelled else np.array([], dtype=np.int64)
    check_variety(tally(strings[rows]), target)
    changed, derived = derive(values, config, log)
    everything = {**values, **changed}
    values = {n: v.take(rows) for n, v in everything.items()}
    roles = read_roles(values, chosen(config), target, config.day_first)
    origin = replace(origin, kinds={**origin.kinds, **derived})
    frame, kinds, ignored = features(values, target, config, origin, log, rows=rows)
    kept = np.arange(len(rows), dtype=np.int64)
    if (config.duplicates or origin.duplicates) == "drop":
        kept = deduplicate(frame, strings[rows], log, roles.arrays())
        warn_shared(frame, strings[rows], roles, log)
    kept = kept[large_classes(strings[rows[kept]], config.min_class_rows, log)]
    frame, rows, roles = frame.iloc[kept].reset_index(drop=True), rows[kept], roles.take(kept)
    counts = tally(strings[rows])
    check_variety(counts, target)
    check_counts(counts, target)
    classes = order_classes(counts, target, config.positive, log)
    y = encode_labels(strings[rows], classes)
    warn_copies(frame, y, target, log)
    imbalance = origin.imbalance if config.imbalance is None else config.imbalance
    imbalance = None if imbalance in (None, 1) else float(imbalance)
    columns = tuple(Column(name, kinds[name]) for name in sorted(kinds))
    truth = None if origin.truth is None else origin.truth[rows]
    parts = roles.arrays() if truth is None else {**roles.arrays(), "truth": truth}
    unlabelled = None
    if len(bare):
        typed = {n: as_kind(n, everything[n].take(bare), kinds[n], bare, origin.missing(config)) for n in sorted(kinds)}
        unlabelled = pd.DataFrame({n: pd.Series(v, dtype=v.dtype) for n, v in typed.items()})
        parts["unlabelled"] = np.frombuffer(bytes.fromhex(frame_hash(unlabelled, columns)), dtype=np.uint8)
        log.append(f"kept {len(bare):,} {rows_word(len(bare))} without target as unlabelled (data.unlabelled)")
    return Table(
        name=config.name or origin.name,
        target=target,
        frame=frame,
        columns=columns,
        y=y,
        classes=classes,
        rows=rows,
        fingerprint=fingerprint(target, classes, y=y, columns=columns, frame=frame, imbalance=imbalance, roles=parts),
        version=origin.version,
        source=origin.source,
        licence=origin.licence,
        other=other_targets(origin, rows, frame, config.min_class_rows),
        transfer_source=origin.transfer_source,
        imbalance=imbalance,
        ignored=ignored,
        log=tuple(log),
        roles=roles if roles.arrays() else None,
        group_split=roles.group is not None and config.group_split,
        folds=config.folds,
        shift=config.shift,
        imbalance_shape=config.imbalance_shape,
        largest=origin.largest,
        truth=truth,
        unlabelled=unlabelled,
    )


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
    if labels.storage == "number" and len(distinct) > CONTINUOUS:
        numbers = labels.data[~np.isnan(labels.data)]
        if (numbers % 1 != 0).any():
            raise DataError(
                f"target {target!r}: expected classes, got {len(distinct):,} distinct numbers such as "
                f"{numbers[0]:g}. Regression is not supported; cut the numbers into classes first"
            )
    return strings


def labelled_rows(strings: Labels, log: list[str]) -> npt.NDArray[np.int64]:
    """The rows that have a label."""
    rows = np.flatnonzero(~pd.isna(strings)).astype(np.int64)
    dropped = len(strings) - len(rows)
    if dropped:
        log.append(f"dropped {dropped:,} {rows_word(dropped)} without target")
    return rows


def features(
    values: Mapping[str, Values],
    target: str,
    config: DataConfig,
    origin: Origin,
    log: list[str],
    *,
    rows: npt.NDArray[np.int64],
) -> tuple[pd.DataFrame, dict[str, ColumnKind], dict[str, str]]:
    """The typed feature columns sorted by name, their kinds, and why the other columns are no features.

    Raises:
        DataError: unknown names in ignore or kinds, values that do not fit their kind, no feature left.
    """
    declared = declared_kinds(values, target, config, origin)
    kinds: dict[str, ColumnKind] = {}
    ignored: dict[str, str] = {}
    typed = {}
    missing = origin.missing(config)
    absent: dict[str, str] = {}
    remarks: list[str] = []
    for name in sorted(values):
        kind, why = declared[name] if name in declared else infer(name, as_labels(values[name], "text", missing))
        if name not in declared and origin.usual_words and (said := remark(name, values[name], kind)):
            remarks.append(f"warning: column {name!r} {said}")
        if kind == "ignored":
            ignored[name] = why
        else:
            kinds[name], typed[name] = kind, as_kind(name, values[name], kind, rows, missing)
            if kind != "numeric" and (words := said_missing(values[name], missing)):
                absent[name] = words
    log += [f"ignored column {name!r}: {why}" for name, why in ignored.items()] + remarks
    if absent:
        named = listing((f"{name} ({words})" for name, words in absent.items()), most=8)
        log.append(f"read as missing: {named}; to keep such words: data.missing_words=[]")
    if not typed:
        raise DataError(
            f"{origin.file}: expected a column to learn {target!r} from, got none that is usable. "
            + "; ".join(f"{n}: {why}" for n, why in list(ignored.items())[:10])
            + ". Add columns, or say with data.kinds how to use one"
        )
    frame = pd.DataFrame({n: pd.Series(v, dtype=v.dtype) for n, v in typed.items()})
    return frame, kinds, ignored


def declared_kinds(
    values: Mapping[str, Values], target: str, config: DataConfig, origin: Origin
) -> dict[str, tuple[ColumnKind, str]]:
    """Kinds that need no inference: the source's, then the schema file's, then data.kinds, then what is dropped."""
    declared: dict[str, tuple[ColumnKind, str]] = {
        n: (k, "no feature, says the source" if k == "ignored" else "") for n, k in origin.kinds.items()
    }
    from_file, strict = read_schema(config.schema_file) if config.schema_file else ({}, False)
    from_file.pop(target, None)
    if strict:
        check_extra(values, from_file, target, config, origin)
    asked = {**from_file, **{n: known_kind(n, k) for n, k in (config.kinds or {}).items()}}
    for key, names in (
        ("data.schema_file", from_file),
        ("data.kinds", config.kinds or {}),
        ("data.ignore", config.ignore),
    ):
        for name in names:
            if name not in values:
                got = "the target" if name == target else "none by that name"
                remedy = "Take it out of the schema, or add it to the file. " if key == "data.schema_file" else ""
                raise DataError(
                    f"{key} {name!r}: expected a feature column of {origin.file}, got {got}. "
                    f"{suggest(name, values)}{remedy}Columns: {listing(values)}"
                )
    declared.update({n: (k, "as declared") for n, k in asked.items()})
    declared.update(dict.fromkeys(config.ignore, ("ignored", "as asked by data.ignore")))
    declared.update(dict.fromkeys(origin.drops, ("ignored", f"gives {target!r} away")))
    for role, name in chosen(config).items():
        if role != "group" or config.group_split:  # a group that is split over the parts may be learnt from
            declared[name] = ("ignored", f"is the data's {role}" if role != "given" else "says train, val or test")
    return declared


def check_extra(
    values: Mapping[str, Values], known: Mapping[str, ColumnKind], target: str, config: DataConfig, origin: Origin
) -> None:
    """Refuse columns that a strict schema does not know.

    Raises:
        DataError: names them.
    """
    new = [
        n for n in values if n not in known and n not in origin.kinds and n not in (config.kinds or {}) and n != target
    ]
    new = [n for n in new if n not in config.ignore and n not in chosen(config).values()]
    if new:
        raise DataError(
            f"{origin.file}: expected the columns of {config.schema_file}, got {len(new)} more: {listing(new)}. "
            "Add them to the schema (as ignored, if they are not to be used), or leave them out with data.ignore"
        )


def read_schema(path: str) -> tuple[dict[str, ColumnKind], bool]:
    """The kinds in an edited schema file, and whether it is strict."""
    try:
        return parse_schema(Path(path).expanduser().read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"data.schema_file {path}: expected a readable UTF-8 file, got: {error}") from error


def deduplicate(
    frame: pd.DataFrame, strings: Strings, log: list[str], roles: Mapping[str, npt.NDArray[Any]]
) -> npt.NDArray[np.int64]:
    """Positions of the first of each set of rows with equal features, label and roles; the others could leak into test.

    With a user, a time or a weight of its own, an otherwise equal row is an event of its own.
    """
    beside = {"": pd.factorize(strings)[0], **{f"\0{role}": v for role, v in roles.items()}}
    kept = np.flatnonzero(~frame.assign(**beside).duplicated().to_numpy()).astype(np.int64)
    dropped = len(frame) - len(kept)
    if dropped:
        log.append(f"dropped {dropped:,} duplicate {rows_word(dropped)} ({dropped / len(frame):.1%})")
    ambiguous = frame.iloc[kept]
    if roles:  # a role keeps rows that are alike in features and label
        ambiguous = ambiguous[~frame.assign(**{"": beside[""]}).iloc[kept].duplicated()]
    ambiguous = ambiguous[ambiguous.duplicated(keep=False)]
    if len(ambiguous):
        groups = len(ambiguous.drop_duplicates())
        log.append(f"kept {groups:,} groups of rows with equal features but different labels ({len(ambiguous):,} rows)")
    return kept


def warn_shared(frame: pd.DataFrame, strings: Strings, roles: Roles, log: list[str]) -> None:
    """Warn of test rows of a given division that are training or validation rows too: features and label are equal."""
    if roles.given is None:
        return
    labelled = frame.assign(**{"": pd.factorize(strings)[0]})
    test = roles.given == PARTS["test"]
    seen = pd.concat([labelled[~test].drop_duplicates(), labelled[test]]).duplicated().to_numpy()
    n = int(seen[-test.sum() :].sum()) if test.any() else 0
    if n:
        log.append(
            f"warning: {n:,} test {rows_word(n)} of data.given {'equals' if n == 1 else 'equal'} rows to train on "
            "(features and target), so scores flatter; remove them, or unset data.given"
        )


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


def check_counts(counts: Mapping[str, int], target: str) -> None:
    """Refuse labels that cannot be learnt or split.

    Raises:
        DataError: too many classes, or one too small to be split in three.
    """
    if len(counts) > MAX_CLASSES:
        raise DataError(
            f"target {target!r}: expected at most {MAX_CLASSES:,} classes, got {len(counts):,}. "
            "Is it an id? Choose another target, or drop rare classes with data.min_class_rows"
        )
    small = sorted((n, name) for name, n in counts.items() if n < LEAST_CLASS_ROWS)
    if small:
        named = listing((f"{name!r} ({n})" for n, name in small), most=5)
        remedy = (
            "Both classes are needed: add rows, or choose another target"
            if len(counts) == 2
            else f"Drop such classes with data.min_class_rows={LEAST_CLASS_ROWS} or more"
        )
        raise DataError(
            f"target {target!r}: expected at least {LEAST_CLASS_ROWS} distinct rows of each class (train, validation, "
            f"test), got {len(small)} smaller: {named}. {remedy}"
        )


def order_classes(counts: Mapping[str, int], target: str, positive: str | None, log: list[str]) -> tuple[str, ...]:
    """Classes in order: two with the positive last, more by number or name.

    Raises:
        DataError: `positive` is no class, or there are more than two.
    """
    names = sorted_labels(counts)
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


def sorted_labels(names: Mapping[str, int]) -> list[str]:
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


def warn_copies(frame: pd.DataFrame, y: npt.NDArray[np.int64], target: str, log: list[str]) -> None:
    """Warn of columns that are the target under another name: as many values as classes, one to one."""
    classes = int(y.max()) + 1
    for name in frame:
        codes, values = pd.factorize(frame[name], use_na_sentinel=False)
        if len(values) == classes and len(np.unique(codes * classes + y)) == classes:
            log.append(
                f"warning: column {name!r} is a copy of target {target!r}; if it is not known in advance, "
                "leave it out with data.ignore"
            )


def other_targets(
    origin: Origin, rows: npt.NDArray[np.int64], frame: pd.DataFrame, least: int
) -> dict[str, OtherTarget]:
    """Other labels of the kept rows; classes below `least` rows count as no label."""
    others = {}
    for name, (labels, drops) in origin.other.items():
        strings = labels[rows]
        present = strings[~pd.isna(strings)]
        counts = tally(present[large_classes(present, least, [])])
        if len(counts) > 1:
            classes = order_classes(counts, name, None, [])
            dropped = tuple(sorted(set(drops) & set(frame)))
            others[name] = OtherTarget(encode_labels(strings, classes), classes, dropped)
    return others
