"""Composing and planning cells from the shell."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.cli.cells import plan_cells
from bench.cli.compose import compose, expand, guard, hydra_loader
from tests.benchmarks.measure import Measured, compared, timed

GRID = [
    "strategy=none,focal,class_weights,oversample",
    "data=digits_lt",
    "seed=range(0,50)",
    "train.lr=0.001,0.003,0.01,0.03,0.1",
]


def measure() -> list[Measured]:
    """1,000 cells: composed, checked and keyed; one cell composed by Hydra itself."""
    with tempfile.TemporaryDirectory() as folder, hydra_loader() as loader:
        jobs = expand(guard(GRID), loader)
        assert len(jobs) == 1000
        plan_cells(compose(loader, [[*jobs[0], f"results={Path(folder)}"]]))  # the table is loaded once per process

        def ours() -> None:
            plan_cells(compose(loader, [[*job, f"results={Path(folder)}"] for job in expand(guard(GRID), loader)]))

        spent = sorted(timed(ours)[0] for _ in range(3))[1]
        per_cell = compared(
            "planning",
            "20 cells of two strategies composed",
            "Hydra's own composition of each",
            lambda: [loader.load_configuration("config", job, run_mode=mode()) for job in jobs[240:260]],
            lambda: compose(loader, jobs[240:260]),
            target=None,
            repeats=3,
        )
    return [Measured("planning", "1,000 cells composed, checked and keyed", "absolute", spent, 2.0, unit="s"), per_cell]


def mode() -> object:
    """Hydra's mode of single runs."""
    from hydra.types import RunMode

    return RunMode.RUN
