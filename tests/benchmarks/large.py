"""From a Parquet file to one epoch of training at 100 thousand, a million and ten million rows of 40 columns.

Each step in a process of its own, whose memory nothing else has touched, and after the same step on a small table: cost
per row without start-up. Needs 10 GB of disk for the largest.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import torch

from bench.data.config import DataConfig
from bench.data.features import prepare
from bench.data.fetching.cache import ENVIRONMENT, cache_root
from bench.data.sources import file as files
from bench.models.mlp import MLP
from bench.training.threads import limit_threads
from bench.training.trainer import fit
from tests.benchmarks.measure import Measured
from tests.benchmarks.synthetic import recipe
from tests.data.asked import asked

SIZES = (100_000, 1_000_000, 10_000_000)
SMALL = 20_000
NUMERIC, CATEGORIES = 36, (10, 100, 1_000, 10_000)
BATCH = 4096
CPU = torch.device("cpu")
STEPS = ("ingest", "encode", "train")


def write(path: Path, rows: int) -> None:
    """36 numbers, one with gaps, and 4 categories of 10 to 10,000 names; about one positive in fifty."""
    rng, writer = np.random.default_rng(0), None
    for start in range(0, rows, 100_000):
        n = min(100_000, rows - start)
        columns: dict[str, Any] = {f"n{i:02d}": rng.standard_normal(n) for i in range(NUMERIC)}
        margin = columns["n01"] + columns["n02"] - 4.5
        columns["n00"][rng.random(n) < 0.05] = np.nan
        for i, size in enumerate(CATEGORIES):
            names = np.array([f"v{k}" for k in range(size)])
            columns[f"c{i}"] = pa.array(names[(rng.random(n) ** 2 * size).astype(int)])
        columns["y"] = (rng.random(n) < 1 / (1 + np.exp(-margin))).astype(np.int8)
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def config(path: Path) -> DataConfig:
    """Few validation rows: what they cost depends on how often the trainer looks, and not on the data."""
    return asked("file", path=str(path), target="y", test_fraction=0.1, val_fraction=0.01)


def train(path: Path) -> None:
    """One epoch, from the encoded files."""
    data = prepare.prepare(config(path), 0, 0)
    steps = len(data.train) // BATCH
    made = recipe(
        data.train,
        data.val,
        MLP(dim=16, hidden=(), bins=0, dropout=0.0),
        batch_size=BATCH,
        max_steps=steps,
        eval_every=max(steps // 4, 1),
        patience=999,
    )
    (outcome,) = fit([made], CPU)
    if isinstance(outcome, Exception):
        raise outcome


WORK: dict[str, Callable[[Path], Any]] = {
    "ingest": lambda path: config(path).load(),
    "encode": lambda path: prepare.prepare(config(path), 0, 0),
    "train": train,
}


@dataclass(frozen=True)
class Cost:
    """Of one step: seconds per row in millionths, by processor and clock; peak memory in MiB."""

    processor: float
    clock: float
    base: float  # resident before, imports included
    anonymous: float
    resident: float  # with what the system shows of mapped files


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Peaks of anonymous and of all resident memory in the block, in MiB, looked at every 10 ms."""
    peaks, over = {"RssAnon": 0.0, "VmRSS": 0.0}, threading.Event()

    def watch() -> None:
        while True:
            for name, value in resident().items():
                peaks[name] = max(peaks[name], value)
            if over.wait(0.01):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def resident() -> dict[str, float]:
    """Anonymous and all resident memory of this process, in MiB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "VmRSS"))}
    return {name: int(value) / 2**10 for name, value in found.items()}


def step(name: str, folder: Path, rows: int, pipe: Connection) -> None:
    """In a process of its own: a step on a small table, then measured on this one."""
    limit_threads(1)
    os.environ[ENVIRONMENT] = str(folder / f"cache-{name}-{rows}")
    files.LARGE_ROWS = prepare.SHARED_ROWS = SMALL // 2
    for earlier in STEPS[: STEPS.index(name) + 1]:
        WORK[earlier](folder / f"{SMALL}.parquet")
    os.environ[ENVIRONMENT] = str(folder / f"cache-{rows}")
    base = resident()["VmRSS"]
    with watched() as peaks:
        began, busy = time.perf_counter(), time.process_time()
        WORK[name](folder / f"{rows}.parquet")
        clock, processor = time.perf_counter() - began, time.process_time() - busy
    pipe.send(Cost(processor / rows * 1e6, clock / rows * 1e6, base, peaks["RssAnon"], peaks["VmRSS"]))


def one(name: str, folder: Path, rows: int) -> Cost:
    """What a step costs."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=step, args=(name, folder, rows, theirs), daemon=True)
    process.start()
    theirs.close()
    found: Cost = ours.recv()
    process.join()
    return found


def encoded_size(folder: Path, rows: int) -> float:
    """MiB of the encoded files."""
    os.environ[ENVIRONMENT], before = str(folder / f"cache-{rows}"), os.environ.get(ENVIRONMENT)
    total = sum(p.stat().st_size for p in (cache_root() / "encoded").rglob("*.npy"))
    os.environ.pop(ENVIRONMENT) if before is None else os.environ.update({ENVIRONMENT: before})
    return total / 2**20


def measure(most: int = SIZES[-1]) -> list[Measured]:
    """Cost per row at each size against that of the smallest, and the memory of training at the largest."""
    sizes = [n for n in SIZES if n <= most]
    costs: dict[str, list[Cost]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / f"{SMALL}.parquet", SMALL)
        for rows in sizes:
            write(folder / f"{rows}.parquet", rows)
            for work in STEPS:
                costs[work].append(one(work, folder, rows))
        encoded = encoded_size(folder, sizes[-1])
    found = [table_row(work, sizes, costs[work]) for work in STEPS]
    last = costs["train"][-1]
    found.append(
        Measured(
            "large",
            f"{sizes[-1]:,} × 40 rows, one epoch in a fresh process: peak memory, imports included",
            f"the encoded data, {encoded:,.0f} MiB",
            last.resident / encoded,
            1.5,
            note=f"{last.anonymous:,.0f} MiB anonymous, {last.base:,.0f} of it there before; the rest are files "
            "shown in memory, shared by all processes",
        )
    )
    return found


def table_row(work: str, sizes: list[int], costs: list[Cost]) -> Measured:
    """One step: processor time per row at the largest size over that at the smallest."""
    each = "; ".join(
        f"{n:,} rows: {c.processor:.2f} µs a row by processor, {c.clock:.2f} by the clock, peak "
        f"{c.anonymous:,.0f} MiB anonymous, {c.resident:,.0f} with files"
        for n, c in zip(sizes, costs, strict=True)
    )
    return Measured(
        "large",
        f"{work}: processor time per row, {sizes[-1]:,} rows",
        f"{sizes[0]:,} rows",
        costs[-1].processor / costs[0].processor,
        1.2,
        note=each,
    )
