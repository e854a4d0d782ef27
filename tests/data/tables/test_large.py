"""Large tables: read in columns and encoded into shared files, they are what they are when read as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bench.data.errors import DataError
from bench.data.features import load
from bench.data.features.encode import Encoded, encode
from bench.data.sources import file as files
from bench.data.sources import impressions
from bench.data.tables.schema import Table
from bench.data.tables.splits import partition
from tests.data.asked import asked

N = 600


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def shop(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "price": rng.normal(20, 5, N).round(1),
            "visits": np.where(rng.random(N) < 0.2, np.nan, rng.poisson(3, N)),
            " city ": rng.choice(["Köln", "Bonn", "NA", None], N),
            "zip": [f"{v:05d}" for v in rng.integers(0, 300, N)],
            "row": np.arange(N),
            "day": pd.date_range("2024-01-01", periods=N, freq="h"),
            "user": np.arange(N) // 8 + 1000,
            "share": rng.uniform(0.5, 2, N).round(3),
            "member": rng.random(N) < 0.5,
            "buys": np.where(rng.random(N) < 0.02, None, rng.choice(["no", "yes", "maybe"], N, p=[0.7, 0.2, 0.1])),
        }
    )
    return pd.concat([frame, frame.iloc[:40]], ignore_index=True)


def equal(one: Table, other: Table) -> None:
    assert one.fingerprint == other.fingerprint
    assert one.columns == other.columns
    assert one.classes == other.classes
    assert one.ignored == other.ignored
    np.testing.assert_array_equal(one.y, other.y)
    np.testing.assert_array_equal(one.rows, other.rows)
    for name in one.frame:
        left, right = (t.frame[name].astype(object).where(t.frame[name].notna(), None) for t in (one, other))
        assert left.tolist() == right.tolist()


def same(one: Encoded, other: Encoded) -> None:
    assert one.schema == other.schema
    for a, b in ((one.train.x, other.train.x), (one.val.x, other.val.x), (one.test, other.test)):
        for name, value in a.columns.items():
            assert isinstance(value, torch.Tensor)
            assert torch.equal(value, b.columns[name])  # type: ignore[arg-type]
    for a, b in ((one.train, other.train), (one.val, other.val)):
        assert torch.equal(a.y, b.y)
        for part in ("weight", "group", "natural"):
            left, right = getattr(a, part), getattr(b, part)
            assert (left is None) == (right is None)
            assert left is None or torch.equal(left, right)
    assert torch.equal(one.test_y, other.test_y)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"duplicates": "keep", "ignore": ("zip",)},
        {"weight": "share", "group": "user", "time": "day"},
        {"kinds": {"visits": "categorical", "row": "ignored"}, "min_class_rows": 100},
        {"dates": ("day",), "crosses": (("city", "member"),), "missing": "drop"},
    ],
)
def test_reading_in_columns_is_reading_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    shop().to_parquet(tmp_path / "shop.parquet", index=False)
    config = asked("file", path=str(tmp_path / "shop.parquet"), target="buys", **options)
    whole = config.load()
    monkeypatch.setattr(files, "LARGE_ROWS", 100)
    first, again = config.load(), config.load()
    for table in (first, again):
        equal(whole, table)
    plain = [line for line in whole.log if "different labels" not in line and "copy of" not in line]
    assert list(first.log) == plain
    monkeypatch.setattr(load, "SHARED_ROWS", 100)
    expected = encode(whole, partition(whole, 0, 0), config)
    same(expected, load.load_encoded(config, 0, 0))
    got = load.load_encoded(config, 0, 0)
    same(expected, got)
    assert got.log == expected.log


def test_rows_that_a_quote_swallowed_are_suspected_in_large_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time and from the cache, and not where a cell has lines of its own."""
    monkeypatch.setattr(files, "LARGE_BYTES", 100)
    lines = [f"{i},{'ab'[i % 2]} note {i},{i % 3 == 0:d}" for i in range(N)]
    spoiled = [*lines[:50], '50,"x,0', *lines[51:53], '53,y",1', *lines[54:]]
    plain = [*lines[:50], '50,"two\nlines",0', *lines[51:]]
    for content, said in ((spoiled, True), (plain, False)):
        (tmp_path / "t.csv").write_text("id,note,buys\n" + "\n".join(content) + "\n", encoding="utf-8")
        for _ in range(2):
            table = asked("file", path=str(tmp_path / "t.csv"), target="buys").load()
            assert any("Is a quote missing" in line and "'note'" in line for line in table.log) is said


