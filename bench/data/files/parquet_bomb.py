"""Parquet files that are small and unpack to gigabytes: refused before that happens.

Numbers: the footer says how many values each column holds, however few bytes they take. Texts: a page may repeat one
entry of its dictionary without end, which no footer says, so that columns of text are read as codes first and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError
from bench.data.files.dialect import BOMB_BYTES, BOMB_TIMES

_NUMBER_TIMES = 1000  # honest numbers shrink so far: a label of which one in 50 differs, as int64, by about 450
_WIDTHS = {"BOOLEAN": 0.125, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}


def check_footers(name: str, files: Sequence[pq.ParquetFile], packed: int) -> None:
    """Refuse files whose footers say that they unpack to too much.

    Raises:
        DataError: says how large they are and become.
    """
    numbers, words = 0.0, 0.0
    for file in files:
        for group in range(file.metadata.num_row_groups):
            row_group = file.metadata.row_group(group)
            for at in range(row_group.num_columns):
                column = row_group.column(at)
                width = _WIDTHS.get(column.physical_type, file.schema.column(at).length)
                size = max(column.total_uncompressed_size, column.num_values * width)
                if column.physical_type == "BYTE_ARRAY":
                    words += size
                else:
                    numbers += size
    if numbers > max(BOMB_BYTES, _NUMBER_TIMES * packed) or words > max(BOMB_BYTES, BOMB_TIMES * packed):
        raise _refusal(name, packed, numbers + words)


def _refusal(name: str, packed: int, size: float) -> DataError:
    """The complaint about a table that is small and becomes large."""
    return DataError(
        f"{name}: expected a table, got {packed:,} bytes that unpack to {size / 1e9:,.1f} GB or more. If it is "
        "meant so, give a part of its rows or columns"
    )


def texts(path: Path, name: str, packed: int) -> Iterable[Any]:
    """A column of text in the pieces of a file, (n,) each, as strings.

    Raises:
        DataError: they would take too much.
    """
    size, coded = 0, []
    with pq.ParquetFile(path, read_dictionary=[name]) as file:
        for group in range(file.metadata.num_row_groups):
            for chunk in file.read_row_group(group, columns=[name]).column(name).chunks:
                size += _text_bytes(chunk)
                if size > max(BOMB_BYTES, BOMB_TIMES * packed):
                    raise _refusal(f"column {name!r} of {path.name}", packed, size)
                coded.append(chunk)
    return [chunk.cast(chunk.type.value_type) if pa.types.is_dictionary(chunk.type) else chunk for chunk in coded]


def _text_bytes(chunk: Any) -> int:
    """Bytes of the strings of an array, of a dictionary or plain."""
    if not pa.types.is_dictionary(chunk.type):
        return int(chunk.nbytes)
    lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = chunk.indices.drop_null().to_numpy(zero_copy_only=False)
    return int(np.bincount(codes, minlength=len(lengths)) @ lengths) if len(codes) else 0
