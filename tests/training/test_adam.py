"""The optimiser of stacks is torch's AdamW."""

from __future__ import annotations

import torch
from torch import nn

from bench.training.adam import TABLE_EPS, StackedAdamW
from tests.conftest import Toy


def test_adam_is_torchs(binary: Toy) -> None:
    """Over twenty steps, tables with their own epsilon, decay on: the bits of torch.optim.AdamW."""
    recipe = binary.recipe(lr=0.02, weight_decay=0.1, encoder_rate=0.5)
    g = torch.Generator().manual_seed(0)
    sizes = {"encoder.tables.text": (1, 30, 7), "encoder.weight": (1, 7, 5), "head.weight": (1, 5, 3)}
    mine = {n: nn.Parameter(torch.randn(s, generator=g)) for n, s in sizes.items()}
    theirs = {n: nn.Parameter(p.detach().clone()) for n, p in mine.items()}
    ours = StackedAdamW()
    ours.arrange(mine, [recipe], [0.5])
    groups = [
        {"params": [p], "eps": TABLE_EPS if "tables" in n else 1e-8, "lr": 0.01 * (0.5 if "encoder" in n else 1.0)}
        for n, p in theirs.items()
    ]
    reference = torch.optim.AdamW(groups, weight_decay=0.1, fused=True)
    for _ in range(20):
        for name, p in mine.items():
            p.grad = torch.randn(p.shape, generator=g)
            theirs[name].grad = p.grad.clone()
        ours.step()
        reference.step()
        assert all(p.grad is None for p in mine.values())
    for name, p in mine.items():
        assert torch.equal(p, theirs[name])
