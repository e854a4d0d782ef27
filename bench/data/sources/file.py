"""The user's own file: CSV through DuckDB, Parquet, or a folder of Parquet files. Large ones are read in columns.

DuckDB's sniffer is left out on purpose. Measured on 2.0: it renames repeated columns, takes rows that begin with #
for comments, and of a file with one ragged row may return no rows at all, all without a word. Here the header is read
first, every column is declared text, and `decode` finds the types; a row that does not fit is an error.
"""

from __future__ import annotations

import csv
import glob
import gzip
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.fetching.cache import cache_root, make_room, new_file, sha256, used
from bench.data.sources.spec import Source, Table, TableConfig
from bench.data.tables.decode import decode
from bench.data.tables.large import load_large
from bench.data.tables.schema import check_names

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
INCOMPLETE = "Is it complete, and what its ending says? Write or fetch it again"
LARGE_ROWS = 1_000_000  # Parquet of more rows is never in memory as a whole
LARGE_BYTES = 500 << 20  # likewise text; it becomes Parquet in the cache first


@dataclass(frozen=True)
class File(Source):
    """The table in data.path for data.target."""

    name = "file"
    title = "your own CSV, TSV or Parquet file, or folder of Parquet"
    licence = "the owner's"

    path: str | None = None  # .csv, .tsv, .txt (each also .gz), .parquet or a folder of .parquet

    def load(self, config: TableConfig) -> Table:
        if self.path is None:
            raise DataError("data.path: expected a CSV or Parquet file, got none. Example: data.path=shop.csv")
        path = Path(self.path).expanduser()
        stem = path.name if path.is_dir() else path.name.removesuffix(".gz").rsplit(".", 1)[0]
        large = large_paths(path)
        if large:
            names = check_names(path.name, pq.ParquetFile(large[0]).schema_arrow.names)
            target = column_of(config.target, names, path.name)
            return load_large(large, target, target, config, self.origin(name=stem, file=path.name))
        columns = read(path)
        target = column_of(config.target, columns, path.name)
        values = {name: decode(column) for name, column in columns.items()}
        return self.build(values, target, config, name=stem, file=path.name)

    def files(self) -> tuple[Path, ...]:
        return () if self.path is None else (Path(self.path).expanduser(),)


def column_of(target: str | None, columns: Iterable[str], file: str) -> str:
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
            f"{suggest(target, names)}Columns: {listing(names)}"
        )
    return target


