"""A sweep of small fits: our engine against Hydra's basic launcher over plain Lightning; what a fit costs beyond it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.cell import execute
from bench.commands import prepare
from bench.compose import compose, expand, guard, hydra_loader
from bench.config import RunConfig
from bench.results import Record
from tests.benchmarks.commands import imbench, stock
from tests.benchmarks.measure import Measured

GRID = ("strategy=none,focal,class_weights,oversample", "data=digits_lt", "seed=0,1,2,3,4,5", "train.max_steps=200")
STOCK = ("hydra/launcher=basic", "hydra/sweeper=basic")


def measure() -> list[Measured]:
    """Whole commands of 24 cells, start-up included, once each; the second run; the engine alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        spent = []
        for _ in range(2):
            began = time.perf_counter()
            imbench("run", "-m", *GRID, f"results={root / 'ours'}", cwd=root)
            spent.append(time.perf_counter() - began)
        began = time.perf_counter()
        stock("sweep", "-m", *STOCK, *GRID, f"results={root / 'theirs'}", cwd=root)
        theirs = time.perf_counter() - began
        cells = len(list((root / "theirs").glob("*.json")))
    note = f"{cells} cells of 200 steps; one run each"
    ratio = Measured(
        "sweep", "24 small fits, two workers", "Hydra's basic launcher, plain Lightning, stock DataLoaders",
        spent[0] / theirs, 0.5, reference_seconds=theirs, our_seconds=spent[0], note=note,
    )  # fmt: skip
    return [ratio, Measured("sweep", "the same command again", "absolute", spent[1], 2.0, unit="s"), engine()]


def engine() -> Measured:
    """Milliseconds a fit beyond training: set-up, metrics in all views, predictions and record, in this process."""
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as folder, hydra_loader() as loader:
        grid = [*GRID[:2], "seed=0", "train.max_steps=200", "train.lr=0.001,0.003,0.01,0.03,0.1", f"results={folder}"]
        planned, _ = prepare(compose(loader, expand(guard(grid), loader)))
        for group in (planned[:1], planned[1:]):  # the first pays for loading data and first calls
            records.clear()
            began = time.perf_counter()
            execute(group, Path(folder), RunConfig(), lambda _: None, records.append)
            spent = time.perf_counter() - began
    trained = sum(float(r.cost["train_seconds"] or 0) for r in records)
    each = 1000 * (spent - trained) / len(records)
    note = f"{len(records)} fits; training {1000 * trained / len(records):.0f} ms each; metrics and files included"
    return Measured("sweep", "engine beyond training, per fit", "absolute", each, 10.0, unit="ms", note=note)
