"""Batches and looks at validation in pieces are their rows."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.training.batches import VALIDATION_ROWS, cut, gather
from tests.conftest import Toy
from tests.training.fits import together


def test_pieces_of_features_are_their_rows(multi: Toy) -> None:
    """Cutting is taking runs of rows, and gathering is taking, for every kind of column."""
    x, rows = multi.val.x, torch.tensor([3, 3, 0, 50])
    for piece, start in zip(cut(x, 50), (0, 50, 100), strict=True):
        expected = x.take(torch.arange(start, min(start + 50, len(x))))
        for got, want in ((piece, expected), (gather(x, rows), x.take(rows))):
            for name, value in want.columns.items():
                mine: Any = got.columns[name]
                parts = ("ids", "weights", "offsets") if not isinstance(value, torch.Tensor) else ("data",)
                assert all(torch.equal(getattr(mine, p), getattr(value, p)) for p in parts)


def test_a_look_in_pieces_is_a_look(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large validation tables go through in pieces, several members through one pass where they are small."""
    recipes = [multi.recipe(dtype=torch.float64, max_steps=20, eval_every=5, seed=s) for s in range(3)]
    expected = [m.curve for m in together(recipes)]
    for rows in (50, 120, 240, 10_000):
        monkeypatch.setitem(VALIDATION_ROWS, "cpu", rows)
        for curve, member in zip(expected, together(recipes), strict=True):
            assert [score for _, score in member.curve] == pytest.approx([score for _, score in curve], abs=1e-12)
