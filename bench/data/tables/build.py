"""From decoded columns to a `Table`: kinds, duplicates, small classes, labels, each step logged in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.tables.assemble import Contents, assemble
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, as_labels
from bench.data.tables.derive import derive
from bench.data.tables.duplicates import deduplicate, warn_copies, warn_shared
from bench.data.tables.extra_labels import with_extra_labels, with_labels
from bench.data.tables.infer import as_kind, rows_word
from bench.data.tables.kinds import Noticed, declared_kinds, tell_ignored, usable_columns
from bench.data.tables.labels import (
    check_variety,
    choose_classes,
    encode_labels,
    labelled_rows,
    large_classes,
    order_classes,
    tally,
    target_strings,
)
from bench.data.tables.origin import Origin
from bench.data.tables.roles import chosen, read_roles
from bench.data.tables.schema import ColumnKind, FeatureColumn, OtherTarget, Table

Rows = npt.NDArray[np.int64]


def build(values: Mapping[str, Values], labels: Values, target: str, config: TableConfig, origin: Origin) -> Table:
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
    labels = as_labels(labels, missing=origin.declared_words(config))
    strings = target_strings(labels, target)
    rows = labelled_rows(strings, log)
    bare = np.flatnonzero(pd.isna(strings)).astype(np.int64)
    check_variety(tally(strings[rows]), target)
    changed, derived = derive(values, config, log)
    every = {**values, **changed}
    labelled = {n: v.take(rows) for n, v in every.items()}
    roles = read_roles(labelled, chosen(config), target, config.day_first)
    origin = with_extra_labels(replace(origin, kinds={**origin.kinds, **derived}), values, target, config)
    frame, kinds, ignored = features(labelled, target, config, origin, log, rows=rows)
    stay = np.arange(len(rows), dtype=np.int64)
    rule = origin.duplicates_rule(config)
    if rule != "keep":
        stay = deduplicate(frame, strings[rows], log, roles, rule=rule)
        warn_shared(frame, strings[rows], roles, log)
    stay = stay[large_classes(strings[rows[stay]], config.min_class_rows, log)]
    frame, rows, roles = frame.iloc[stay].reset_index(drop=True), rows[stay], roles.take(stay)
    classes, y = choose_classes(strings[rows], target, config, log)
    warn_copies(frame, y, target, log)
    unlabelled = typed(every, kinds, bare, origin.missing_words(config)) if config.unlabelled and len(bare) else None
    if unlabelled is not None:
        log.append(f"kept {len(bare):,} {rows_word(len(bare))} without target as unlabelled (data.unlabelled)")
    contents = Contents(
        target=target,
        columns=tuple(FeatureColumn(name, kinds[name]) for name in sorted(kinds)),
        frame=frame,
        classes=classes,
        y=y,
        rows=rows,
        roles=roles,
        ignored=ignored,
        log=tuple(log),
        truth=None if origin.truth is None else origin.truth[rows],
        unlabelled=unlabelled,
    )
    other = other_targets(origin, rows, frame, config.min_class_rows)
    fingerprint = None
    if config.extra_labels:  # what strategies learn from is content, and part of the run key
        fingerprint = contents.fingerprint(origin.imposed(config))
        fingerprint = with_labels(fingerprint, {name: other[name] for name in config.extra_labels if name in other})
    return assemble(contents, config, origin, other=other, fingerprint=fingerprint)


def features(
    values: Mapping[str, Values],
    target: str,
    config: TableConfig,
    origin: Origin,
    log: list[str],
    *,
    rows: Rows,
) -> tuple[pd.DataFrame, dict[str, ColumnKind], dict[str, str]]:
    """The typed feature columns sorted by name, their kinds, and why the other columns are no features.

    Raises:
        DataError: unknown names in ignore or kinds, values that do not fit their kind, no feature left.
    """
    declared = declared_kinds(values, target, config, origin)
    kinds: dict[str, ColumnKind] = {}
    ignored: dict[str, str] = {}
    found = {}
    noticed = Noticed(origin.missing_words(config), remarks=origin.remarks)
    for name, kind, column in usable_columns(values, values.__getitem__, declared, ignored, noticed):
        kinds[name], found[name] = kind, as_kind(name, column, kind, rows)
    tell_ignored(ignored, log, target, origin, usable=bool(found))
    log += noticed.lines()
    return pd.DataFrame({n: pd.Series(v, dtype=v.dtype) for n, v in found.items()}), kinds, ignored


def typed(
    values: Mapping[str, Values], kinds: Mapping[str, ColumnKind], rows: Rows, missing: frozenset[str]
) -> pd.DataFrame:
    """The given rows of the feature columns. `missing`: words for missing in text."""
    found = {}
    for name in sorted(kinds):
        column = as_labels(values[name].take(rows), kinds[name], missing)
        found[name] = as_kind(name, column, kinds[name], rows)
    return pd.DataFrame({n: pd.Series(v, dtype=v.dtype) for n, v in found.items()})


def other_targets(origin: Origin, rows: Rows, frame: pd.DataFrame, least: int) -> dict[str, OtherTarget]:
    """Other labels of the rows that stay; classes below `least` rows count as no label."""
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
