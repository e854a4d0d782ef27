"""Tables that should not be in memory: read column by column from Parquet into files, memory-mapped afterwards.

The cleaning is that of `build`, and so is the fingerprint: a table has one key, whichever way it was read. At no time
is more than one column of the source in memory, beside a few arrays of one number per row. The files lie in the cache
under a name made of the source's files (path, size, time of change) and of the options, so that other processes and
later runs only open them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError
from bench.data.fetching.cache import cache_root, make_room, new_folder, used
from bench.data.files.parquet import ParquetTable
from bench.data.tables.assemble import Contents, assemble
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, as_labels, decode
from bench.data.tables.derive import derive
from bench.data.tables.duplicates import Hashes, settle
from bench.data.tables.infer import PARTS, as_kind
from bench.data.tables.kinds import Noticed, declared_kinds, tell_ignored, usable_columns
from bench.data.tables.labels import (
    check_variety,
    choose_classes,
    labelled_rows,
    large_classes,
    tally,
    target_strings,
)
from bench.data.tables.origin import Origin
from bench.data.tables.roles import chosen, read_roles
from bench.data.tables.schema import ColumnKind, FeatureColumn, Roles, Table, check_names

LAYOUT = 4  # raised when files or cleaning change: old ones are then made anew
Rows = npt.NDArray[np.int64]


class _DecodedColumns(Mapping[str, Values]):
    """The columns of a stored table by name without outer spaces, each read and decoded when it is asked for."""

    def __init__(self, table: ParquetTable, config: TableConfig, missing: frozenset[str]) -> None:
        self.table, self.config, self.missing = table, config, missing
        self.stored = dict(zip(check_names(table.name, table.names), table.names, strict=True))

    def __getitem__(self, name: str) -> Values:
        return decode(
            self.table.read(self.stored[name]), text=name in (self.config.formats or {}), missing=self.missing
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


def load_large(
    stored: ParquetTable, target: str, column: str, config: TableConfig, origin: Origin, *, truth: str | None = None
) -> Table:
    """The cleaned table of Parquet files, its columns memory-mapped. `column` holds the labels of `target`, `truth`
    the true probabilities of class 1.

    Raises:
        DataError: target or columns are not usable, or the cache cannot be written.
    """
    if config.extra_labels:
        raise DataError(
            f"data.extra_labels: expected a file that is read as a whole, got {origin.file}, which is too large for "
            "that; take a part of its rows, or leave extra labels out with data.ignore"
        )
    folder = cache_root() / "tables" / name(stored.paths, target, config, origin)
    if not (folder / "meta.json").is_file():
        make_room(folder.parent)
        with new_folder(folder) as work:
            _Ingest(stored, work, config, origin).run(target, column, truth)
    used(folder)
    return _open_table(folder, config, origin)


def name(paths: Sequence[Path], target: str, config: TableConfig, origin: Origin) -> str:
    """A name for all that determines the cleaned table."""
    files = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    later = (
        "name",
        "test_fraction",
        "val_fraction",
        "vocabulary",
        "folds",
        "shift",
        "hashed",
        "target_encode",
        "text",
        "encoder",
    )
    options = {f.name: getattr(config, f.name) for f in fields(TableConfig) if f.name not in later}
    if config.schema_file:
        options["schema_text"] = Path(config.schema_file).expanduser().read_text(encoding="utf-8")
    what = [LAYOUT, files, target, options, origin.version, dict(origin.kinds), list(origin.drops)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


class _Ingest:
    """One reading of a source into a folder."""

    def __init__(self, stored: ParquetTable, folder: Path, config: TableConfig, origin: Origin) -> None:
        self.source = _DecodedColumns(stored, config, origin.declared_words(config))
        self.folder, self.config, self.origin = folder, config, origin
        self.log = list(origin.notes)
        self.kinds: dict[str, ColumnKind] = {}
        self.ignored: dict[str, str] = {}
        self.labels: dict[str, list[str]] = {}  # categories of the columns that have some

    def run(self, target: str, column: str, truth: str | None) -> None:
        """Write the table: arrays, then meta.json.

        Raises:
            DataError: as `build`.
        """
        config, log = self.config, self.log
        self.target, labels = target, self.source[column]
        true = None if truth is None else self.source[truth].data
        self.source.stored = {n: s for n, s in self.source.stored.items() if n not in (column, truth)}
        if config.unlabelled:
            raise DataError(
                f"data.unlabelled: expected false for {self.origin.file}, which is so large that it is read column "
                "by column and rows without target are left out, got true. Unset it; or, to learn from such rows too, "
                "give a sample of the file (Parquet up to 1,000,000 rows, text up to 500 MB)"
            )
        strings = pd.Categorical(
            target_strings(as_labels(labels, missing=self.origin.declared_words(config)), target)
        )  # codes: what follows looks at them again and again
        rows = labelled_rows(strings, log)
        check_variety(tally(strings[rows]), target)
        nothing = Values("other", np.array([], dtype=object))
        names = chosen(config)
        taken = {n: self.source[n].take(rows) if n in names.values() else nothing for n in self.source}
        roles = read_roles(taken, names, target, config.day_first)
        hashes = Hashes(len(rows)) if self.origin.duplicates_rule(config) != "keep" else None
        self.write_columns(rows, hashes)
        stay = np.arange(len(rows), dtype=np.int64)
        if hashes is not None:
            for values in (strings[rows].codes, *roles.arrays().values()):
                hashes.add(values)
            stay = self.distinct(hashes, strings[rows], roles)
        stay = stay[large_classes(strings[rows[stay]], config.min_class_rows, log)]
        classes, y = choose_classes(strings[rows[stay]], target, config, log)
        del strings, labels, hashes
        if len(stay) < len(rows):
            for feature in self.kinds:
                path = self.file(feature)
                np.save(path, np.load(path, mmap_mode="r")[stay])
        rows, roles = rows[stay], roles.take(stay)
        columns = tuple(FeatureColumn(name, self.kinds[name]) for name in sorted(self.kinds))
        _write_contents(
            Contents(
                target=target,
                columns=columns,
                frame=_MappedColumns(self.folder, columns, self.labels),
                classes=classes,
                y=y,
                rows=rows,
                roles=roles,
                ignored=self.ignored,
                log=tuple(log),
                truth=None if true is None else true[rows],
            ),
            self.folder,
            self.labels,
            self.origin.imposed(config),
        )

    def file(self, column: str) -> Path:
        """Where a column lies."""
        return self.folder / f"{sorted(self.kinds).index(column)}.npy"

    def write_columns(self, rows: Rows, hashes: Hashes | None) -> None:
        """Decide on the kinds, then write each feature column of the labelled rows: float64, or codes."""
        changed, derived = derive(self.source, self.config, self.log)
        names = sorted({*self.source, *changed})
        origin = replace(self.origin, kinds={**self.origin.kinds, **derived})
        declared = declared_kinds(names, self.target, self.config, origin)

        def read(name: str) -> Values:
            values = changed[name] if name in changed else self.source[name]
            return values.take(rows) if len(rows) < len(values) else values

        noticed = Noticed(self.origin.missing_words(self.config), remarks=self.origin.remarks)
        work = self.folder / "work.npy"
        found: list[tuple[str, Path]] = []
        for name, kind, values in usable_columns(names, read, declared, self.ignored, noticed):
            if kind == "numeric":
                typed: npt.NDArray[Any] = as_kind(name, values, kind, rows)
            else:
                codes, labels = _strings_of(name, values, kind, rows).coded
                typed, self.labels[name] = codes.astype(_code_type(len(labels))), labels
            if hashes is not None:
                hashes.add(typed)
            np.save(work, typed)
            found.append((name, work.rename(self.folder / f"work-{len(found)}.npy")))
            self.kinds[name] = kind
        tell_ignored(self.ignored, self.log, self.target, self.origin, usable=bool(found))
        self.log += noticed.lines()
        for name, path in found:
            path.rename(self.file(name))

    def distinct(self, hashes: Hashes, labels: pd.Categorical[object], roles: Roles) -> Rows:
        """The rows that stay of those that are alike, by the rule for them."""
        repeated = np.zeros(len(labels), dtype=np.bool_)
        repeated[hashes.repeated()] = True
        if roles.given is not None:
            repeated = repeated & (roles.given != PARTS["test"])
        rule = self.origin.duplicates_rule(self.config)
        return settle(repeated, labels, self.log, rule="auto" if rule == "auto" else "drop")


def _strings_of(name: str, values: Values, kind: ColumnKind, rows: Rows) -> Values:
    """A column as strings; numbers as their shortest text.

    Raises:
        DataError: lists or bytes.
    """
    if values.storage not in ("number", "other"):
        return values
    return Values("string", as_kind(name, values, kind, rows))


class _MappedColumns(Mapping[str, "pd.Series[Any]"]):
    """The written columns by name, each mapped into memory only while it is looked at."""

    def __init__(self, folder: Path, columns: tuple[FeatureColumn, ...], labels: Mapping[str, list[str]]) -> None:
        self.folder, self.columns, self.labels = folder, columns, labels

    def __getitem__(self, name: str) -> pd.Series[Any]:
        i = next(i for i, column in enumerate(self.columns) if column.name == name)
        values = np.load(self.folder / f"{i}.npy", mmap_mode="r")
        if self.columns[i].kind == "numeric":
            return pd.Series(values, copy=False)
        names = pd.Index(self.labels[name], dtype=object)
        return pd.Series(pd.Categorical.from_codes(values, names, validate=False), copy=False)

    def __iter__(self) -> Iterator[str]:
        return iter(column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def _code_type(categories: int) -> str:
    """The integers in which pandas holds the codes of so many categories, so that it need not copy them."""
    return "int8" if categories < 128 else "int16" if categories < 32768 else "int32"


def _write_contents(contents: Contents, folder: Path, labels: Mapping[str, list[str]], imbalance: float | None) -> None:
    """Write all but the columns, which lie there: an array for each role, then meta.json, with the fingerprint."""
    arrays = contents.roles.arrays()
    if contents.truth is not None:
        arrays["truth"] = contents.truth
    for part, array in {"y": contents.y, "rows": contents.rows, **arrays}.items():
        np.save(folder / f"-{part}.npy", array)
    meta = {
        "target": contents.target,
        "classes": contents.classes,
        "columns": [[c.name, c.kind] for c in contents.columns],
        "labels": labels,
        "ignored": contents.ignored,
        "log": contents.log,
        "fingerprint": contents.fingerprint(imbalance),
        "arrays": sorted(arrays),
        "groups": contents.roles.groups,
        "reports": contents.roles.reports,
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _open_table(folder: Path, config: TableConfig, origin: Origin) -> Table:
    """The table in a folder."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    columns = tuple(FeatureColumn(name, kind) for name, kind in meta["columns"])
    names = ("y", "rows", *meta["arrays"])
    arrays = {part: np.array(np.load(folder / f"-{part}.npy", mmap_mode="r")) for part in names}
    contents = Contents(
        target=meta["target"],
        columns=columns,
        frame=_MappedColumns(folder, columns, meta["labels"]),
        classes=tuple(meta["classes"]),
        y=arrays.pop("y"),
        rows=arrays.pop("rows"),
        truth=arrays.pop("truth", None),
        roles=Roles(**arrays, groups=tuple(meta["groups"]), reports=tuple(meta["reports"])),
        ignored=meta["ignored"],
        log=tuple(meta["log"]),
    )
    return assemble(contents, config, origin, fingerprint=meta["fingerprint"])
