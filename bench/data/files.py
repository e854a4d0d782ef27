"""The user's own file: CSV through DuckDB, or Parquet.

DuckDB's sniffer is left out on purpose. Measured on 2.0: it renames repeated columns, takes rows that begin with #
for comments, and of a file with one ragged row may return no rows at all, all without a word. Here the header is read
first, every column is declared text, and `decode` finds the types; a row that does not fit is an error.
"""

from __future__ import annotations

import csv
import glob
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.build import Origin, build
from bench.data.config import DataConfig
from bench.data.decode import decode
from bench.data.schema import DataError, Table, listing, suggest

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
VERSION = 1


def load(config: DataConfig) -> Table:
    """The table in data.path for data.target.

    Raises:
        DataError: file or target are not usable; says which, why, and what to do.
    """
    if config.path is None:
        raise DataError("data.path: expected a CSV or Parquet file, got none. Example: data.path=shop.csv")
    path = Path(config.path).expanduser()
    columns = read(path)
    if config.target is None:
        raise DataError(f"data.target: expected a column of {path.name}, got none. Columns: {listing(columns)}")
    if config.target not in columns:
        raise DataError(
            f"target {config.target!r}: expected a column of {path.name}, got none by that name. "
            f"{suggest(config.target, columns)}Columns: {listing(columns)}"
        )
    features = {name: decode(column) for name, column in columns.items() if name != config.target}
    labels = decode(columns[config.target])
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    origin = Origin(name=stem, file=path.name, source="file", version=VERSION, licence="the owner's")
    return build(features, labels, config.target, config, origin)


def read(path: Path) -> dict[str, Any]:
    """A file's columns by name (outer spaces removed), pyarrow, in the file's order.

    Raises:
        DataError: no such file, an unknown ending, an unreadable or ragged file, repeated names, no rows.
    """
    name = path.name.lower()
    if not name.endswith(TEXT_ENDINGS + PARQUET_ENDINGS):
        expected = ", ".join((*TEXT_ENDINGS[:3], "these with .gz", PARQUET_ENDINGS[0]))
        raise DataError(f"data.path {path}: expected a file ending in {expected}, got {path.suffix or 'none'}")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"data.path {path}: expected a file, but there is none. {suggest(path.name, beside)}")
    names, table = read_parquet(path) if name.endswith(PARQUET_ENDINGS) else read_text(path)
    names = [n.strip() or f"column{i}" for i, n in enumerate(names)]
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise DataError(f"{path.name}: expected distinct column names, got several of {listing(repeated)}")
    if table.num_rows == 0:
        raise DataError(f"{path.name}: expected rows, got only a header ({listing(names)})")
    return dict(zip(names, table.columns, strict=True))


def read_parquet(path: Path) -> tuple[list[str], pa.Table]:
    """Names and columns of a Parquet file."""
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name}: expected Parquet, got a file that cannot be read ({error})") from error
    return list(table.column_names), table


def read_text(path: Path) -> tuple[list[str], pa.Table]:
    """Header and columns of a CSV or TSV file, every value as text."""
    delimiter, header = read_header(path)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    query = (
        f"SELECT * FROM read_csv($path, auto_detect=false, columns={{{columns}}}, header=true, delim=$delimiter, "
        "quote='\"', escape='\"', comment='', skip=0, null_padding=false, strict_mode=true)"
    )
    parameters: Mapping[str, str] = {"path": glob.escape(str(path)), "delimiter": delimiter}
    try:
        with duckdb.connect() as connection:
            return header, connection.sql(query, params=parameters).to_arrow_table()
    except duckdb.Error as error:
        reason = " ".join(str(error).split("Possible")[0].split("\n  file")[0].split()).rstrip(".")
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
        except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
            raise DataError(
                f"{path.name}: expected UTF-8 text, got {error}. Save it as CSV in UTF-8, or as Parquet"
            ) from error
        if len(header) > len(best[1]):
            best = delimiter, header
    if not best[1]:
        raise DataError(f"{path.name}: expected a header of column names, got an empty first line")
    return best
