"""A sweep of small fits: our engine against Hydra's basic launcher over plain Lightning; what a fit costs beyond it."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.cli.cells import plan_cells
from bench.cli.compose import compose, expand, guard, hydra_loader
from bench.config import RunConfig
from bench.records.record import Record
from bench.records.store import Store
from bench.sweep.runner import Runner
from tests.benchmarks.commands import imbench, processor_seconds, stock
from tests.benchmarks.measure import Measured, Seconds

# The network that the reference has, too: no hidden layer, straight lines, a constant rate.
SAME: tuple[str, ...] = ("model.hidden=[]", "model.bins=0", "train.decay=0", "train.max_steps=200")
CELLS: tuple[str, ...] = ("strategy=none,focal,class_weights,oversample", "data=digits_lt")
GRID: tuple[str, ...] = (*CELLS, "seed=0,1,2,3,4,5", *SAME)
MANY: tuple[str, ...] = (*CELLS, "seed=range(0,24)", *SAME)
STOCK = ("hydra/launcher=basic", "hydra/sweeper=basic")
ROUNDS = 3


def measure() -> list[Measured]:
    """Whole commands of 24 cells, start-up included, both sides in turn; the same command again; the engine alone."""
    ours, theirs, again, plans = (list[Seconds]() for _ in range(4))
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS):
            root = Path(folder) / str(i)
            root.mkdir()
            sides = [
                (theirs, lambda root=root: stock("sweep", "-m", *STOCK, *GRID, f"results={root / 'theirs'}", cwd=root)),
                (ours, lambda root=root: imbench("run", "-m", *GRID, f"results={root / 'ours'}", cwd=root)),
            ]
            for seconds, side in sides[:: 1 if i % 2 else -1]:
                seconds.append(spent(side))
            again.append(spent(lambda root=root: imbench("run", "-m", *GRID, f"results={root / 'ours'}", cwd=root)))
            plans.append(spent(lambda root=root: imbench("plan", *GRID, f"results={root / 'ours'}", cwd=root)))
        cells = len(list((root / "theirs").glob("*.json")))
    (a, own), (b, other) = ([median(s) for s in zip(*side, strict=True)] for side in (ours, theirs))
    pairs = [x[0] / y[0] for x, y in zip(ours, theirs, strict=True)]
    ratio = Measured(
        "sweep",
        "24 small fits, two workers",
        "Hydra's basic launcher, plain Lightning, stock DataLoaders",
        a / b,
        0.5,
        reference_seconds=b,
        our_seconds=a,
        spread=(min(pairs), max(pairs)),
        cpu=own / other,
        note=f"{cells} cells of 200 steps; medians of {ROUNDS} runs each, alternating; processor seconds "
        f"{own:.1f} against {other:.1f}",
    )
    same, plan = seconds_of("the same command again", again), seconds_of("plan of the same grid", plans)
    return [ratio, same, plan, engine(), together()]


def together() -> Measured:
    """Whole commands of a larger sweep, cells of all seeds as stacks and one after another; records are the same."""
    sides: dict[str, list[Seconds]] = {"auto": [], "off": []}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS):
            for stack in sorted(sides, reverse=bool(i % 2)):
                root = Path(folder) / f"{stack}{i}"
                command = ("run", "-m", *MANY, f"run.stack={stack}", f"results={root}")
                sides[stack].append(spent(lambda command=command: imbench(*command, cwd=Path(folder))))
        cells = len(Store(root).paths())
    (a, own), (b, other) = ([median(s) for s in zip(*side, strict=True)] for side in sides.values())
    pairs = [x[0] / y[0] for x, y in zip(*sides.values(), strict=True)]
    return Measured(
        "sweep",
        f"{cells} small fits, run.stack=auto, two workers",
        "run.stack=off",
        a / b,
        None,
        reference_seconds=b,
        our_seconds=a,
        spread=(min(pairs), max(pairs)),
        cpu=own / other,
        note=f"medians of {ROUNDS} runs each, alternating, start-up and board included; processor seconds "
        f"{own:.1f} against {other:.1f}",
    )


def spent(side: Callable[[], object]) -> Seconds:
    """Seconds of a command by the clock, and of all its processes' processors."""
    began, busy = time.perf_counter(), processor_seconds()
    side()
    ended = time.perf_counter()
    return ended - began, processor_seconds() - busy


def seconds_of(what: str, runs: list[Seconds]) -> Measured:
    """A command that should take at most two seconds."""
    clock, busy = ([s[k] for s in runs] for k in (0, 1))
    note = f"median of {len(runs)}, {min(clock):.2f} to {max(clock):.2f}; processor seconds {median(busy):.2f}"
    return Measured("sweep", what, "absolute", median(clock), 2.0, unit="s", note=note)


def engine() -> Measured:
    """Milliseconds a fit beyond training: set-up, metrics in all views, predictions and record, in this process."""
    records, spent = list[Record](), list[float]()
    with tempfile.TemporaryDirectory() as folder, hydra_loader() as loader:
        grid = [
            *CELLS,
            "seed=0",
            *SAME,
            "train.lr=0.001,0.003,0.01,0.03,0.1,0.002",
            f"results={folder}",
        ]
        planned, _ = plan_cells(compose(loader, expand(guard(grid), loader)))
        gc.collect()
        gc.freeze()  # as workers do
        groups = [planned[:1], *(planned[at : at + 4] for at in range(1, len(planned), 4))]
        with Runner(Path(folder), RunConfig(), began=lambda _: None, done=records.append) as runner:
            for group in groups:
                began = time.perf_counter()
                runner.execute(group)
                spent.append(time.perf_counter() - began)
    trained = {r.key: float(r.cost["train_seconds"] or 0) for r in records}
    each = [
        1000 * (seconds - sum(trained[p.key] for p in group)) / len(group)
        for group, seconds in zip(groups, spent, strict=True)
    ][1:]  # the first group pays for loading data and for first calls
    note = (
        f"median of {len(each)} groups of 4 fits, {min(each):.1f} to {max(each):.1f}; training "
        f"{1000 * sum(trained.values()) / len(trained):.0f} ms a fit; metrics and files included"
    )
    return Measured("sweep", "engine beyond training, per fit", "absolute", median(each), 15.0, unit="ms", note=note)
