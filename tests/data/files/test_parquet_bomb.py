"""Parquet that is small and unpacks to gigabytes is refused before it does; what shrinks honestly is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from bench.data.errors import DataError
from bench.data.files import parquet_bomb
from bench.data.sources.file import File
from tests.data.asked import asked


def repeated(text: str, rows: int) -> pa.Table:
    """One text in all rows, as one entry of a dictionary."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text, ""]))
    return pa.table({"t": texts, "y": pa.array(np.arange(rows) % 2)})


def load(path: Path) -> Any:
    return asked(File.name, path=str(path), target="y", duplicates="keep").load()


@pytest.mark.parametrize("keeps_types", [True, False])
def test_a_text_of_a_megabyte_in_100_000_rows_is_never_unpacked(tmp_path: Path, *, keeps_types: bool) -> None:
    """It would take 100 GB; the file takes two kilobytes."""
    path = tmp_path / "t.parquet"
    pq.write_table(repeated("x" * 10**6, 100_000), path, compression="zstd", store_schema=keeps_types)
    with pytest.raises(DataError, match=r"column 't' of t.parquet: expected a table, got [0-9,]+ bytes that unpack to"):
        load(path)


def test_many_row_groups_are_added_up(tmp_path: Path) -> None:
    """None of them alone is too much."""
    table = repeated("x" * 10**6, 500)
    with pq.ParquetWriter(tmp_path / "t.parquet", table.schema, compression="zstd") as file:
        for _ in range(10):
            file.write_table(table)
    with pytest.raises(DataError, match=r"column 't' .* that unpack to 2\.[0-9] GB or more\. .*give a part"):
        load(tmp_path / "t.parquet")


def test_numbers_and_pages_are_counted_by_the_footer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """8 MB of zeros and 30 MB of text in files of kilobytes, against a bound of 4 MB."""
    monkeypatch.setattr(parquet_bomb, "BOMB_BYTES", 4_000_000)
    y = np.zeros(10**6, np.int8)
    y[:5] = 1
    pq.write_table(pa.table({"a": np.zeros(10**6), "y": y}), tmp_path / "a.parquet", compression="zstd")
    words = pa.table({"t": ["x" * 1000] * 30_000, "y": y[:30_000]})
    pq.write_table(words, tmp_path / "b.parquet", compression="zstd", use_dictionary=False)
    for name in ("a.parquet", "b.parquet"):
        with pytest.raises(DataError, match=f"{name}: expected a table, got [0-9,]+ bytes that unpack to 0.0 GB"):
            load(tmp_path / name)


def test_lists_are_not_unpacked_to_be_ignored(tmp_path: Path) -> None:
    table = pa.table({"l": [[0] * 10**5] * 10, "b": [b"0" * 10**5] * 10, "x": np.arange(10.0), "y": np.arange(10) % 2})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    assert set(load(tmp_path / "t.parquet").ignored) == {"l", "b"}


def test_what_shrinks_honestly_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare label, flags, and a handful of categories, above the bound in absolute terms."""
    monkeypatch.setattr(parquet_bomb, "BOMB_BYTES", 100_000)
    rng = np.random.default_rng(0)
    rows = 200_000
    table = pa.table(
        {
            "y": (rng.random(rows) < 0.02).astype(np.int64),
            "flag": (rng.random(rows) < 0.01).astype(np.int64),
            "city": rng.choice(["Berlin", "Paris", "Lisboa"], rows),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    read = load(tmp_path / "t.parquet")
    assert len(read) == rows
    assert list(read.frame["city"]) == table["city"].to_pylist()
