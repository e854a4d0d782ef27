"""The cache: what is unused for longest makes room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.data.fetching import cache as data_cache

N = 600


def test_the_longest_unused_files_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3):
        folder = tmp_path / "encoded" / (f"{i}" * 32)
        folder.mkdir(parents=True)
        (folder / "x.npy").write_bytes(bytes(100))
        os.utime(folder, (i, i))
    monkeypatch.setattr(data_cache, "KEEP_BYTES", 150)
    data_cache.make_room(tmp_path / "encoded")
    assert [p.name for p in (tmp_path / "encoded").iterdir()] == ["2" * 32]


@pytest.mark.parametrize("part", ["encoded", "tables", "text", "generated"])
def test_only_what_was_written_here_is_deleted(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache may be set to a folder of the user's own, with folders and links of these names: they stay whole."""
    from rich.console import Console

    from bench.data.inspect.report import cache

    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "own"))
    monkeypatch.setattr(data_cache, "KEEP_BYTES", 0)
    folder, elsewhere = tmp_path / "own" / part, tmp_path / "elsewhere"
    ours = {"text": f"{'a' * 32}-0.parquet", "generated": f"impressions-{'a' * 16}.parquet"}.get(part, "a" * 32)
    for place in (folder / "mine", folder / "thesis.txt", elsewhere / ours, elsewhere / "x"):
        place.mkdir(parents=True)
        (place / "file").write_text("kept")
    (folder / ours).mkdir()
    (folder / ours / "file").write_text("ours")
    (folder / ("b" * 32)).symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    data_cache.make_room(folder)
    assert not (folder / ours).exists()
    assert cache(["clear=true"], Console(quiet=True)) == 0
    assert sorted(p.name for p in folder.iterdir()) == sorted(["mine", "thesis.txt", "b" * 32])
    assert sorted(elsewhere.rglob("*")) == before
    for other in data_cache.PARTS:
        if other != part:
            (tmp_path / "own" / other).symlink_to(elsewhere, target_is_directory=True)
    assert cache(["clear=true"], Console(quiet=True)) == 0
    assert sorted(elsewhere.rglob("*")) == before
