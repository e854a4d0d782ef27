"""The user's own file: text, Parquet, or a folder of Parquet files. Large ones are read column by column."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.errors import DataError, listing, suggest
from bench.data.files.dialect import Asked, check_bomb, unpacked_size
from bench.data.files.large_text import text_as_parquet
from bench.data.files.parquet import ENDINGS as PARQUET_ENDINGS
from bench.data.files.parquet import ParquetTable, parquet_files
from bench.data.files.text import read_text
from bench.data.sources.spec import Source, Table, TableConfig
from bench.data.tables.decode import decode
from bench.data.tables.large import load_large
from bench.data.tables.schema import check_names

_TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
LARGE_ROWS = 1_000_000  # Parquet of more rows is never in memory as a whole
LARGE_BYTES = 500 << 20  # likewise text; it becomes Parquet in the cache first


@dataclass(frozen=True)
class File(Source):
    """The table in data.path for data.target."""

    name = "file"
    title = "your own CSV, TSV or Parquet file, or folder of Parquet"
    licence = "the owner's"

    path: str | None = None  # .csv, .tsv, .txt (each also .gz), .parquet or a folder of .parquet
    encoding: str | None = None  # of text; by default UTF-8
    delimiter: str | None = None  # of text, one character or tab; by default the one that fits the rows

    def load(self, config: TableConfig) -> Table:
        if self.path is None:
            raise DataError("data.path: expected a CSV or Parquet file, got none. Example: data.path=shop.csv")
        path, asked = Path(self.path).expanduser(), Asked(self.encoding, self.delimiter)
        _check_path(path)
        stem = path.name if path.is_dir() else path.name.removesuffix(".gz").rsplit(".", 1)[0]
        known: dict[str, Any] = {"name": stem, "file": path.name, "remarks": True, "duplicates": "auto"}
        large, notes = _large_table(path, asked)
        if large is not None:
            target = _column_of(config.target, check_names(path.name, large.names), path.name)
            return load_large(large, target, target, config, self.origin(**known, notes=tuple(notes)))
        columns, notes = read(path, asked)
        target = _column_of(config.target, columns, path.name)
        words = self.origin(**known).declared_words(config)
        values = {
            name: decode(column, text=name in (config.formats or {}), missing=words) for name, column in columns.items()
        }
        return self.build(values, target, config, **known, notes=tuple(notes))

    def files(self) -> tuple[Path, ...]:
        return () if self.path is None else (Path(self.path).expanduser(),)


def _check_path(path: Path) -> None:
    """Refuse what is no table: another ending, nothing there, a pipe or a device.

    Raises:
        DataError: says what is there, and what is expected.
    """
    name = path.name.lower()
    if not path.is_dir() and not name.endswith(_TEXT_ENDINGS + PARQUET_ENDINGS):
        expected = ", ".join((*_TEXT_ENDINGS[:3], "these with .gz", PARQUET_ENDINGS[0]))
        raise DataError(
            f"data.path {path}: expected a file ending in {expected}, got {path.suffix or 'none'}. "
            "Export it as one of these"
        )
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = suggest(path.name, beside).rstrip() or "Check the path"
        raise DataError(f"data.path {path}: expected a file, but there is none. {remedy}")
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        got = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise DataError(
            f"data.path {path}: expected a file, which can be read twice, got {got}. Save its content as a file"
        )


def _column_of(target: str | None, columns: Iterable[str], file: str) -> str:
    """The target, if it is a column.

    Raises:
        DataError: it is not, or none is named.
    """
    names = list(columns)
    if target is None:
        raise DataError(
            f"data.target: expected a column of {file}, got none. Name one of its columns: {listing(names)}"
        )
    if target not in names:
        raise DataError(
            f"target {target!r}: expected a column of {file}, got none by that name. "
            f"{suggest(target, names, 'target')}Columns: {listing(names)}"
        )
    return target


def _large_table(path: Path, asked: Asked) -> tuple[ParquetTable | None, list[str]]:
    """The table of a source that is too large to be read as a whole, None where it is not; and what was noticed.

    Text becomes Parquet in the cache.

    Raises:
        DataError: a file that cannot be read.
    """
    if path.is_dir() or path.name.lower().endswith(PARQUET_ENDINGS):
        columns = parquet(path)
        return (columns if sum(columns.rows) > LARGE_ROWS else None), []
    if unpacked_size(path, LARGE_BYTES) > LARGE_BYTES:
        check_bomb(path)
        file, notes = text_as_parquet(path, asked)
        return ParquetTable([file], packed=path.stat().st_size), notes
    return None, []


def parquet(path: Path) -> ParquetTable:
    """A Parquet file or a folder of them."""
    return ParquetTable(parquet_files(path), path) if path.is_dir() else ParquetTable([path])


def read(path: Path, asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """A file's columns by name (outer spaces removed), pyarrow, in the file's order; and what was noticed.

    Raises:
        DataError: an unreadable or ragged file, repeated names, no rows.
    """
    if path.is_dir() or path.name.lower().endswith(PARQUET_ENDINGS):
        source = parquet(path)
        names, rows, notes = source.names, sum(source.rows), list[str]()
        columns = [source.read(name) for name in names] if rows else []
    else:
        names, table, notes = read_text(path, asked)
        columns, rows = table.columns, table.num_rows
    names = check_names(path.name, names)
    if rows == 0:
        raise DataError(f"{path.name}: expected rows, got only a header ({listing(names)}). Add rows below it")
    return dict(zip(names, columns, strict=True)), notes
