"""`imbench.run`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.cli.cells import plan_cells
from bench.cli.console import Console
from bench.records.store import load
from bench.sweep.run import run_sweep

from .overrides import compose_grid


def run(overrides: Sequence[str] = (), *, quiet: bool = False) -> pd.DataFrame:
    """Run a sweep, as `imbench run -m …` does: cells that have a record are not run again.

    Args:
        overrides: Hydra's grammar, as in the shell but without its quotes: `["strategy=none,focal", "repeats=5"]`.
        quiet: print no progress (to standard error).

    Returns:
        One row per cell of the sweep, failed and skipped ones included (`status`, `reason`): what it is about (`data`,
        `target`, `model`, `strategy`, `split`, `seed`), a column per metric (`raw/average_precision`), what it cost
        (`train_seconds`, `fits`, `steps`), and its `record`.

    Raises:
        imbench.Complaint: the overrides, the data or the results folder cannot be used; says what to do.
    """
    planned, options = plan_cells(compose_grid(overrides))
    run_sweep(planned, options, Console(stderr=True, quiet=quiet))
    frame = load(options.results)
    return frame[frame["key"].isin([p.key for p in planned])].reset_index(drop=True)
