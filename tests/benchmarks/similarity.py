"""sinh similarity to a thousand targets: the whole of it against its matrix product alone."""

from __future__ import annotations

import torch
from torch.nn import functional

from strategies.parts.likeness import CHUNK, similarity
from tests.benchmarks.measure import Measured, compared, peak_memory

ROWS, WIDTH, TARGETS = 100_000, 384, 1000
WHAT = f"sinh similarity, {ROWS:,} × {WIDTH} against {TARGETS:,} targets"


def measure() -> list[Measured]:
    """A tenth of the table's million rows: work is in chunks, so that the ratio does not depend on their number."""
    g = torch.Generator().manual_seed(0)
    v, targets = torch.randn(ROWS, WIDTH, generator=g), torch.randn(TARGETS, WIDTH, generator=g)
    unit, aims = functional.normalize(v, dim=-1), functional.normalize(targets, dim=-1)

    space = torch.empty(CHUNK, TARGETS)

    def product() -> None:
        for rows in torch.split(unit, CHUNK):
            _ = rows @ aims.T

    def product_in_place() -> None:
        for rows in torch.split(unit, CHUNK):
            torch.mm(rows, aims.T, out=space[: len(rows)])

    def ours() -> None:
        similarity(v, targets, "sinh", 1.0)

    with peak_memory() as rise:
        ours()
    note = f"100k rows for the table's 1M; {rise[0]:.0f} MiB on top of the rows"
    return [
        compared(
            "similarity",
            WHAT,
            "the matrix product alone, in the same chunks",
            product,
            ours,
            target=1.15,
            repeats=9,
            note=note,
        ),
        compared(
            "similarity", WHAT, "the same into memory allocated once", product_in_place, ours, target=None, repeats=9
        ),
    ]
