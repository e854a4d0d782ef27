"""Ten million rows: memory beside the encoded data, and cost per row from 100 thousand on."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

import torch

from bench.models.mlp import MLP
from bench.training.threads import limit_threads
from bench.training.trainer import fit
from tests.benchmarks.measure import Measured, high_water, peak_memory
from tests.benchmarks.synthetic import numeric, recipe

WIDTH, BATCH = 40, 4096
CPU = torch.device("cpu")


def trained(rows: int, pipe: Connection) -> None:
    """In a process of its own: one epoch's cost per row, and memory in MiB: base, data, peak above the data."""
    limit_threads(1)
    val = numeric(5000, WIDTH, seed=1)
    small = recipe(numeric(20_000, WIDTH), val, MLP(dim=16, dropout=0.0), batch_size=BATCH, max_steps=4, eval_every=4)
    fit([small], CPU)
    base = high_water()
    train = numeric(rows, WIDTH)
    encoded = rows * WIDTH * 4 / 2**20
    steps = rows // BATCH
    made = recipe(train, val, MLP(dim=16, dropout=0.0), batch_size=BATCH, max_steps=steps, eval_every=200, patience=999)
    with peak_memory() as used:
        began = time.process_time()
        fit([made], CPU)
        spent = time.process_time() - began
    pipe.send((spent / rows * 1e9, base, encoded, used[0]))


def one(rows: int) -> tuple[float, float, float, float]:
    """Results of a fresh process, whose memory nothing else has touched."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=trained, args=(rows, theirs), daemon=True)
    process.start()
    found: tuple[float, float, float, float] = ours.recv()
    process.join()
    return found


def measure(most: int = 10_000_000) -> list[Measured]:
    """One epoch at 100k and at the largest size."""
    few, _, _, _ = one(100_000)
    many, _, encoded, above = one(most)
    share = (encoded + above) / encoded
    return [
        Measured("large", f"{most:,} × {WIDTH} rows, one epoch: encoded data and what training adds",
                 f"the encoded data, {encoded:,.0f} MiB", share, 1.5, note=f"{above:,.0f} MiB above the data"),
        Measured("large", f"processor time per row, {most:,} rows", "100,000 rows", many / few, 1.2,
                 note=f"{many:.0f} ns against {few:.0f} ns a row"),
    ]  # fmt: skip
