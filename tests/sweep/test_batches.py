"""Batches of cells: no worker idle, none too large, none with two data sets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.data.loaded import loaded_table
from bench.sweep.batches import batches, divided


def test_work_is_divided_until_nobody_stands_idle() -> None:
    """Cells of one group are split between workers; no cell is lost or doubled."""
    from bench.config import read_cell
    from bench.sweep.plan import Planned

    raw = {"data": {"source": "digits_lt"}, "model": {"name": "linear"}, "strategy": {}, "train": {}}
    one = read_cell(raw)
    cells = [Planned(replace(one, seed=s), f"{s}-{i}", {}, "d", "t") for s in (0, 1) for i in range(5)]
    for workers in (1, 2, 3, 4, 16):
        parts = batches(cells, workers)
        assert sorted(p.key for part in parts for p in part) == sorted(p.key for p in cells)
        assert len(parts) >= min(workers, len(cells))
        assert all(len({p.cell.seed for p in part}) == 1 for part in parts)


def test_cells_of_several_seeds_are_joined_where_they_may_train_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than trains faster together, nor more data than memory is good for; divided by seeds."""
    from bench.config import read_cell
    from bench.sweep.plan import Planned

    raw = {"data": {"source": "digits_lt"}, "model": {"name": "linear"}, "strategy": {}, "train": {}}
    cells = [
        Planned(replace(read_cell(raw), split=b, seed=s), f"{b}-{s}-{i}", {}, "d", "t")
        for i in range(5)
        for b in (0, 1)
        for s in range(4)
    ]

    def sizes(workers: int) -> list[tuple[int, int]]:
        parts = batches(cells, workers, seeds_together=True)
        assert sorted(p.key for part in parts for p in part) == sorted(p.key for p in cells)
        assert all(len({p.cell.split for p in part}) == 1 for part in parts)
        return [(len(part), len({p.cell.seed for p in part})) for part in parts]

    assert sizes(1) == [(20, 4), (20, 4)]  # nothing to balance
    assert sizes(2) == [(10, 2)] * 4
    assert sizes(5) == [(10, 2)] * 3 + [(5, 1)] * 2
    monkeypatch.setattr("bench.sweep.batches.MOST_CELLS", 16)
    assert sizes(1) == [(15, 3), (15, 3), (5, 1), (5, 1)]
    monkeypatch.setattr("bench.sweep.batches.MOST_ROWS", 2 * len(loaded_table(cells[0].cell.data)))
    assert sizes(1) == [(10, 2)] * 4
    monkeypatch.setattr("bench.sweep.batches.MOST_ROWS", 1)
    assert sizes(1) == [(5, 1)] * 8
    one, other = divided(cells)
    assert {p.cell.seed for p in one}.isdisjoint(p.cell.seed for p in other)
    assert sorted(p.key for p in one + other) == sorted(p.key for p in cells)
