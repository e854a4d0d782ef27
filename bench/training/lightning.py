"""Lightning's loop over stacks: every turn trains one of them to its end.

A Trainer costs two milliseconds each time, a turn of its loop a tenth of one, and a sweep is hundreds of small fits:
all those of a group go through one loop.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.trainer.connectors import callback_connector

from bench.training.fit import Outcome, Watch
from strategies.spec import Recipe

LOGGER = logging.getLogger("pytorch_lightning")

Stacks: TypeAlias = Generator[tuple[list[Recipe], Watch | None], list[Outcome], None]
"""Yields recipes that train together and whom to tell of their looks; is sent one outcome per recipe."""

Train: TypeAlias = Callable[[list[Recipe], Watch | None], list[Outcome]]


class Turns(pl.LightningModule):
    """Takes the next stack at each turn and has it trained; what it came to decides which is next."""

    def __init__(self, stacks: Stacks, train_stack: Train) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.stacks, self.train_stack = stacks, train_stack
        self.outcomes: list[Outcome] | None = None  # of the stack before
        self.interrupted: KeyboardInterrupt | None = None  # Lightning would end the process with it

    def configure_optimizers(self) -> None:
        """None: optimisation is manual."""

    def on_train_start(self) -> None:
        # Lightning's `deterministic` also has torch fill all new memory with NaN, to expose reads of it: a tenth of a
        # small model's step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    def on_train_batch_start(self, *_: Any) -> int | None:
        """The next stack; -1, which ends Lightning's epoch, where there is none."""
        if self.interrupted is not None:
            return -1
        try:
            self.recipes, self.watch = next(self.stacks) if self.outcomes is None else self.stacks.send(self.outcomes)
        except StopIteration:
            return -1
        except KeyboardInterrupt as stop:
            self.interrupted = stop
        return None if self.interrupted is None else -1

    def training_step(self, *_: Any) -> None:
        """All of a stack's training."""
        try:
            self.outcomes = self.train_stack(self.recipes, self.watch)
        except KeyboardInterrupt as stop:
            self.interrupted = stop


class Unending:
    """Turns without number: the module says when the last one is over."""

    def __iter__(self) -> Iterator[int]:
        return repeat(0)


def train_all(stacks: Stacks, train_stack: Train, device: torch.device) -> None:
    """Have each stack trained by `train_stack` within one loop of Lightning's."""
    with warnings.catch_warnings():
        # Lightning's advice on optimisers, loaders and loggers that we leave out on purpose; strategies' own is heard.
        warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric)\b")
        if LOGGER.level != logging.ERROR:  # setting it anew clears the cache of every logger
            LOGGER.setLevel(logging.ERROR)
        with no_foreign_callbacks():
            trainer = pl.Trainer(
                accelerator="gpu" if device.type == "cuda" else "cpu", devices=1, max_epochs=1, logger=False,
                enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                use_distributed_sampler=False, deterministic="warn", plugins=[LightningEnvironment()],
            )  # fmt: skip
        turns = Turns(stacks, train_stack)
        trainer.fit(turns, Unending())
        if turns.interrupted is not None:
            raise turns.interrupted


@contextmanager
def no_foreign_callbacks() -> Iterator[None]:
    """Lightning adds callbacks of any installed package that declares some; results must not depend on these.

    Looking for them reads the metadata of every package, at every fit: the half of what a Trainer costs.
    """
    search = "_load_external_callbacks"
    found = getattr(callback_connector, search, None)
    if found is None:  # another version of Lightning: slower, and otherwise the same
        yield
        return
    setattr(callback_connector, search, lambda _group: [])
    try:
        yield
    finally:
        setattr(callback_connector, search, found)
