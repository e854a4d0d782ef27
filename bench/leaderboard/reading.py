"""The records that boards are made of: those that prove themselves, with values that their metrics can take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.text import Text

from bench.evaluation.registry import METRICS
from bench.leaderboard.text.words import clean, plural
from bench.records import index, snapshot
from bench.records.columns import RecordTable

_SAID: Final = 5
_ROUNDING: Final = 1e-9


def read_records(root: Path) -> RecordTable:
    """The records of a results folder that can be believed; the others are named in `left_out`."""
    return _in_range(index.read(root))


def read_folder(folder: Path) -> RecordTable:
    """The records of a snapshot or of a results folder, as `read_records`.

    Raises:
        ResultsError: it is neither, or a snapshot whose records are not those that were written.
    """
    return _in_range(snapshot.read(folder))


def _in_range(records: RecordTable) -> RecordTable:
    """Without records that have a metric outside of its range; these are named in `left_out`."""
    wrong: dict[int, str] = {}
    for name, values in records.numbers.items():
        view, _, metric_name = name.partition("/")
        metric = METRICS.get(metric_name)
        if metric is None or view not in metric.views:  # a regret, `truth:raw/log_loss`, may be below 0
            continue
        low, high = metric.bounds
        for i in np.flatnonzero((values < low - _ROUNDING) | (values > high + _ROUNDING)).tolist():
            wrong.setdefault(i, f"its {name} is {values[i]:g}, outside of [{low:g}, {high:g}]")
    if not wrong:
        return records
    lines = [
        f"record {records.keys[i]}: {why}; imbench results evaluate overwrite=true computes it anew"
        for i, why in sorted(wrong.items())
    ]
    kept = records.take(np.array([i for i in range(len(records)) if i not in wrong], np.int64))
    return replace(kept, left_out=(*records.left_out, *lines))


def say_left_out(records: RecordTable, console: Console) -> None:
    """Name what no board is made of, a line each."""
    for line in records.left_out[:_SAID]:
        console.print(Text(f"Left out: {clean(line)}"), soft_wrap=True)
    if (more := len(records.left_out) - _SAID) > 0:
        console.print(Text(f"Left out: {plural(more, 'more file')}; imbench results check names all"), soft_wrap=True)
