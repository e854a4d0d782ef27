"""Steps on text: the fitted vocabulary against hashing into 2^14 buckets."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.cli.compose import compose, hydra_loader
from bench.config import read_cell
from bench.models.mlp import MLP
from bench.sweep.plan import identify
from bench.sweep.runner import encoded, recipe
from bench.training.trainer import fit
from strategies.spec import Bag, Features, Recipe
from tests.benchmarks.measure import Measured, compared

CPU = torch.device("cpu")
BUCKETS = 1 << 14


def hashed(x: Features) -> Features:
    """The same rows over 2^14 buckets."""
    columns = {
        n: Bag(((v.ids.long() * 2654435761) % BUCKETS).int(), v.weights, v.offsets) if isinstance(v, Bag) else v
        for n, v in x.columns.items()
    }
    schema = tuple(replace(f, sizes=(BUCKETS,)) if f.kind == "bag" else f for f in x.schema)
    return Features(schema, columns)


def measure() -> list[Measured]:
    """200 steps of width 64 on womens."""
    with hydra_loader() as loader:
        (raw,) = compose(loader, [("data=womens", "data.target=one_star")])
    planned = identify(read_cell(raw))
    made = recipe(planned, encoded(planned.cell.data, 0, 0))
    ours: Recipe = replace(made, model=MLP(dim=64, hidden=(), bins=0), max_steps=200, eval_every=200)
    theirs = replace(
        ours, train=replace(ours.train, x=hashed(ours.train.x)), val=replace(ours.val, x=hashed(ours.val.x))
    )
    terms = sum(f.sizes[0] for f in made.train.x.schema if f.kind == "bag")
    return [
        compared(
            "text",
            f"200 steps on womens, vocabulary of {terms:,} terms",
            "hashing into 2^14 buckets",
            lambda: fit([theirs], CPU),
            lambda: fit([ours], CPU),
            target=1.0,
            repeats=5,
        )
    ]
