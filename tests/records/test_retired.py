"""Records that are put away: gone from where they count, whole when they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.records.files import ResultsError
from bench.records.retired import keys_like, restore, retire, retired_store
from bench.records.store import Store
from tests.evaluation.test_reevaluate import finished


def files(root: Path) -> dict[str, bytes]:
    """Every file of a results folder with its content."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_away_and_back_is_nothing_lost(tmp_path: Path) -> None:
    """To the byte, predictions too; between the two nothing counts and nothing is left over."""
    store = Store(tmp_path)
    first, second = (finished(store, 2, seed) for seed in (0, 1))
    before = files(tmp_path)
    assert retire(store, [first.key, "0" * 64]) == 1
    assert store.get(first.key) is None
    assert store.orphans() == []
    assert [record.key for record in store] == [second.key]
    away = retired_store(store)
    assert [record.key for record in away] == [first.key]
    assert keys_like(away, first.key[:8]) == [first.key]
    assert keys_like(away, first.key[:7]) == []
    assert restore(store, [first.key]) == 1
    assert files(tmp_path) == before


def test_a_cell_that_was_run_again_is_not_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = finished(store, 2, 0)
    retire(store, [record.key])
    finished(store, 2, 0)
    before = files(tmp_path)
    with pytest.raises(ResultsError, match="run again since it was put away"):
        restore(store, [record.key])
    assert files(tmp_path) == before
