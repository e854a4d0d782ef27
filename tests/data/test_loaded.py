"""A loaded table serves the next cell too, and is loaded anew when its file is replaced; the cache can be cleared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.data import loaded
from bench.data.config import DataConfig
from bench.data.loaded import loaded_table
from tests.data.asked import asked

ROWS = "a,buys\n" + "".join(f"{i},{i % 2}\n" for i in range(40, 80))


@pytest.fixture(autouse=True)
def nothing_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded._loaded.clear()
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))


def shop(tmp_path: Path, name: str = "t.csv") -> DataConfig:
    (tmp_path / name).write_text(ROWS)
    return asked("file", path=str(tmp_path / name), target="buys", kinds={"a": "numeric"})


def test_a_replaced_file_is_loaded_anew(tmp_path: Path) -> None:
    config = shop(tmp_path)
    first = loaded_table(config)
    assert loaded_table(config) is first
    (tmp_path / "t.csv").write_text(ROWS + "99,1\n")
    assert len(loaded_table(config)) == len(first) + 1
    (tmp_path / "t.csv").write_text(ROWS + "98,1\n")
    os.utime(tmp_path / "t.csv", (1, 1))  # of one size: the time tells
    assert loaded_table(config).frame["a"].max() == 98


def test_the_latest_table_stays_and_older_ones_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = shop(tmp_path, "one.csv"), shop(tmp_path, "other.csv")
    first = loaded_table(one)
    monkeypatch.setattr(loaded, "MEMORY_BYTES", loaded.size(first))
    second = loaded_table(other)
    assert loaded_table(other) is second
    assert loaded_table(one) is not first


def test_the_cache_is_shown_and_cleared_but_for_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"sets": "a-v1.parquet", "encoded": f"{'b' * 32}/x.npy", "tables": f"{'c' * 32}/0.npy"}
    for part, name in names.items():
        path = tmp_path / "cache" / part / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(2_000_000))
    assert main(["data", "cache"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[:3] for line in shown.splitlines() if "2.0" in line] == [
        ["sets", "1", "2.0"], ["tables", "1", "2.0"], ["encoded", "1", "2.0"],
    ]  # fmt: skip
    assert main(["data", "cache", "clear=everything"]) == 2
    assert "clear=true (all but what was fetched)" in capsys.readouterr().err
    assert main(["data", "cache", "clear=true"]) == 0
    left = [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert left == ["a-v1.parquet"]
    assert main(["data", "cache", "clear=sets"]) == 0
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
