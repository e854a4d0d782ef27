"""Columns that are other labels of the rows (data.extra_labels): for strategies to learn from, no features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, as_labels
from bench.data.tables.labels import check_variety, tally, target_strings
from bench.data.tables.origin import Origin
from bench.data.tables.roles import chosen
from bench.data.tables.schema import OtherTarget


def with_extra_labels(origin: Origin, values: Mapping[str, Values], target: str, config: TableConfig) -> Origin:
    """What the source knows, and the labels that the user has named; the first is what is learnt from by default.

    values: the columns but the target, each (n,).

    Raises:
        DataError: a name is no column, has another part to play, or its values are no classes.
    """
    if not config.extra_labels:
        return origin
    parts = {name: f"data.{role}" for role, name in chosen(config).items()} | {target: "the target"}
    found = {}
    for name in config.extra_labels:
        if name in parts or name in config.ignore or name not in values:
            got = parts.get(name) or ("data.ignore" if name in config.ignore else "none by that name")
            hint = suggest(name, values, "extra_labels") if name not in parts and name not in config.ignore else ""
            raise DataError(
                f"data.extra_labels {name!r}: expected a column of {origin.file} beside the target, got {got}. "
                f"{hint}Columns: {listing(values)}"
            )
        strings = target_strings(as_labels(values[name], missing=origin.declared_words(config)), name)
        check_variety(tally(strings), name)
        found[name] = (strings, (name,))
    return replace(
        origin, other={**origin.other, **found}, transfer_source=origin.transfer_source or config.extra_labels[0]
    )


def with_labels(fingerprint: str, labels: Mapping[str, OtherTarget]) -> str:
    """A table's fingerprint that knows these labels too."""
    digest = hashlib.sha256(fingerprint.encode())
    for name, other in sorted(labels.items()):
        digest.update(repr((name, other.classes)).encode())
        digest.update(other.y.astype("<i8").tobytes())
    return digest.hexdigest()
