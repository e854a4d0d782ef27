"""Rows for data-parallel training: every rank makes the one global draw and takes its own share of each batch.

Samplers that draw on each rank by themselves (as a WeightedRandomSampler does) repeat rows across ranks and lose
others, and `DistributedSampler` knows no weights. Indices are cheap to draw: all ranks draw the same epoch from the
same stream, without talking to one another, and none of them copies rows. Gradients are averaged after every backward
pass; parameters, looks at validation and decisions are then the same on every rank. The command is
`bench.cli.data_parallel`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from bench.training.row_stream import RowStream
from strategies.spec import Inapplicable, Recipe


class ShardedRows(RowStream):
    """Rank `rank` of `world`: rows r, r + world, … of every batch; `recipe.batch_size` is the batch of all ranks.

    Batches, class balance, weights (of mean 1 over the epoch of all ranks), the prior and its accounting are those of
    one process, so that the mean of the ranks' gradients is the gradient of the single-process batch.

    Raises:
        ValueError: the batch cannot be shared equally.
    """

    def __init__(self, recipe: Recipe, rank: int, world: int) -> None:
        if not 0 <= rank < world or recipe.batch_size % world:
            raise ValueError(
                f"expected a rank in 0 … {world - 1} and a batch size that {world} ranks can share, "
                f"got rank {rank} and train.batch_size={recipe.batch_size}"
            )
        super().__init__(recipe)
        self.rank, self.world = rank, world

    def take(self, steps: int) -> tuple[Tensor, Tensor | None]:
        """This rank's rows (steps, B / world) and their weights."""
        rows, weights = super().take(steps)
        own = slice(self.rank, None, self.world)
        return rows[:, own], None if weights is None else weights[:, own]


def share() -> tuple[int, int]:
    """This process's rank and the number of ranks; (0, 1) where `torch.distributed` is not running."""
    running = dist.is_available() and dist.is_initialized()
    return (dist.get_rank(), dist.get_world_size()) if running else (0, 1)


def of_process_group(recipe: Recipe) -> RowStream:
    """The stream of this process: its share where `torch.distributed` is running, else everything.

    Raises:
        Inapplicable: the recipe transforms whole batches, which a share is not.
        RuntimeError: the ranks do not draw the same rows.
    """
    rank, world = share()
    if world == 1:
        return RowStream(recipe)
    if recipe.augment:
        raise Inapplicable(
            "augmented batches (self_supervised) cannot be shared by several processes: rows of a batch are compared "
            "with each other; train in one process"
        )
    stream = ShardedRows(recipe, rank, world)
    _check_agreement(stream)
    return stream


def average_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Replace every gradient by its mean over `world` ranks, in one message."""
    grads = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    for g, mean in zip(grads, torch.split(flat / world, [g.numel() for g in grads]), strict=True):
        g.copy_(mean.view_as(g))


def _check_agreement(stream: ShardedRows) -> None:
    """Draw the first epoch and compare it: other data, seed or sampler on a rank would go unnoticed.

    Raises:
        RuntimeError: the ranks do not draw the same rows.
    """
    stream.draw()
    digest = hashlib.sha256(stream.rows.numpy().tobytes() + stream.weights.numpy().tobytes()).digest()[:8]
    device = torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
    mine = torch.tensor([int.from_bytes(digest, "little") >> 1], device=device)
    everyone = [torch.empty_like(mine) for _ in range(stream.world)]
    dist.all_gather(everyone, mine)
    if any(not torch.equal(other, mine) for other in everyone):
        raise RuntimeError(
            "expected every rank to draw the same epoch, got different ones: data, seed or strategy differ"
        )
