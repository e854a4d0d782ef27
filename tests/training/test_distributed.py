"""Data-parallel rows: two gloo processes together are one process."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from bench.models.mlp import MLP
from bench.records.store import Store
from bench.training.distributed import ShardedRows, of_process_group
from bench.training.predictor import Fitted
from bench.training.row_stream import RowStream
from bench.training.trainer import fit
from strategies.focal import FocalLoss
from strategies.importance_weighted import DrawWeighted
from strategies.oversample import DrawMore
from strategies.spec import Features, Inapplicable, Recipe, Split
from tests.benchmarks.synthetic import numeric, recipe
from tests.command_line import LAST_RESORT, TINY, imbench

STEPS, BATCH = 9, 12


def imbalanced(seed: int = 3) -> Recipe:
    """Balanced classes, an importance-weighted draw, row weights on top; epochs of no whole number of batches."""
    g = torch.Generator().manual_seed(0)
    y = (torch.rand(103, generator=g) < 0.1).long()
    x = torch.randn(103, 4, generator=g, dtype=torch.float64)
    split = Split(Features((), {"x": x}), y, 2)
    importance = torch.rand(103, generator=g, dtype=torch.float64)
    samplers = (DrawMore(1.0), DrawByRow(importance))
    recipe = Recipe(train=split, val=split, model=MLP(), sampler=samplers, seed=seed, batch_size=BATCH)
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
    dist.init_process_group("gloo", f"file://{store}", timedelta(seconds=LAST_RESORT), 2, rank)
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
        process.join(LAST_RESORT)
        assert process.exitcode == 0
    return [torch.load(tmp_path / f"out-{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch was built without gloo")
@pytest.mark.long
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
@pytest.mark.long
def test_ranks_that_disagree_are_refused(tmp_path: Path) -> None:
    """Another seed on one rank would silently train on other rows."""
    for found in two_processes(tmp_path, 4):
        assert "seed or strategy differ" in found["error"]


def trainable(batch: int = 48) -> Recipe:
    """Balanced draws, row weights, dropout, a penalty-free network of three layers, in float64."""
    train, val = numeric(600, 6), numeric(200, 6, seed=1)
    made = recipe(
        train,
        val,
        MLP(dim=8, hidden=(6, 5), dropout=0.3),
        batch_size=batch,
        max_steps=60,
        eval_every=10,
        dtype=torch.float64,
        loss=FocalLoss(1.5),
        sampler=(DrawMore(1.0),),
    )
    return made.reweight(torch.linspace(0.5, 2.0, 600, dtype=torch.float64))


def train_on_rank(rank: int, store: str, out: str) -> None:
    """One process of two: its share of every batch, its own copy of everything else."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{store}", timedelta(seconds=LAST_RESORT), 2, rank)
    (fitted,) = fit([trainable()], torch.device("cpu"))
    assert isinstance(fitted, Fitted)
    torch.save({"state": dict(fitted.state), "curve": fitted.curve, "prior": fitted.prior}, f"{out}-{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch was built without gloo")
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    """Parameters, curve and prior to 1e-10 in float64, dropout and early stopping included; ranks to the last bit."""
    context = multiprocessing.get_context("spawn")
    files = (str(tmp_path / "store"), str(tmp_path / "out"))
    processes = [context.Process(target=train_on_rank, args=(rank, *files)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(LAST_RESORT)
        assert process.exitcode == 0
    first, second = (torch.load(tmp_path / f"out-{rank}.pt", weights_only=True) for rank in range(2))
    (alone,) = fit([trainable()], torch.device("cpu"))
    (other,) = fit([replace(trainable(), batch_size=24)], torch.device("cpu"))
    assert isinstance(alone, Fitted)
    assert isinstance(other, Fitted)
    assert [step for step, _ in first["curve"]] == [step for step, _ in alone.curve]
    np.testing.assert_allclose([s for _, s in first["curve"]], [s for _, s in alone.curve], rtol=0, atol=1e-10)
    for name, value in alone.state.items():
        assert torch.equal(first["state"][name], second["state"][name])
        torch.testing.assert_close(first["state"][name], value, rtol=0, atol=1e-10)
    assert torch.equal(first["prior"], alone.prior)
    assert not torch.allclose(other.state["head.weight"], alone.state["head.weight"], atol=1e-4)  # the test can fail


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="torch was built without gloo")
@pytest.mark.long
def test_the_command_leaves_the_record_of_one_process(tmp_path: Path) -> None:
    """Under the same key, by rank 0 alone; metrics agree to float32's rounding."""
    cell = ("strategy=focal", *TINY)
    assert imbench("run", *cell, results=tmp_path / "one") == 0
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    command = (*torchrun, "-m", "bench.cli.data_parallel", *cell, f"results={tmp_path / 'two'}", "run.device=cpu")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LAST_RESORT, check=False)
    assert done.returncode == 0, done.stderr
    ((alone,), (shared,)) = (list(Store(tmp_path / name)) for name in ("one", "two"))
    assert alone.key == shared.key
    assert shared.cost["steps"] == alone.cost["steps"]
    for name, value in alone.metrics.items():
        assert shared.metrics[name] == pytest.approx(value, abs=0.02), name


def test_augmented_batches_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.training.distributed.share", lambda: (0, 2))
    with pytest.raises(Inapplicable, match="self_supervised"):
        of_process_group(replace(imbalanced(), augment=(Shuffle(),)))


class Shuffle:
    """Some augmentation."""

    def __call__(self, x: Any, y: Tensor, *_: Any) -> tuple[Any, Tensor]:
        return x, y


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
