"""Training: ours with looks, early stopping and best weights, against a bare loop over index batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.models.mlp import MLP
from bench.training.trainer import fit
from strategies.spec import Recipe, Split
from tests.benchmarks.measure import Measured, compared
from tests.benchmarks.synthetic import numeric, recipe

ROWS, WIDTH, BATCH = 200_000, 32, 1024
CPU = torch.device("cpu")


class Bare(nn.Module):
    """The same network from torch's own layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(WIDTH, 32, bias=False)
        self.first, self.second, self.head = nn.Linear(32, 128), nn.Linear(128, 128), nn.Linear(160, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        z: Tensor = self.head(torch.cat([h, self.second(self.first(h.relu()).relu()).relu()], -1))
        return z


def bare(train: Split, val: Split, steps: int, looks: int = 0) -> None:
    """A loop as one writes it by hand: shuffled indices, one gather a step, fused AdamW; optionally with looks."""
    torch.manual_seed(0)
    x, y, model = train.x.columns["numeric"], train.y, Bare()
    x_val = val.x.columns["numeric"]
    assert isinstance(x, Tensor)
    assert isinstance(x_val, Tensor)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0, fused=True)
    done = 0
    while done < steps:
        for rows in torch.randperm(len(y)).split(BATCH):
            if done == steps or len(rows) < BATCH:
                break
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if looks and done % looks == 0:
                with torch.no_grad():
                    functional.cross_entropy(model(x_val), val.y)


def plan(train: Split, val: Split, steps: int, every: int) -> Recipe:
    """Ours: the same network, batches, steps and optimiser, looked at every so many steps."""
    model = MLP(dim=32, hidden=(128, 128), bins=0, dropout=0.0)
    return recipe(train, val, model, batch_size=BATCH, max_steps=steps, eval_every=every, patience=1000)


def measure() -> list[Measured]:
    """One look an epoch (the bare loop has none), and one every 20 steps (the bare loop has them too)."""
    train, val = numeric(ROWS), numeric(ROWS // 10, seed=1)
    epoch = ROWS // BATCH
    small = numeric(2000, seed=2)
    epochs, often = plan(train, val, 4 * epoch, epoch), plan(train, small, 2 * epoch, 20)
    return [
        compared(
            "training",
            "MLP 32-128-128, B=1024, 200k rows; progress, 20k validation rows each epoch, early stopping",
            "bare PyTorch loop over index batches, no validation",
            lambda: bare(train, val, 4 * epoch),
            lambda: fit([epochs], CPU),
            target=1.10,
            repeats=7,
        ),
        compared(
            "training",
            "the same, 2,000 validation rows every 20 steps",
            "bare loop with as many looks (plain log loss)",
            lambda: bare(train, small, 2 * epoch, 20),
            lambda: fit([often], CPU),
            target=1.10,
            repeats=7,
        ),
    ]
