"""An epoch of oversampled rows: a draw of indices, and rows made by SMOTE, against imbalanced-learn."""

from __future__ import annotations

import numpy as np
import torch

from bench.models.linear import Linear
from strategies.importance_weighted import DrawWeighted
from strategies.oversample import DrawMore, Oversample
from strategies.parts.neighbours import points
from strategies.spec import Features, Field, Recipe, Split
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
    return [ratio, seconds, memory, *smote(), many(), above()]


def smote(rows: int = ROWS, width: int = 32) -> list[Measured]:
    """SMOTE at 1% of the rarer class, neighbours included: time and memory of both in this run.

    Ours is the table with made rows as training gets it (`redraw=once`), which is what imbalanced-learn returns.
    """
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(rows, width, generator=g), (torch.rand(rows, generator=g) < 0.01).long()
    schema = (Field("numeric", "numeric", width=width),)
    split = Split(Features(schema, {"numeric": x}), y, 2)
    recipe = Recipe(train=split, val=split, model=Linear())
    made = dict[str, int]()

    def reference() -> None:
        from imblearn.over_sampling import SMOTE

        made["theirs"] = len(SMOTE(random_state=0).fit_resample(x.numpy(), y.numpy())[1])

    def ours() -> None:
        points.cache_clear()  # a table is standardised once, and here anew each time
        made["ours"] = len(Oversample(method="smote", redraw="once").prepare(recipe).train)

    what = f"SMOTE, {rows:,} × {width} at 1%, neighbours included"
    time = compared("resampling", what, "imbalanced-learn's", reference, ours, target=1.0, repeats=3)
    peaks = list[float]()
    for side in (reference, ours):
        points.cache_clear()
        with peak_memory() as used:
            side()
        peaks.append(used[0])
    equal = "as many rows" if made["ours"] == made["theirs"] else f"NOT as many rows: {made}"
    note = f"{peaks[1]:.0f} against {peaks[0]:.0f} MiB; {equal}"
    return [time, Measured("resampling", f"{what}, memory", "imbalanced-learn's", peaks[1] / peaks[0], 0.5, note=note)]


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
