"""Lightning's loop over the fits of a group: an epoch is a fit, a batch the steps up to a look at validation rows.

A Trainer costs milliseconds, a batch of Lightning's loop a tenth of one, and a sweep is hundreds of small fits of
steps that take less: so a group has one Trainer, and a batch many steps. The look happens at the batch's end, in
Lightning's hook: its validation loop would cost eight times as much, every time.
"""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch import nn

from bench.training.attempts import Fits
from bench.training.fit import Drawn, Fit
from bench.training.logs import CellLog

_LOGGER = logging.getLogger("pytorch_lightning")


class FitsModule(pl.LightningModule):
    """Carries out one fit after another. `fit` is the present one, `network` its network.

    heard: whether callbacks want to hear of scores.
    """

    def __init__(self, fits: Fits, logs: Mapping[int, CellLog], heard: bool = False) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.fits, self.logs = fits, logs
        self.fit: Fit | None = None
        self.network: nn.Module | None = None
        self.asked: tuple[int, ...] = ()
        self.heard = heard

    def take_next(self) -> bool:
        """Go on to the next fit, which may depend on what became of this one; False where there is none."""
        self.fit = self.network = None  # its memory is the next one's
        found = next(self.fits, None)
        if found is not None:
            self.fit, self.asked = found
            self.network = self.fit.network
        return found is not None

    @contextmanager
    def failures(self) -> Iterator[None]:
        """What is raised ends the fit, and is for those who asked for it to hear of."""
        assert self.fit is not None
        try:
            yield
        except Exception as error:
            self.fit.failed = error

    def configure_optimizers(self) -> None:
        """None: members of a stack step at their own rates (`bench.training.adam`)."""

    def train_dataloader(self) -> TrainingBatches:
        """Those of the present fit; asked for anew every epoch."""
        return TrainingBatches(self)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Left where it is: rows travel from pinned memory, or into those of a recorded graph."""
        return batch

    def on_train_start(self) -> None:
        # Lightning's `deterministic` also has torch fill all new memory with NaN, to expose reads of it: a tenth of a
        # small model's step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    def on_train_epoch_start(self) -> None:
        """Loggers are those of the cells that asked for this fit."""
        if self.logs:
            self.trainer.loggers = [self.logs[i] for i in self.asked if i in self.logs]

    def training_step(self, batch: Drawn, _: int) -> None:
        """The minibatches up to the next look."""
        assert self.fit is not None
        with self.failures():
            self.fit.train_on(batch)

    def on_train_epoch_end(self) -> None:
        """The next fit, or the end of training."""
        self.trainer.loggers = []  # cells may end now, and their loggers with them
        if not self.take_next():
            self.trainer.should_stop = True


class TrainingBatches:
    """The training batches of a fit, drawn when they are asked for; fewer than `len` where everyone stops early."""

    def __init__(self, module: FitsModule) -> None:
        self.module = module  # and never the fit, which would outlive its epoch

    def __len__(self) -> int:
        return 0 if self.module.fit is None else len(self.module.fit.lengths)

    def __iter__(self) -> Iterator[Drawn]:
        assert self.module.fit is not None
        with self.module.failures():
            self.module.fit.begin()
        for steps in tuple(self.module.fit.lengths):
            if self.module.fit.over:
                return
            with self.module.failures():
                drawn = self.module.fit.draw(steps)
            if self.module.fit.over:  # rows could not be drawn
                return
            yield drawn


class _LookAtValidation(pl.Callback):
    """Looks at validation rows at the end of every batch; comes first, so that other callbacks see what was found."""

    interrupted = False

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Score, remember the best, let the finished go."""
        assert isinstance(pl_module, FitsModule)
        fit = pl_module.fit
        assert fit is not None
        if fit.over:
            return
        with pl_module.failures():
            fit.look()
        if fit.latest and pl_module.heard:  # it takes time; cells' logs are told of each member by itself
            pl_module.log("validation_score", min(fit.latest), batch_size=1, logger=False)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """An interrupt is the caller's to handle."""
        self.interrupted = isinstance(exception, KeyboardInterrupt)


def train_all(
    fits: Fits,
    device: torch.device,
    callbacks: Sequence[pl.Callback] = (),
    logs: Mapping[int, CellLog] | None = None,
) -> None:
    """Carry out all fits in one loop of Lightning's; where there are none, without it.

    callbacks: see every fit as an epoch and every look as a batch; `pl_module.fit` is the fit. logs: of the
    trainings by number; what is logged while a fit runs reaches those of all who asked for it.
    """
    module = FitsModule(fits, {} if logs is None else logs, heard=bool(callbacks))
    if not module.take_next():
        return
    look, handler = _LookAtValidation(), signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        # Lightning's advice on optimisers, loaders and loggers that we leave out on purpose; strategies' own is heard.
        warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric)\b")
        if _LOGGER.level != logging.ERROR:  # setting it anew clears the cache of every logger
            _LOGGER.setLevel(logging.ERROR)
        trainer = pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            max_epochs=-1,
            logger=False,
            log_every_n_steps=1,
            callbacks=[look, *callbacks],
            reload_dataloaders_every_n_epochs=1,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            deterministic="warn",
            plugins=[LightningEnvironment()],
        )
        # Lightning adds callbacks of any installed package that declares some; results must not depend on these.
        trainer.callbacks = [look, *callbacks]  # type: ignore[attr-defined] # set by Lightning itself
        try:
            trainer.fit(module)
        except SystemExit:
            if not look.interrupted:
                raise
            signal.signal(signal.SIGINT, handler)  # Lightning ignores further interrupts, and ends the process
            raise KeyboardInterrupt from None