def test_errors_of_large_tables_name_column_and_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(files, "LARGE_ROWS", 100)
    frame = shop().assign(price=lambda f: f["price"].where(f.index != 4, np.inf), buys=lambda f: f["buys"].fillna("no"))
    frame.to_parquet(tmp_path / "shop.parquet", index=False)
    config = asked("file", path=str(tmp_path / "shop.parquet"), target="buys")
    with pytest.raises(DataError, match=r"column 'price': expected finite numbers, got 1 infinite row \(row 5\)"):
        config.load()
    assert not any(cache.rglob("*.npy"))
    unlabelled = asked("file", path=str(tmp_path / "shop.parquet"), target="buys", unlabelled=True)
    with pytest.raises(DataError, match=r"data.unlabelled: expected false for shop.parquet.*got true\. Unset it"):
        unlabelled.load()
    with pytest.raises(DataError, match=r"target 'bys': .* Did you mean 'buys'"):
        asked("file", path=str(tmp_path / "shop.parquet"), target="bys").load()


def test_a_folder_of_parquet_is_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = shop()
    frame.to_parquet(tmp_path / "whole.parquet", index=False)
    folder = tmp_path / "parts"
    (folder / "sub").mkdir(parents=True)
    frame.iloc[:200].to_parquet(folder / "a.parquet", index=False)
    frame.iloc[200:].to_parquet(folder / "sub" / "b.parquet", index=False)
    whole = asked("file", path=str(tmp_path / "whole.parquet"), target="buys").load()
    config = asked("file", path=str(folder), target="buys")
    parts = config.load()
    equal(whole, parts)
    assert parts.name == "parts"
    monkeypatch.setattr(files, "LARGE_ROWS", 100)
    equal(whole, config.load())
    monkeypatch.setattr(files, "LARGE_ROWS", 10**6)
    frame.drop(columns="zip").to_parquet(folder / "c.parquet", index=False)
    with pytest.raises(DataError, match=r"same columns in every file .* got zip in some only \(see c.parquet\)"):
        config.load()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected Parquet files in the folder, got none"):
        asked("file", path=str(tmp_path / "empty"), target="buys").load()


def test_large_text_becomes_parquet_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    shop().to_csv(tmp_path / "shop.csv", index=False)
    config = asked("file", path=str(tmp_path / "shop.csv"), target="buys")
    whole = config.load()
    monkeypatch.setattr(files, "LARGE_BYTES", 100)
    monkeypatch.setattr(files, "LARGE_ROWS", 100)
    equal(whole, config.load())
    assert len(list((cache / "text").iterdir())) == 1
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3\n" + "4,5\n" * 100)
    with pytest.raises(DataError, match=r"bad.csv: expected 2 columns of UTF-8 text"):
        asked("file", path=str(tmp_path / "bad.csv"), target="b").load()


def test_generated_rows_are_the_same_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = asked("impressions", rows=3000, group="country", group_split=False, drift=0.5)
    whole = config.load()
    monkeypatch.setattr(impressions, "IN_MEMORY", 100)
    streamed = config.load()
    equal(whole, streamed)
    np.testing.assert_array_equal(whole.truth, streamed.truth)  # type: ignore[arg-type]
    assert streamed.roles is not None
    assert whole.roles is not None
    assert streamed.roles.groups == whole.roles.groups


def test_a_changed_file_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE_ROWS", 100)
    path = tmp_path / "shop.parquet"
    config = asked("file", path=str(path), target="buys")
    shop().to_parquet(path, index=False)
    before = config.load().fingerprint
    shop(1).to_parquet(path, index=False)
    os.utime(path, (1, 1))
    assert config.load().fingerprint != before
