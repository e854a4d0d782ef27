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
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.fetching.cache import cache_root, make_room, new_folder, used
from bench.data.tables.build import (
    Origin,
    check_counts,
    check_variety,
    declared_kinds,
    encode_labels,
    labelled_rows,
    large_classes,
    order_classes,
    tally,
    target_strings,
)
from bench.data.tables.config import DataConfig
from bench.data.tables.decode import Values, decode
from bench.data.tables.derive import derive
from bench.data.tables.infer import as_kind, infer, rows_word
from bench.data.tables.roles import chosen, read_roles
from bench.data.tables.schema import BLOCK, Column, ColumnKind, Roles, Table, blocks, check_names, fingerprint

LAYOUT = 1  # raised when files or cleaning change: old ones are then made anew
ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))  # of the two hashes
Rows = npt.NDArray[np.int64]


class Columns(Mapping[str, Values]):
    """The columns of Parquet files of one schema, by name without outer spaces, each read when it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.files = pq.ParquetDataset(self.paths)
        stored = self.files.schema.names
        self.stored = dict(zip(check_names(self.paths[0].name, stored), stored, strict=True))

    def __getitem__(self, name: str) -> Values:
        stored = self.stored[name]
        try:
            return decode(self.files.read(columns=[stored]).column(0))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"column {name!r} of {self.paths[0].name}: expected to read it, got: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


def load_large(
    paths: Sequence[Path], target: str, column: str, config: DataConfig, origin: Origin, *, truth: str | None = None
) -> Table:
    """The cleaned table of Parquet files, its columns memory-mapped. `column` holds the labels of `target`, `truth`
    the true probabilities of class 1.

    Raises:
        DataError: target or columns are not usable, or the cache cannot be written.
    """
    folder = cache_root() / "tables" / name(paths, target, config, origin)
    if not (folder / "meta.json").is_file():
        make_room(folder.parent)
        with new_folder(folder) as work:
            Ingest(paths, work, config, origin).run(target, column, truth)
    used(folder)
    return open_table(folder, config, origin)


def name(paths: Sequence[Path], target: str, config: DataConfig, origin: Origin) -> str:
    """A name for all that determines the cleaned table."""
    files = [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    later = ("name", "test_fraction", "val_fraction", "vocabulary", "folds", "shift", "hashed", "target_encode")
    options = {k: v for k, v in asdict(config).items() if k not in later}
    if config.schema_file:
        options["schema_text"] = Path(config.schema_file).expanduser().read_text(encoding="utf-8")
    what = [LAYOUT, files, target, options, origin.version, dict(origin.kinds), list(origin.drops)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


class Ingest:
    """One reading of a source into a folder."""

    def __init__(self, paths: Sequence[Path], folder: Path, config: DataConfig, origin: Origin) -> None:
        self.source = Columns(paths)
        self.folder, self.config, self.origin = folder, config, origin
        self.log: list[str] = []
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
        strings = pd.Categorical(target_strings(labels, target))  # codes: what follows looks at them again and again
        rows = labelled_rows(strings, log)
        check_variety(tally(strings[rows]), target)
        nothing = Values("other", np.array([], dtype=object))
        names = chosen(config)
        taken = {n: self.source[n].take(rows) if n in names.values() else nothing for n in self.source}
        roles = read_roles(taken, names, target, config.day_first)
        hashes = Hashes(len(rows)) if (config.duplicates or self.origin.duplicates) == "drop" else None
        self.columns(rows, hashes)
        kept = np.arange(len(rows), dtype=np.int64)
        if hashes is not None:
            for values in (strings[rows].codes, *roles.arrays().values()):
                hashes.add(values)
            kept = self.distinct(hashes)
        kept = kept[large_classes(strings[rows[kept]], config.min_class_rows, log)]
        counts = tally(strings[rows[kept]])
        check_variety(counts, target)
        check_counts(counts, target)
        classes = order_classes(counts, target, config.positive, log)
        y = encode_labels(strings[rows[kept]], classes)
        del strings, labels, hashes
        if len(kept) < len(rows):
            for feature in self.kinds:
                path = self.file(feature)
                np.save(path, np.load(path, mmap_mode="r")[kept])
        rows, roles = rows[kept], roles.take(kept)
        arrays = {"y": y, "rows": rows, **roles.arrays()}
        if true is not None:
            arrays["truth"] = true[rows]
        for part, array in arrays.items():
            np.save(self.folder / f"-{part}.npy", array)
        self.finish(classes, y, {k: v for k, v in arrays.items() if k not in ("y", "rows")}, roles.groups)

    def file(self, column: str) -> Path:
        """Where a column lies."""
        return self.folder / f"{sorted(self.kinds).index(column)}.npy"

    def columns(self, rows: Rows, hashes: Hashes | None) -> None:
        """Decide on the kinds, then write each feature column of the labelled rows: float64, or codes."""
        changed, derived = derive(self.source, self.config, self.log)
        names = sorted({*self.source, *changed})
        origin = replace(self.origin, kinds={**self.origin.kinds, **derived})
        declared = declared_kinds(dict.fromkeys(names, Values("other", rows[:0])), self.target, self.config, origin)
        work = self.folder / "work.npy"
        found: list[tuple[str, Path]] = []
        for i, name in enumerate(names):
            if name in declared and declared[name][0] == "ignored":
                self.ignored[name] = declared[name][1]
                continue
            values = changed[name] if name in changed else self.source[name]
            values = values.take(rows) if len(rows) < len(values) else values
            kind, why = declared[name] if name in declared else infer(name, values)
            if kind == "ignored":
                self.ignored[name] = why
                continue
            if kind == "numeric":
                typed: npt.NDArray[Any] = as_kind(name, values, kind, rows)
            else:
                codes, labels = strings_of(name, values, kind, rows).coded
                typed, self.labels[name] = codes.astype(code_type(len(labels))), labels
            if hashes is not None:
                hashes.add(typed)
            np.save(work, typed)
            found.append((name, work.rename(self.folder / f"work-{i}.npy")))
            self.kinds[name] = kind
        self.log += [f"ignored column {name!r}: {why}" for name, why in self.ignored.items()]
        if not found:
            raise DataError(
                f"{self.origin.file}: expected a column to learn {self.target!r} from, got none that is usable. "
                + "; ".join(f"{n}: {why}" for n, why in list(self.ignored.items())[:10])
                + ". Add columns, or say with data.kinds how to use one"
            )
        for name, path in found:
            path.rename(self.file(name))

    def distinct(self, hashes: Hashes) -> Rows:
        """Positions of the first of each set of rows with equal features, label and roles."""
        repeated = hashes.repeated()
        n, rows = len(repeated), hashes.both.shape[1]
        kept = np.ones(rows, dtype=np.bool_)
        kept[repeated] = False
        if n:
            self.log.append(f"dropped {n:,} duplicate {rows_word(n)} ({n / rows:.1%})")
        return np.flatnonzero(kept).astype(np.int64)

    def finish(
        self,
        classes: tuple[str, ...],
        y: npt.NDArray[np.int64],
        parts: dict[str, npt.NDArray[Any]],
        groups: tuple[str, ...],
    ) -> None:
        """Fingerprint and meta.json."""
        columns = tuple(Column(name, self.kinds[name]) for name in sorted(self.kinds))
        imbalance = imposed(self.config, self.origin)
        frame = Mapped(self.folder, columns, self.labels)
        digest = fingerprint(self.target, classes, y=y, columns=columns, frame=frame, imbalance=imbalance, roles=parts)
        meta = {
            "target": self.target, "classes": classes, "columns": [[c.name, c.kind] for c in columns],
            "labels": self.labels, "ignored": self.ignored, "log": self.log, "fingerprint": digest,
            "arrays": sorted(parts), "groups": groups,
        }  # fmt: skip
        (self.folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def strings_of(name: str, values: Values, kind: ColumnKind, rows: Rows) -> Values:
    """A column as strings; numbers as their shortest text.

    Raises:
        DataError: lists or bytes.
    """
    if values.storage not in ("number", "other"):
        return values
    return Values("string", as_kind(name, values, kind, rows))


class Hashes:
    """Two independent 64-bit hashes of each row, into which columns are stirred one after another, in pieces.

    Among 10^8 rows two rows that differ are taken for equal with a probability below 10^-22.
    """

    def __init__(self, rows: int) -> None:
        self.both = np.zeros((2, rows), dtype=np.uint64)

    def add(self, values: npt.NDArray[Any]) -> None:
        """Stir in a column, (n,) numbers."""
        for at, piece in zip(range(0, len(values), BLOCK), blocks(values), strict=True):
            if piece.dtype.kind == "f":
                bits = np.where(np.isnan(piece), np.uint64(1), piece.astype(np.float64, copy=False).view(np.uint64))
            else:
                bits = piece.astype(np.uint64)
            for hashed, odd in zip(self.both[:, at : at + BLOCK], ODD, strict=True):
                stir(hashed, bits, odd)

    def repeated(self) -> Rows:
        """The rows that equal an earlier one."""
        first, second = self.both
        ordered = np.sort(first)
        several = ordered[1:][ordered[1:] == ordered[:-1]]
        rows = np.flatnonzero(np.isin(first, several)) if len(several) else np.array([], dtype=np.int64)
        pairs = pd.DataFrame({"first": first[rows], "second": second[rows]})
        repeated: Rows = rows[pairs.duplicated().to_numpy()]
        return repeated


def stir(hashed: npt.NDArray[np.uint64], bits: npt.NDArray[np.uint64], odd: np.uint64) -> None:
    """Stir values into the hashes of their rows, in place (the finaliser of SplitMix64; Steele et al. 2014)."""
    hashed += bits
    hashed *= odd
    hashed ^= hashed >> np.uint64(30)
    hashed *= np.uint64(0xBF58476D1CE4E5B9)
    hashed ^= hashed >> np.uint64(27)


class Mapped(Mapping[str, "pd.Series[Any]"]):
    """The written columns by name, each mapped into memory only while it is looked at."""

    def __init__(self, folder: Path, columns: tuple[Column, ...], labels: Mapping[str, list[str]]) -> None:
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


def code_type(categories: int) -> str:
    """The integers in which pandas holds the codes of so many categories, so that it need not copy them."""
    return "int8" if categories < 128 else "int16" if categories < 32768 else "int32"


def imposed(config: DataConfig, origin: Origin) -> float | None:
    """The imbalance to impose, None for none."""
    imbalance = origin.imbalance if config.imbalance is None else config.imbalance
    return None if imbalance in (None, 1) else float(imbalance)


def open_table(folder: Path, config: DataConfig, origin: Origin) -> Table:
    """The table in a folder."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    columns = tuple(Column(name, kind) for name, kind in meta["columns"])
    arrays = {part: np.load(folder / f"-{part}.npy", mmap_mode="r") for part in ("y", "rows", *meta["arrays"])}
    truth = arrays.pop("truth", None)
    y, rows = np.array(arrays.pop("y")), np.array(arrays.pop("rows"))
    roles = Roles(**{k: np.array(v) for k, v in arrays.items()}, groups=tuple(meta["groups"])) if arrays else None
    return Table(
        name=config.name or origin.name,
        target=meta["target"],
        frame=pd.DataFrame(dict(Mapped(folder, columns, meta["labels"])), copy=False),
        columns=columns,
        y=y,
        classes=tuple(meta["classes"]),
        rows=rows,
        fingerprint=meta["fingerprint"],
        version=origin.version,
        source=origin.source,
        licence=origin.licence,
        transfer_source=origin.transfer_source,
        imbalance=imposed(config, origin),
        ignored=meta["ignored"],
        log=tuple(meta["log"]),
        roles=roles,
        group_split=roles is not None and roles.group is not None and config.group_split,
        folds=config.folds,
        shift=config.shift,
        imbalance_shape=config.imbalance_shape,
        largest=origin.largest,
        truth=None if truth is None else np.array(truth),
    )
