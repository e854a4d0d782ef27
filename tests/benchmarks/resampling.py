"""An epoch of oversampled rows: a draw of indices against imbalanced-learn."""

from __future__ import annotations

import numpy as np
import torch

from strategies.importance_weighted import DrawWeighted
from strategies.oversample import DrawMore
from tests.benchmarks.measure import Measured, compared, peak_memory, timed

ROWS = 1_000_000
MANY = 100_000_000
ABOVE = (1 << 24) + 1_000_000  # more rows than torch.multinomial takes, and than float32 can count


def measure() -> list[Measured]:
    """Seconds and memory at a million rows; a weighted draw above 2^24 rows, with what it must give."""
    y = (torch.rand(ROWS, generator=torch.Generator().manual_seed(0)) < 0.05).long()
    rows, draw = torch.arange(ROWS), DrawMore(1.0)
    x = np.arange(ROWS, dtype=np.float32).reshape(-1, 1)

    def reference() -> None:
        from imblearn.over_sampling import RandomOverSampler

        RandomOverSampler(random_state=0).fit_resample(x, y.numpy())

    def ours() -> None:
        draw(rows, y, torch.Generator().manual_seed(0))

    ratio = compared(
        "resampling",
        "oversampling 1M rows, as indices",
        "RandomOverSampler, one feature column",
        reference,
        ours,
        target=None,
        repeats=5,
    )
    assert ratio.our_seconds is not None
    with peak_memory() as used:
        ours()
    seconds = Measured("resampling", "oversampling 1M rows", "absolute", ratio.our_seconds, 0.05, unit="s")
    memory = Measured("resampling", "oversampling 1M rows, memory", "absolute", used[0], 70, unit="MiB")
    return [ratio, seconds, memory, many(), above()]


def many() -> Measured:
    """An epoch of a hundred million rows, with as many of each class."""
    y = (torch.rand(MANY, generator=torch.Generator().manual_seed(0)) < 0.05).byte()
    rows, counts = torch.arange(MANY), list[int]()

    def ours() -> None:
        drawn = DrawMore(1.0)(rows, y, torch.Generator().manual_seed(0))
        counts.extend(torch.bincount(y[drawn]).tolist())

    spent, _ = timed(ours)
    note = f"{'as many' if len(set(counts)) == 1 else 'NOT as many'} rows of each class: {counts[0]:,}"
    return Measured("resampling", f"oversampling {MANY:,} rows", "absolute", spent, None, unit="s", note=note)


def above() -> Measured:
    """A weighted draw from more than 2^24 rows: the last row weighs half of all and must come up as often."""
    weight = torch.ones(ABOVE, dtype=torch.float64)
    weight[-1] = ABOVE - 1
    rows, y = torch.arange(ABOVE), torch.zeros(1, dtype=torch.int64)
    found: list[float] = []

    def ours() -> None:
        drawn = DrawWeighted(weight)(rows, y, torch.Generator().manual_seed(0))
        found.append(float((drawn == ABOVE - 1).double().mean()))

    spent, _ = timed(ours)
    right = abs(found[0] - 0.5) < 0.001
    note = f"share of the row with half of the weight: {found[0]:.4f}, expected .5: {'right' if right else 'WRONG'}"
    return Measured(
        "resampling", f"weighted draw of {ABOVE:,} rows", "torch.multinomial refuses", spent, None, unit="s", note=note
    )
