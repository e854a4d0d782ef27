"""Text files that are too large for memory: as Parquet in the cache, every value as text."""

from __future__ import annotations

from pathlib import Path

from bench.data.fetching.cache import cache_root, make_room, new_file, sha256, used
from bench.data.files.dialect import Asked, readable
from bench.data.files.text import no_header_rows, repeated_note, text_query
from bench.data.tables.schema import check_names

LAYOUT = 2  # raised when the reading of text changes: files are then made anew


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
    repeated = int(final.stem.rpartition("-")[2])
    return final, [repeated_note(repeated)] if repeated else []


def write(path: Path, asked: Asked, stem: Path) -> Path:
    """Make the file `stem`-N.parquet, without the N rows that are the header again."""
    with readable(path, asked) as (text, read):
        names = check_names(path.name, read.header)
        with text_query(text, read) as (connection, query, parameters):
            condition, header = no_header_rows(read.header)
            given = {**parameters, **header}
            counted = connection.execute(f"SELECT count(*) FROM ({query}) WHERE NOT ({condition})", given).fetchone()
            final = stem.with_name(f"{stem.name}-{counted[0] if counted else 0}.parquet")
            with new_file(final) as work:
                renamed = ", ".join(f'c{i} AS "{n.replace(chr(34), chr(34) * 2)}"' for i, n in enumerate(names))
                target = str(work).replace("'", "''")
                connection.execute(
                    f"COPY (SELECT {renamed} FROM ({query}) WHERE {condition}) TO '{target}' (FORMAT parquet)",
                    given,
                )
    return final
