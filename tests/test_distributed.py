"""Data-parallel rows: two gloo processes together are one process."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from bench.training.distributed import ShardedRows, of_process_group
from bench.training.rows import RowStream
from strategies.importance_weighted import DrawWeighted
from strategies.oversample import DrawMore
from strategies.spec import Features, Recipe, Split

STEPS, BATCH = 9, 12


def imbalanced(seed: int = 3) -> Recipe:
    """Balanced classes, an importance-weighted draw, row weights on top; epochs of no whole number of batches."""
    g = torch.Generator().manual_seed(0)
    y = (torch.rand(103, generator=g) < 0.1).long()
    x = torch.randn(103, 4, generator=g, dtype=torch.float64)
    split = Split(Features((), {"x": x}), y, 2)
    importance = torch.rand(103, generator=g, dtype=torch.float64)
    samplers = (DrawMore(1.0), DrawByRow(importance))
    recipe = Recipe(train=split, val=split, sampler=samplers, seed=seed, batch_size=BATCH)
    return recipe.reweight(torch.rand(103, generator=g, dtype=torch.float64) + 0.5)


class DrawByRow(DrawWeighted):
    """The sampler as it is; a name of our own, so that spawned processes can find it."""


def gradient(rows: Tensor, weights: Tensor, recipe: Recipe) -> Tensor:
    """Of the weighted mean loss of one batch, at a fixed point."""
    x: Any = recipe.train.x.columns["x"]
    w = torch.ones(4, 2, dtype=torch.float64, requires_grad=True)
    loss = recipe.loss(x[rows] @ (w * torch.arange(2)), recipe.train.y[rows])
    (weights * loss).mean().backward()
    assert w.grad is not None
    return w.grad


def rank_of_two(rank: int, store: str, out: str, seed: int) -> None:
    """One process: its rows, and the gradient that all ranks agree on."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{store}", timedelta(seconds=60), 2, rank)
    found: dict[str, Any] = {}
    try:
        recipe = imbalanced(seed if rank else 3)
        stream = of_process_group(recipe)
        rows, weights = stream.take(STEPS)
        assert weights is not None
        mean = torch.stack([gradient(r, w, recipe) for r, w in zip(rows, weights, strict=True)])
        dist.all_reduce(mean)
        found = {"rows": rows, "weights": weights, "gradient": mean / 2, "prior": stream.prior()}
    except RuntimeError as error:
        found = {"error": str(error)}
    torch.save(found, f"{out}-{rank}.pt")
    dist.destroy_process_group()


def two_processes(tmp_path: Path, seed: int) -> list[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    arguments = (str(tmp_path / "store"), str(tmp_path / "out"), seed)
    ranks = [context.Process(target=rank_of_two, args=(rank, *arguments)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(90)
        assert process.exitcode == 0
    return [torch.load(tmp_path / f"out-{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch was built without gloo")
def test_two_ranks_draw_what_one_process_draws(tmp_path: Path) -> None:
    """Batch by batch the union of the ranks' rows and weights is the single draw, and so is the averaged gradient."""
    first, second = two_processes(tmp_path, 3)
    recipe = imbalanced()
    alone = RowStream(recipe)
    rows, weights = alone.take(STEPS)
    assert weights is not None
    for part, whole in (("rows", rows), ("weights", weights)):
        assert first[part].shape == second[part].shape == (STEPS, BATCH // 2)
        assert torch.equal(torch.stack([first[part], second[part]], -1).flatten(1), whole)
    expected = torch.stack([gradient(r, w, recipe) for r, w in zip(rows, weights, strict=True)])
    for rank in (first, second):
        torch.testing.assert_close(rank["gradient"], expected, rtol=1e-12, atol=1e-14)
        assert torch.equal(rank["prior"], alone.prior())


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch was built without gloo")
def test_ranks_that_disagree_are_refused(tmp_path: Path) -> None:
    """Another seed on one rank would silently train on other rows."""
    for found in two_processes(tmp_path, 4):
        assert "seed or strategy differ" in found["error"]


@pytest.mark.parametrize("world", [1, 2, 3, 4, 6])
def test_shares_are_disjoint_and_complete(world: int) -> None:
    """Every place of every batch belongs to exactly one rank, however many there are."""
    recipe = imbalanced()
    whole, _ = RowStream(recipe).take(STEPS)
    shares = [ShardedRows(recipe, rank, world).take(STEPS)[0] for rank in range(world)]
    assert torch.equal(torch.stack(shares, -1).flatten(1), whole)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=12"):
        ShardedRows(imbalanced(), 0, 5)
    with pytest.raises(ValueError, match="rank 2"):
        ShardedRows(replace(imbalanced()), 2, 2)


def test_without_a_process_group_a_stream_is_whole() -> None:
    recipe = imbalanced()
    assert torch.equal(of_process_group(recipe).take(3)[0], RowStream(recipe).take(3)[0])
