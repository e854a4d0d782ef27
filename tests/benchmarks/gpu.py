"""What only a GPU can show: agreement with the CPU, throughput of stacks, rows per second against memory bandwidth.

Without one the same code runs its CPU subset, and every GPU row is listed as not measured.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import torch

from bench.training.predictor import Fitted
from bench.training.trainer import fit
from strategies.spec import Recipe
from tests.benchmarks.measure import Measured
from tests.benchmarks.stacking import focal_trials

MEMBERS = (1, 8, 64, 256)
STEPS, HIDDEN, BATCH = 100, (32,), 128
UNMEASURED = "not measured: no GPU"


def seconds(recipes: list[Recipe], device: torch.device) -> float:
    """One stacked training, finished on the device."""
    began = time.perf_counter()
    fit(recipes, device)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def measure() -> list[Measured]:
    """Correctness, stacks of 1 to 256 members, and the floor of a large batch."""
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", 0) if cuda else torch.device("cpu")
    found = [agreement(device) if cuda else missing("float64 logits, GPU against CPU", "CPU", 1e-8)]
    one = 0.0
    for members in MEMBERS:
        recipes = focal_trials(members, HIDDEN, BATCH, STEPS)
        fit(recipes[:1], device)
        spent = sorted(seconds(recipes, device) for _ in range(3))[1]
        one = spent if members == 1 else one
        what, note = f"{members} focal trials as one stack", f"{members * STEPS / spent:,.0f} member steps a second"
        if cuda:
            limit = 4.0 if members == 64 else None
            found.append(Measured("gpu", f"{what}, GPU", "one trial", spent / one, limit, note=note))
        else:
            found.append(Measured("gpu", f"{what}, CPU subset", "one trial", spent / one, None, note=note))
            found.append(missing(f"{what}, GPU", "one trial", 4.0 if members == 64 else None))
    found.append(bandwidth(device) if cuda else missing("rows/s, bytes moved over memory bandwidth", "copy", None))
    return found


def missing(what: str, against: str, target: float | None) -> Measured:
    """A row that says that it was not measured."""
    return Measured("gpu", what, against, None, target, note=UNMEASURED)


def agreement(device: torch.device) -> Measured:
    """Largest relative difference of float64 logits, dropout off (its noise is drawn on the device)."""
    recipes = []
    for made in focal_trials(8, HIDDEN, BATCH, 50):
        model: Any = made.model
        recipes.append(replace(made, model=replace(model, dropout=0.0), dtype=torch.float64))
    sides = [fit(recipes, d) for d in (torch.device("cpu"), device)]
    worst = 0.0
    for a, b in zip(*sides, strict=True):
        assert isinstance(a, Fitted)
        assert isinstance(b, Fitted)
        x, y = a.logits(recipes[0].val.x), b.logits(recipes[0].val.x)
        worst = max(worst, float((x - y).abs().max() / x.abs().max()))
    return Measured("gpu", "float64 logits, GPU against CPU, largest relative difference", "CPU", worst, 1e-8, unit="")


def bandwidth(device: torch.device) -> Measured:
    """A large stack's steps against the time that moving its bytes once must take, by a measured copy."""
    members, batch = 64, 4096
    recipes = focal_trials(members, HIDDEN, batch, 50)
    fit(recipes, device)
    spent = seconds(recipes, device)
    block = torch.empty(1 << 28, dtype=torch.uint8, device=device)
    other = torch.empty_like(block)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(20):
        other.copy_(block)
    torch.cuda.synchronize()
    rate = 20 * 2 * len(block) / (time.perf_counter() - began)
    touched = 50 * members * batch * 4 * 6 * (16 + 8 + 32 + 40)  # each layer's width, read and written both ways
    rows = 50 * members * batch / spent
    return Measured("gpu", "time of steps, 64 members × B=4096", "bytes of activations over the bandwidth of a copy",
                    spent / (touched / rate), None,
                    note=f"{rows:,.0f} rows a second, {rate / 1e9:,.0f} GB/s")  # fmt: skip
