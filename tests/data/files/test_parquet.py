"""Folders of Parquet: alike at every size; what paths say is a column; columns and types agree or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from bench.data.errors import DataError
from bench.data.files.parquet import ParquetTable, parquet_files
from bench.data.sources import file as source
from tests.data.asked import asked

N = 60


def part(folder: Path, name: str, **more: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(name))
    frame = pd.DataFrame({"a": rng.normal(size=N), "y": np.arange(N) % 3 == 0, **more})
    frame.to_parquet(folder / f"{name}.parquet", index=False)


@pytest.fixture(params=[10**6, 10], ids=["in memory", "by column"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    monkeypatch.setattr(source, "LARGE_ROWS", request.param)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    return int(request.param)


@pytest.mark.parametrize("lacking", ["first", "second"])
def test_a_column_of_some_files_only_is_refused(tmp_path: Path, size: int, lacking: str) -> None:
    part(tmp_path / "f", "first", **({} if lacking == "first" else {"device": 1}))
    part(tmp_path / "f", "second", **({} if lacking == "second" else {"device": 1}))
    with pytest.raises(DataError, match="the same columns in every file of the folder, got device in some only"):
        asked("file", path=str(tmp_path / "f"), target="y").load()


def test_whole_and_decimal_numbers_are_numbers(tmp_path: Path, size: int) -> None:
    part(tmp_path / "f", "p0", price=np.arange(N))
    part(tmp_path / "f", "p1", price=np.arange(N) + 0.97)
    table = asked("file", path=str(tmp_path / "f"), target="y").load()
    assert table.frame["price"].to_numpy(np.float64).tolist() == [*np.arange(N), *(np.arange(N) + 0.97)]


def test_numbers_and_text_are_refused(tmp_path: Path, size: int) -> None:
    part(tmp_path / "f", "p0", price=np.arange(N))
    part(tmp_path / "f", "p1", price="cheap")
    with pytest.raises(DataError, match="the same types in every file of the folder"):
        asked("file", path=str(tmp_path / "f"), target="y").load()


def test_what_paths_say_is_a_column(tmp_path: Path, size: int) -> None:
    for country, year in (("DE", 2023), ("FR", 2024), ("Côte d%27Ivoire", 2023)):
        part(tmp_path / "f" / f"country={country}" / f"year={year}", "p")
    table = asked("file", path=str(tmp_path / "f"), target="y").load()
    read = ds.dataset(tmp_path / "f", partitioning="hive").to_table().to_pandas()
    assert sorted(table.frame["country"].astype(str)) == sorted(read["country"].astype(str))
    assert sorted(table.frame["year"].astype(float)) == sorted(read["year"].astype(float))
    assert len(table) == 3 * N


def test_a_missing_value_and_a_name_twice_in_paths(tmp_path: Path) -> None:
    part(tmp_path / "f" / "country=__HIVE_DEFAULT_PARTITION__", "p")
    part(tmp_path / "f" / "country=DE", "p")
    table = ParquetTable(parquet_files(tmp_path / "f"), tmp_path / "f")
    assert table.read("country").to_pylist() == ["DE"] * N + [None] * N
    part(tmp_path / "g" / "a=1", "p")
    with pytest.raises(DataError, match="distinct column names, got a in the files and in their paths"):
        ParquetTable(parquet_files(tmp_path / "g"), tmp_path / "g")


def test_hidden_files_belong_to_whatever_wrote_them(tmp_path: Path) -> None:
    part(tmp_path / "f", "p0")
    (tmp_path / "f" / "._p0.parquet").write_bytes(b"not parquet")
    (tmp_path / "f" / "_temporary").mkdir()
    (tmp_path / "f" / "_temporary" / "p.parquet").write_bytes(b"not parquet")
    assert [p.name for p in parquet_files(tmp_path / "f")] == ["p0.parquet"]


def test_integers_that_a_common_type_would_change_are_refused(tmp_path: Path) -> None:
    part(tmp_path / "f", "p0", code=pa.array([2**53 + 1] * N).to_pandas())
    part(tmp_path / "f", "p1", code=0.5)
    with pytest.raises(DataError, match=r"column 'code' of p0.parquet: expected to read it as double"):
        ParquetTable(parquet_files(tmp_path / "f"), tmp_path / "f").read("code")
