"""sinh similarity to a thousand targets: the whole of it against its matrix product alone."""

from __future__ import annotations

import torch
from torch.nn import functional

from strategies.importance_weighted import CHUNK, similarity
from tests.benchmarks.measure import Measured, compared

ROWS, WIDTH, TARGETS = 100_000, 384, 1000
WHAT = f"sinh similarity, {ROWS:,} × {WIDTH} against {TARGETS:,} targets"


def measure() -> list[Measured]:
    """A tenth of the table's million rows: work is in chunks, so that the ratio does not depend on their number."""
    g = torch.Generator().manual_seed(0)
    v, targets = torch.randn(ROWS, WIDTH, generator=g), torch.randn(TARGETS, WIDTH, generator=g)
    unit, aims = functional.normalize(v, dim=-1), functional.normalize(targets, dim=-1)

    def product() -> None:
        for start in range(0, ROWS, CHUNK):
            _ = unit[start : start + CHUNK] @ aims.T

    return [
        compared(
            "similarity", WHAT, "the matrix product alone", product, lambda: similarity(v, targets, "sinh", 1.0),
            target=1.15, repeats=5, note="100k rows for the table's 1M",
        )
    ]  # fmt: skip