def large_paths(path: Path) -> list[Path]:
    """The Parquet files of a source that is too large to be read as a whole; nothing where it is not.

    Text becomes Parquet in the cache.

    Raises:
        DataError: a file that cannot be read.
    """
    if path.is_dir():
        files = parquet_files(path)
    elif path.name.lower().endswith(PARQUET_ENDINGS) and path.is_file():
        files = [path]
    elif path.name.lower().endswith(TEXT_ENDINGS) and path.is_file() and path.stat().st_size > LARGE_BYTES:
        return [text_as_parquet(path)]
    else:
        return []
    rows = 0
    for file in files:
        try:
            rows += pq.ParquetFile(file).metadata.num_rows
        except (pa.ArrowException, OSError):
            return []  # `read` says what is wrong
    return files if rows > LARGE_ROWS else []


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and below, by name.

    Raises:
        DataError: there are none.
    """
    files = sorted(p for p in folder.rglob("*") if p.name.lower().endswith(PARQUET_ENDINGS) and p.is_file())
    if not files:
        raise DataError(
            f"data.path {folder}: expected Parquet files in the folder, got none. Name another folder, or one file"
        )
    return files


def text_as_parquet(path: Path) -> Path:
    """A text file as Parquet in the cache, every value as text."""
    stat = path.stat()
    key = sha256(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode())[:32]
    final = cache_root() / "text" / f"{key}.parquet"
    if not final.is_file():
        make_room(final.parent)
        delimiter, header = read_header(path)
        names = check_names(path.name, header)
        with new_file(final) as work, text_query(path, delimiter, header) as (connection, query, parameters):
            renamed = ", ".join(f'c{i} AS "{n.replace(chr(34), chr(34) * 2)}"' for i, n in enumerate(names))
            target = str(work).replace("'", "''")
            connection.execute(f"COPY (SELECT {renamed} FROM ({query})) TO '{target}' (FORMAT parquet)", parameters)
    used(final)
    return final


def read(path: Path) -> dict[str, Any]:
    """A file's columns by name (outer spaces removed), pyarrow, in the file's order.

    Raises:
        DataError: no such file, an unknown ending, an unreadable or ragged file, repeated names, no rows.
    """
    name = path.name.lower()
    if not path.is_dir() and not name.endswith(TEXT_ENDINGS + PARQUET_ENDINGS):
        expected = ", ".join((*TEXT_ENDINGS[:3], "these with .gz", PARQUET_ENDINGS[0]))
        raise DataError(
            f"data.path {path}: expected a file ending in {expected}, got {path.suffix or 'none'}. "
            "Export it as one of these"
        )
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = suggest(path.name, beside).rstrip() or "Check the path"
        raise DataError(f"data.path {path}: expected a file, but there is none. {remedy}")
    if path.is_dir() or name.endswith(PARQUET_ENDINGS):
        names, table = read_parquet(path)
    else:
        names, table = read_text(path)
    names = check_names(path.name, names)
    if table.num_rows == 0:
        raise DataError(f"{path.name}: expected rows, got only a header ({listing(names)}). Add rows below it")
    return dict(zip(names, table.columns, strict=True))


def read_parquet(path: Path) -> tuple[list[str], pa.Table]:
    """Names and columns of a Parquet file, or of all of a folder, one after another.

    Raises:
        DataError: unreadable, or files of a folder whose columns differ.
    """
    tables: list[pa.Table] = []
    for file in parquet_files(path) if path.is_dir() else [path]:
        try:
            table = pq.ParquetFile(file).read()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{file.name}: expected Parquet, got a file that cannot be read ({str(error).rstrip('.')}). "
                f"{INCOMPLETE}"
            ) from error
        if tables and set(table.column_names) != set(tables[0].column_names):
            differ = sorted(set(table.column_names) ^ set(tables[0].column_names))
            raise DataError(
                f"{path.name}: expected the same columns in every file of the folder, got {listing(differ)} "
                f"in some only (see {file.name}). Bring them to one schema"
            )
        tables.append(table.select(tables[0].column_names) if tables else table)
    try:
        joined = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise DataError(
            f"{path.name}: expected the same types in every file of the folder, got: {error}. Write its files with one "
            "schema"
        ) from error
    return list(joined.column_names), joined


def read_text(path: Path) -> tuple[list[str], pa.Table]:
    """Header and columns of a CSV or TSV file, every value as text."""
    delimiter, header = read_header(path)
    with text_query(path, delimiter, header) as (connection, query, parameters):
        return header, connection.sql(query, params=parameters).to_arrow_table()


@contextmanager
def text_query(
    path: Path, delimiter: str, header: list[str]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, Mapping[str, str]]]:
    """A connection, the query that reads a text file as columns c0, c1, … of text, and its parameters.

    Raises:
        DataError: DuckDB refuses the file inside the block; says what and where.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    query = (
        f"SELECT * FROM read_csv($path, auto_detect=false, columns={{{columns}}}, header=true, delim=$delimiter, "
        "quote='\"', escape='\"', comment='', skip=0, null_padding=false, strict_mode=true)"
    )
    try:
        with duckdb.connect() as connection:
            yield connection, query, {"path": glob.escape(str(path)), "delimiter": delimiter}
    except duckdb.Error as error:
        reason = " ".join(str(error).split("Possible")[0].split("\n  file")[0].split()).rstrip(".")
        reason = reason.removeprefix("Invalid Input Error: ")
        if isinstance(error, duckdb.IOException):
            raise DataError(f"{path.name}: expected to read it to its end, got: {reason}. {INCOMPLETE}") from error
        raise DataError(
            f"{path.name}: expected {len(header)} columns of UTF-8 text separated by {delimiter!r} in every row, "
            f"got: {reason}. Look there for a row of another length, a stray quote or mixed line ends; or save it as "
            "Parquet"
        ) from error


def read_header(path: Path) -> tuple[str, list[str]]:
    """Delimiter and column names. The delimiter is the one of , ; tab | that splits the header most; tab in .tsv."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    candidates = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ",;\t|"
    best: tuple[str, list[str]] = (candidates[0], [])
    for delimiter in candidates:
        try:
            with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
                header = next(csv.reader(file, delimiter=delimiter), [])
        except (OSError, EOFError) as error:
            raise DataError(f"{path.name}: expected a file that can be read, got: {error}. {INCOMPLETE}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(
                f"{path.name}: expected UTF-8 text, got {error}. Save it as CSV in UTF-8, or as Parquet"
            ) from error
        if len(header) > len(best[1]):
            best = delimiter, header
    if not best[1]:
        raise DataError(
            f"{path.name}: expected a header of column names, got an empty first line. Write the names there"
        )
    return best
