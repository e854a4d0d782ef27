"""Many small models: one stacked model against one after another."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.models.mlp import MLP
from bench.training.trainer import fit
from strategies.focal import Focal
from strategies.spec import Recipe
from tests.benchmarks.measure import Measured, compared
from tests.benchmarks.synthetic import numeric, recipe

CPU = torch.device("cpu")


def focal_trials(members: int, hidden: tuple[int, ...], batch: int, steps: int) -> list[Recipe]:
    """Focal recipes that differ in gamma, learning rate, dropout and seed, as trials do."""
    train, val = numeric(4000, 16), numeric(500, 16, seed=1)
    base = recipe(train, val, MLP(), batch_size=batch, max_steps=steps, eval_every=50, patience=1000)
    found = []
    for k in range(members):
        model = MLP(dim=8, hidden=hidden, bins=0, dropout=0.1 + 0.4 * k / members)
        trial = replace(base, model=model, seed=k, lr=0.003 * (1 + k % 5))
        found.append(Focal(gamma=5.0 * k / members).prepare(trial))
    return found


def measure() -> list[Measured]:
    """16 and 64 members of two sizes."""
    found = []
    for members, hidden, batch in ((16, (32,), 128), (64, (16,), 64), (16, (32, 32), 256)):
        recipes = focal_trials(members, hidden, batch, 100)
        found.append(
            compared(
                "stacking",
                f"{members} focal trials, hidden {'-'.join(map(str, hidden))}, B={batch}, CPU, one thread",
                "the same one after another (bit-equal: tests/training/test_members.py)",
                lambda r=recipes: [fit([one], CPU) for one in r],  # type: ignore[misc]
                lambda r=recipes: fit(r, CPU),
                target=3.0,
                repeats=3,
                speedup=True,  # type: ignore[misc]
            )
        )
    return found
