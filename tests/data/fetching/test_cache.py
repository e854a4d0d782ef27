"""The cache: what is unused for longest makes room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.data.fetching import cache as data_cache

N = 600


def test_the_longest_unused_files_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3):
        folder = tmp_path / "encoded" / f"e{i}"
        folder.mkdir(parents=True)
        (folder / "x.npy").write_bytes(bytes(100))
        os.utime(folder, (i, i))
    monkeypatch.setattr(data_cache, "KEEP_BYTES", 150)
    data_cache.make_room(tmp_path / "encoded")
    assert [p.name for p in (tmp_path / "encoded").iterdir()] == ["e2"]
