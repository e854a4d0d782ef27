"""Parquet files and folders of them as one table, alike at every size: one set of columns, types that agree.

What a folder's path says (country=DE/) is a column. A file with other columns is refused, whatever its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing
from bench.data.files.parquet_bomb import check_footers, texts

ENDINGS = (".parquet", ".pq")
INCOMPLETE = "Is it complete, and what its ending says? Write or fetch it again"
_HIVE = re.compile(r"([^=/]+)=(.*)")
_HIVE_MISSING = "__HIVE_DEFAULT_PARTITION__"


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and below, by name; hidden ones (. or _ first) belong to whatever wrote them.

    Raises:
        DataError: there are none.
    """
    files = sorted(
        p
        for p in folder.rglob("*")
        if p.name.lower().endswith(ENDINGS)
        and p.is_file()
        and not any(part[0] in "._" for part in p.relative_to(folder).parts)
    )
    if not files:
        raise DataError(
            f"data.path {folder}: expected Parquet files in the folder, got none. Name another folder, or one file"
        )
    return files


class ParquetTable:
    """The columns of Parquet files, one after another, each read when it is asked for.

    `packed`: bytes of what the files were made of, if that is not what they take themselves.

    Raises:
        DataError: a file that cannot be read or unpacks to far more than it takes, columns that differ, or types that
            do not agree; names file and columns.
    """

    def __init__(self, paths: Sequence[Path], folder: Path | None = None, *, packed: int | None = None) -> None:
        self.paths, self.folder = list(paths), folder
        self.name = (folder or self.paths[0]).name
        self.files = [opened(path) for path in self.paths]
        self.packed = sum(path.stat().st_size for path in self.paths) if packed is None else packed
        check_footers(self.name, self.files, self.packed)
        self.rows = [file.metadata.num_rows for file in self.files]
        self.said = [_said_by(path.relative_to(folder)) if folder else {} for path in self.paths]
        self.check()

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types on which all files agree.

        Raises:
            DataError: they do not.
        """
        try:
            return pa.unify_schemas([file.schema_arrow for file in self.files], promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(
                f"{self.name}: expected the same types in every file of the folder, got: {error}. Write its files with "
                "one schema"
            ) from error

    @property
    def names(self) -> list[str]:
        """All columns, those that the path says last."""
        return [*self.schema.names, *self.said[0]]

    def check(self) -> None:
        """Refuse files whose columns differ, and a column that path and file both have."""
        first = set(self.files[0].schema_arrow.names)
        for path, file, said in zip(self.paths, self.files, self.said, strict=True):
            differ = sorted((set(file.schema_arrow.names) ^ first) | (set(said) ^ set(self.said[0])))
            if differ:
                raise DataError(
                    f"{self.name}: expected the same columns in every file of the folder, got {listing(differ)} in "
                    f"some only (see {path.name}). Bring them to one schema"
                )
        twice = first & set(self.said[0])
        if twice:
            raise DataError(
                f"{self.name}: expected distinct column names, got {listing(sorted(twice))} in the files and in their "
                "paths. Rename one of them"
            )
        _ = self.schema

    def read(self, name: str) -> pa.ChunkedArray:
        """One column of all files; nothing but nulls of its type where its values are no plain ones, such as lists.

        Raises:
            DataError: it cannot be read, it unpacks to too much, or values do not survive the type on which the files
                agree.
        """
        if name in self.said[0]:
            parts: Iterable[Any] = (
                pa.repeat(pa.scalar(said[name], pa.string()), rows)
                for said, rows in zip(self.said, self.rows, strict=True)
            )
            return pa.chunked_array(list(parts), pa.string())
        kind, chunks = self.schema.field(name).type, list[pa.Array]()
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return pa.chunked_array([pa.nulls(sum(self.rows), kind)])
        for path, file in zip(self.paths, self.files, strict=True):
            try:
                column = self._column(path, file, name)
                chunks += (column if column.type == kind else column.cast(kind)).chunks
            except (pa.ArrowException, OSError) as error:
                raise DataError(
                    f"column {name!r} of {path.name}: expected to read it as {kind}, got: {str(error).rstrip('.')}. "
                    f"{INCOMPLETE}"
                ) from error
        return pa.chunked_array(chunks, kind)

    def _column(self, path: Path, file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
        """One column of one file."""
        kind = file.schema_arrow.field(name).type
        held = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held):
            return pa.chunked_array([text.cast(held) for text in texts(path, name, self.packed)], held)
        return file.read(columns=[name]).column(name)


def opened(path: Path) -> pq.ParquetFile:
    """A Parquet file.

    Raises:
        DataError: it is none.
    """
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path.name}: expected Parquet, got a file that cannot be read ({str(error).rstrip('.')}). {INCOMPLETE}"
        ) from error


def _said_by(path: Path) -> dict[str, str | None]:
    """The columns that folders on the way to a file stand for: country=DE."""
    found = (_HIVE.fullmatch(part) for part in path.parts[:-1])
    pairs = ((unquote(m.group(1)), unquote(m.group(2))) for m in found if m)
    return {name: None if value == _HIVE_MISSING else value for name, value in pairs}
