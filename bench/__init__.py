"""imbench: which treatment of class imbalance is worth using on your data, by how much, and at what cost.

`bench.run` is the harness for notebooks; the shell command is `imbench`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["run"]


def run(overrides: Sequence[str]) -> pd.DataFrame:
    """Run a sweep as `imbench run -m …` does, and return its records as a table, one row per cell.

    Args:
        overrides: Hydra's grammar, as in the shell but without quotes: `["strategy=none,focal", "seed=0,1,2"]`.

    Raises:
        ValueError: the overrides or the data cannot be used; the message says what to do.
        bench.records.files.ResultsError: the results folder cannot be used.
    """
    from rich.console import Console  # noqa: PLC0415 - `import bench` stays free of everything

    from bench.cli.cells import prepare  # noqa: PLC0415
    from bench.cli.compose import compose, expand, guard, hydra_loader  # noqa: PLC0415
    from bench.records.store import load  # noqa: PLC0415
    from bench.sweep.run import run_sweep  # noqa: PLC0415

    with hydra_loader() as loader:
        planned, options = prepare(compose(loader, expand(guard(overrides), loader)))
    run_sweep(planned, options, Console(stderr=True))
    frame = load(options.results)
    return frame[frame["key"].isin([p.key for p in planned])].reset_index(drop=True)
