"""What a GPU is for, as commands: the tests that need one, and the demo trained on it and on the CPU."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.records.store import Store
from tests import ROOT
from tests.benchmarks.measure import Measured

LIMIT = 150  # seconds of the tests, and of each demo
GRID = ("strategy=none,focal,oversample,importance_weighted", "data=womens", "data.target=one_star", "seed=0,1")


def checks() -> Measured:
    """`pytest -m gpu`: agreement with the CPU in float64, recorded steps, similarity."""
    began = time.perf_counter()
    done = run([sys.executable, "-m", "pytest", "-q", "-m", "gpu"])
    lines = done.stdout.strip().splitlines() or ["no output"]
    note = f"{lines[-1]} ({time.perf_counter() - began:.0f} s)"
    return Measured("gpu", "pytest -m gpu, exit code", "0", float(done.returncode), 0.0, unit="", note=note)


def demo() -> Measured:
    """Eight cells by the command that users type: seconds, and how far the metrics are from the CPU's.

    Dropout's noise is drawn on the device: the two agree as two seeds do, and no closer.
    """
    seconds, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for device in ("cpu", "cuda"):
            root = Path(folder, device)
            began = time.perf_counter()
            done = run([sys.executable, "-m", "bench", "run", "-m", *GRID, f"run.device={device}", f"results={root}"])
            seconds[device] = time.perf_counter() - began
            if done.returncode:
                raise RuntimeError(f"the demo on {device} ended with {done.returncode}: {done.stdout[-300:]}")
            found[device] = {(r.strategy, r.seed): r.metrics["raw/average_precision"] or 0.0 for r in Store(root)}
    apart = max(abs(found["cuda"][cell] - score) for cell, score in found["cpu"].items())
    return Measured(
        "gpu",
        "demo of 8 cells with run.device=cuda",
        "run.device=cpu",
        seconds["cuda"] / seconds["cpu"],
        None,
        reference_seconds=seconds["cpu"],
        our_seconds=seconds["cuda"],
        note=f"start-up included; average precision apart by at most {apart:.3f}",
    )


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """A command in the repository, bounded in time."""
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=False
    )
