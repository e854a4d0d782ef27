"""Bags as lists of lists: what Hypothesis draws, and the way there and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from hypothesis import strategies as st

from strategies.spec import Bag

ragged = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.floats(-2, 2, width=32)), max_size=5), min_size=1, max_size=8
)


Ragged = list[list[tuple[int, float]]]


def bag(rows: Ragged) -> Bag:
    flat = [pair for row in rows for pair in row]
    ends = np.cumsum([0, *map(len, rows)])
    return Bag(
        torch.tensor([i for i, _ in flat], dtype=torch.int32),
        torch.tensor([w for _, w in flat], dtype=torch.float64),
        torch.tensor(ends, dtype=torch.int32),
    )


def unbag(b: Bag) -> Ragged:
    """Back to lists, checking the layout on the way."""
    assert b.ids.dtype == b.offsets.dtype == torch.int32
    assert len(b.ids) == len(b.weights) == int(b.offsets[-1])
    ends = b.offsets.tolist()
    pairs = list(zip(b.ids.tolist(), b.weights.tolist(), strict=True))
    return [pairs[i:j] for i, j in pairwise(ends)]
