"""Text files that are too large for memory: as Parquet in the cache, every value as text."""

from __future__ import annotations

import glob
from pathlib import Path

import duckdb

from bench.data.fetching.cache import cache_root, make_room, new_file, sha256, used
from bench.data.files.dialect import Asked, Dialect, readable
from bench.data.files.text import LOOKED_AT, no_header_rows, repeated_note, swallowed, text_query
from bench.data.tables.schema import check_names

LAYOUT = 3  # raised when the reading of text changes: files are then made anew


def text_as_parquet(path: Path, asked: Asked) -> tuple[Path, list[str]]:
    """The file in the cache, made if need be, and what was noticed while it was made (its name says so).

    Raises:
        DataError: the file cannot be read, or the cache cannot be written.
    """
    stat = path.stat()
    what = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{asked.encoding}|{asked.delimiter}|{LAYOUT}"
    folder, key = cache_root() / "text", sha256(what.encode())[:32]
    final = next(folder.glob(f"{key}-*.parquet"), None)
    if final is None:
        make_room(folder)
        final = write(path, asked, folder / key)
    used(final)
    _, repeated, suspect = final.stem.split("-")
    notes = [repeated_note(int(repeated))] if int(repeated) else []
    if suspect == _SUSPECT:
        with readable(path, asked) as (_, read):
            notes.append(_swallowed_note(final, read))
    return final, notes


_CLEAR, _SUSPECT = "clear", "suspect"  # ends of names: whether some cell holds lines that look like rows


def _swallowed_note(parquet: Path, read: Dialect) -> str:
    """What is said of cells that hold lines that look like rows, of the first column with such; '' for none."""
    names = check_names(parquet.name, read.header)
    quoted = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names]
    with duckdb.connect() as connection:
        where = " OR ".join(f"contains({name}, chr(10))" for name in quoted)
        found = connection.execute(
            f"SELECT file_row_number, {', '.join(quoted)} FROM read_parquet($path, file_row_number=true) "
            f"WHERE {where} LIMIT {LOOKED_AT}",
            {"path": glob.escape(str(parquet))},
        ).fetchall()
    for at, name in enumerate(names):
        cells = {row[0]: row[1 + at] for row in found if row[1 + at] is not None and "\n" in row[1 + at]}
        if note := swallowed(name, cells, read):
            return note
    return ""


def write(path: Path, asked: Asked, stem: Path) -> Path:
    """Make the file `stem`-N-clear.parquet, without the N rows that are the header again; or -suspect."""
    with readable(path, asked) as (text, read):
        names = check_names(path.name, read.header)
        with text_query(text, read) as (connection, query, parameters):
            condition, header = no_header_rows(read.header)
            given = {**parameters, **header}
            counted = connection.execute(f"SELECT count(*) FROM ({query}) WHERE NOT ({condition})", given).fetchone()
            final = stem.with_name(f"{stem.name}-{counted[0] if counted else 0}-{_CLEAR}.parquet")
            with new_file(final) as work:
                renamed = ", ".join(f'c{i} AS "{n.replace(chr(34), chr(34) * 2)}"' for i, n in enumerate(names))
                target = str(work).replace("'", "''")
                connection.execute(
                    f"COPY (SELECT {renamed} FROM ({query}) WHERE {condition}) TO '{target}' (FORMAT parquet)",
                    given,
                )
        if _swallowed_note(final, read):
            return final.rename(stem.with_name(f"{final.stem.removesuffix(_CLEAR)}{_SUSPECT}.parquet"))
    return final
