"""Text tables through DuckDB: every column is text here, and a row that does not fit is an error.

DuckDB's sniffer is left out on purpose. Measured on 2.0: it renames repeated columns, takes rows that begin with #
for comments, and of a file with one ragged row may return no rows at all, all without a word. Here delimiter and header
are read first, every column is declared text, and `decode` finds the types.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.files.dialect import INCOMPLETE, Asked, Dialect, opened, readable, reading
from bench.data.files.encodings import blocks_of, invalid_at, refusal

SHOWN = 80  # characters of a line in an error
LOOKED_AT = 1000  # cells of several lines that are searched for rows that a quote swallowed
_FILTERED = 50  # columns in which a row must equal the header to be one more


@contextmanager
def text_query(path: Path, read: Dialect) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, Mapping[str, str]]]:
    """A connection, the query that reads a text file as columns c0, c1, … of text, and its parameters.

    Raises:
        DataError: DuckDB refuses the file inside the block; says what and where.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(read.header)))
    query = (
        f"SELECT * FROM read_csv($path, auto_detect=false, columns={{{columns}}}, header=true, delim=$delimiter, "
        f"quote='\"', escape='\"', comment='', skip=0, null_padding=false, strict_mode=true, "
        f"max_line_size={read.longest})"
    )
    try:
        with duckdb.connect() as connection:
            yield connection, query, {"path": glob.escape(str(path)), "delimiter": read.delimiter}
    except duckdb.Error as error:
        raise refused(path, read, str(error), cut=isinstance(error, duckdb.IOException)) from error


def refused(path: Path, read: Dialect, said: str, *, cut: bool) -> DataError:
    """DuckDB's complaint in a line, with no more of the file than helps."""
    if "unicode" in said.lower() or "utf-8" in said.lower():
        head, before = _around_invalid(path)
        bad = invalid_at(head, whole=True)
        if bad is not None:
            return refusal(path.name, head, bad, before=before)
    reason = " ".join(said.partition("Possible")[0].partition("\n  file")[0].split()).rstrip(".")
    reason = reason.removeprefix("Invalid Input Error: ")
    found = re.search(r"Original Line: (.*?) (Expected Number|Value with|Maximum|Invalid|Error)", reason)
    if found and len(found.group(1)) > SHOWN:
        reason = reason.replace(found.group(1), found.group(1)[:SHOWN] + " …")
    if len(reason) > 4 * SHOWN:
        reason = f"{reason[: 3 * SHOWN]} … {reason[-SHOWN // 2 :]}"
    if cut:
        return DataError(f"{path.name}: expected to read it to its end, got: {reason}. {INCOMPLETE}")
    return DataError(
        f"{path.name}: expected {len(read.header):,} columns of UTF-8 text separated by {read.delimiter!r} in every "
        f"row, got: {reason}. Look there for a row of another length, a stray quote or mixed line ends; or save it as "
        "Parquet"
    )


def _around_invalid(path: Path) -> tuple[bytes, int]:
    """The block of lines with the first bytes that are not UTF-8, and how many lines come before it."""
    kept, before = b"", 0
    with reading(path):
        for block in blocks_of(path, opened(path)):
            kept += block
            end = kept.rfind(b"\n") + 1
            if invalid_at(kept[:end], whole=True) is not None:
                break
            before, kept = before + kept.count(b"\n", 0, end), kept[end:]
    return kept, before


def read_text(path: Path, asked: Asked) -> tuple[list[str], pa.Table, list[str]]:
    """Header and columns of a text file, every value as text, and what was noticed.

    Raises:
        DataError: unreadable, another encoding, or rows that do not fit the header.
    """
    with readable(path, asked) as (file, read), text_query(file, read) as (connection, query, parameters):
        table = connection.sql(query, params=parameters).to_arrow_table()
    repeated = _header_rows(table, read.header)
    notes = []
    if len(repeated):
        table = table.filter(pa.array([i not in set(repeated) for i in range(table.num_rows)]))
        notes.append(repeated_note(len(repeated)))
    for name, column in zip(read.header, table.columns, strict=True):
        rows = pc.indices_nonzero(pc.match_substring(column, "\n").fill_null(False)).to_pylist()[:LOOKED_AT]
        note = swallowed(name, {row: column[row].as_py() for row in rows}, read)
        notes += [note] if note else []
    return read.header, table, notes


def repeated_note(count: int) -> str:
    """What is said of rows that are the header again."""
    return f"warning: dropped {count:,} {'row that repeats' if count == 1 else 'rows that repeat'} the header"


def _header_rows(table: pa.Table, header: Sequence[str]) -> list[int]:
    """The rows that are the header again: files put one after another."""
    rows: list[int] = []
    for i, name in enumerate(header):
        equal = pc.equal(pc.utf8_trim_whitespace(table.column(i)), name.strip())
        if not i:
            rows = pc.indices_nonzero(equal.fill_null(False)).to_pylist()
        else:
            rows = [row for row in rows if equal[row].as_py()]
        if not rows:
            return []
    return rows


def no_header_rows(header: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A condition of SQL that leaves out rows that are the header again, and its parameters."""
    names = dict(enumerate(header[:_FILTERED]))
    same = " AND ".join(f"coalesce(trim(c{i}) = $h{i}, false)" for i in names)
    return f"NOT ({same})", {f"h{i}": name.strip() for i, name in names.items()}


def swallowed(name: str, cells: Mapping[int, str], read: Dialect) -> str:
    """A suspicion: a cell holds lines that look like rows, so that a quote may be missing; '' for none.

    `cells`: row, from 0 -> text, of the cells of a column that hold several lines.
    """
    width = len(read.header)
    if width < 2:
        return ""
    for row, cell in cells.items():
        lines = cell.splitlines()[1:]
        alike = [line for line in lines if line.count(read.delimiter) >= width - 1]
        if alike:
            return (
                f"warning: column {name!r}: one cell (row {row + 1}) holds {len(lines):,} lines, and {len(alike):,} of "
                f"them look like rows, such as {alike[0][:40]!r}. Is a quote missing or too many there?"
            )
    return ""
