"""Encoded features in files: one copy for all processes, and one of its own for each seed and option."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
import torch

from bench.data.config import DataConfig
from bench.data.features import load
from bench.data.features.encode import encode
from bench.data.tables.splits import partition
from tests.data.asked import asked
from tests.data.tables.test_large import same

N = 600


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def child(config: DataConfig) -> tuple[str, float]:
    load.SHARED_ROWS = 100
    e = load.load_encoded(config, 0, 0)
    value = e.train.x.columns["numeric"]
    assert isinstance(value, torch.Tensor)
    return str(os.getpid()), float(value.double().sum())


@pytest.mark.long
def test_processes_share_one_encoding(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Two workers at once: one folder of files, equal tensors, nothing left over."""
    config = asked("impressions", rows=2000)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = {total for _, total in pool.map(child, [config] * 4)}
    assert len(sums) == 1
    assert len(list((cache / "encoded").iterdir())) == 1
    monkeypatch.setattr(load, "SHARED_ROWS", 100)
    e = load.load_encoded(config, 0, 0)
    value = e.train.x.columns["numeric"]
    assert isinstance(value, torch.Tensor)
    value += 1  # a private copy: the file stays as it is
    fresh = load.load_encoded(config, 0, 0).train.x.columns["numeric"]
    assert float(fresh.double().sum()) in sums  # type: ignore[union-attr]


def test_other_seeds_and_options_have_files_of_their_own(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(load, "SHARED_ROWS", 100)
    base = {"source": "impressions", "rows": 1000}
    load.load_encoded(asked(**base), 0, 0)  # type: ignore[arg-type]
    for config, split, seed in (
        (asked(**base), 0, 1),  # type: ignore[arg-type]
        (asked(**base), 1, 0),  # type: ignore[arg-type]
        (asked(**base, outliers="clip"), 0, 0),  # type: ignore[arg-type]
        (asked(**base, target_encode=("item",)), 0, 0),  # type: ignore[arg-type]
    ):
        e = load.load_encoded(config, split, seed)
        table = config.load()
        parts = partition(table, split, seed)
        same(encode(table, parts, config), e)
    assert len(list((cache / "encoded").iterdir())) == 5
