"""How cost grows: rows of one fit, members of a stack, worker processes. Each as CSV and SVG."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

from bench.models.mlp import MLP
from bench.training.trainer import fit
from bench.tuning.plots import ACCENT, INK, figure
from tests.benchmarks.commands import imbench
from tests.benchmarks.stacking import focal_trials
from tests.benchmarks.synthetic import numeric, recipe

CPU = torch.device("cpu")
ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
MEMBERS = (1, 4, 16, 64, 256)
WORKERS = (1, 2)


def rows() -> pd.DataFrame:
    """Processor seconds of one epoch, numeric data of width 8 (narrow: the largest table must fit small machines)."""
    val, found = numeric(2000, 8, seed=1), []
    for n in ROWS:
        train = numeric(n, 8)
        steps = n // 4096 or 1
        made = recipe(
            train,
            val,
            MLP(dim=8, hidden=(), bins=0, dropout=0.0),
            batch_size=4096,
            max_steps=steps,
            eval_every=100,
            patience=999,
        )
        began = time.process_time()
        fit([made], CPU)
        spent = time.process_time() - began
        found.append({"rows": n, "seconds": spent, "nanoseconds per row": 1e9 * spent / n})
    return pd.DataFrame(found)


def members() -> pd.DataFrame:
    """Seconds of a stack, and as many times that of one member."""
    found, one = [], 0.0
    for k in MEMBERS:
        recipes = focal_trials(k, (16,), 64, 50)
        spent = []
        for _ in range(3):
            began = time.process_time()
            fit(recipes, CPU)
            spent.append(time.process_time() - began)
        middle = sorted(spent)[1]
        one = one or middle
        found.append(
            {"members": k, "stacked seconds": middle, "one member times K": one * k, "speed-up": one * k / middle}
        )
    return pd.DataFrame(found)


def workers() -> pd.DataFrame:
    """Seconds of a sweep of 128 small fits, start-up included."""
    found = []
    for n in WORKERS:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            imbench(
                "run",
                "-m",
                "strategy=none,focal",
                "data=digits_lt",
                "seed=range(0,64)",
                "train.max_steps=400",
                f"run.workers={n}",
                f"results={folder}",
                cwd=Path(folder),
            )
            found.append({"workers": n, "seconds": time.perf_counter() - began})
    return pd.DataFrame(found)


def write(folder: Path) -> list[Path]:
    """All three curves."""
    written: list[Path] = []
    for name, table, x, ys, title in (
        ("rows", rows(), "rows", ["nanoseconds per row"], "one epoch, B = 4096, one thread"),
        ("members", members(), "members", ["stacked seconds", "one member times K"], "focal trials, hidden 16"),
        ("workers", workers(), "workers", ["seconds"], "sweep of 128 small fits, start-up included"),
    ):
        written += save(folder / f"scaling_{name}", table, x, ys, title)
    return written


def save(stem: Path, table: pd.DataFrame, x: str, ys: list[str], title: str) -> list[Path]:
    """One curve: its data, and a plot with logarithmic axes where the range asks for them."""
    folder = stem.parent
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(stem.with_suffix(".csv"), index=False)
    canvas, axes = figure()
    for y, colour in zip(ys, (ACCENT, INK), strict=False):
        axes.plot(table[x], table[y], marker="o", color=colour, lw=1.6, label=y)
    wide = float(table[x].max() / table[x].min()) > 10
    axes.set(xlabel=x, ylabel=ys[0] if len(ys) == 1 else "seconds", title=title)
    if wide:
        axes.set_xscale("log")
    else:
        axes.set_xticks(list(table[x]))
    if len(ys) > 1:
        axes.set_yscale("log")
        axes.legend(frameon=False)
    else:
        axes.set_ylim(0, float(table[ys[0]].max()) * 1.15)
    canvas.savefig(stem.with_suffix(".svg"), format="svg", metadata={"Date": None, "Title": title})
    return [stem.with_suffix(".csv"), stem.with_suffix(".svg")]
