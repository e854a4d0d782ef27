"""One batch of cells, start to end: data -> recipes -> predictors -> evaluation -> records. Imports Lightning.

Cells of a batch share data, split and seed, so that data are encoded once and equal first stages are trained once;
where cells may train as one stack, a batch holds several seeds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from bench.config import Cell, RunConfig
from bench.data.config import DataConfig
from bench.data.features.encode import Encoded
from bench.data.features.load import encode_parts
from bench.data.tables.schema import Table
from bench.models.registry import takes
from bench.records.background_writer import BackgroundWriter
from bench.records.files import ResultsError
from bench.records.record import FAILURES, Record
from bench.records.store import Store
from bench.sweep.claims import Claims
from bench.sweep.outcome import conclude, environment, peak_mb, reset_peak
from bench.sweep.plan import Planned, inapplicable, table_of
from bench.training.graphs import use_graphs
from bench.training.logs import CellLog, open_log
from bench.training.threads import limit_threads
from bench.training.trainer import Outcome, drive, pick_device
from strategies.predictor import Predictor
from strategies.spec import Inapplicable, Recipe, Split, Takes, Training


def encoded(config: DataConfig, split: int, seed: int, takes: Takes, fingerprint: str | None = None) -> Encoded:
    """The data of a batch of cells, as their model takes them; with a `fingerprint`, only if they have that content.

    Raises:
        DataError: the data cannot be used.
        ResultsError: they are not what the cells were planned with, which their keys name.
    """
    return _encoded(table_of(config, fingerprint), config, split, seed, takes)


@lru_cache(maxsize=2)
def _encoded(table: Table, config: DataConfig, split: int, seed: int, takes: Takes) -> Encoded:
    """The last two are kept, as models follow one another; by the table, which is another one when its file changes."""
    return encode_parts(table, config, split, seed, takes)


def recipe(planned: Planned, data: Encoded) -> Recipe:
    """What the strategies of a cell start from. Holds no test rows."""
    further = {"extra": data.extra, "default_source": data.table.transfer_source or "", "unlabelled": data.unlabelled}
    return recipe_of_rows(planned.cell, data.train, data.val, **further)


def recipe_of_rows(cell: Cell, train_rows: Split, val_rows: Split, **further: Any) -> Recipe:
    """The same from a cell's settings and any rows. `further`: fields with more data than these."""
    train = cell.train
    return Recipe(
        train=train_rows,
        val=val_rows,
        **further,
        model=cell.model,
        batch_size=train.batch_size,
        max_steps=train.steps_of(cell.chain().fits_in_all),
        lr=train.lr,
        weight_decay=train.weight_decay,
        eval_every=train.eval_every,
        patience=train.patience,
        decay=train.decay,
        seed=cell.seed,
        precision=train.precision,
    )


def training(planned: Planned, data: Encoded) -> Training:
    """The generator of a cell; refuses at once a strategy that needs what the model lacks."""
    if reason := inapplicable(planned.cell):
        raise Inapplicable(reason)
    return planned.cell.chain().train(recipe(planned, data))


class Runner(AbstractContextManager["Runner"]):
    """What a process needs to turn batches of cells into records; when it is left, all of them are on the disk.

    `began` and `done` report as cells go, `failed` that the results folder cannot be written. With `elsewhere` cells
    are claimed first: it is told of those that another process is at work on, which are left to that one, and of those
    that another has finished meanwhile, with their records.
    """

    def __init__(
        self,
        root: Path,
        run: RunConfig,
        *,
        began: Callable[[str], None],
        done: Callable[[Record], None],
        failed: Callable[[ResultsError], None] = lambda _: None,
        elsewhere: Callable[[str, Record | None], None] | None = None,
    ) -> None:
        limit_threads(run.threads)
        use_graphs(run.graphs)
        self.device, self.run, self.began, self.told = pick_device(run.device), run, began, done
        self.store, self.elsewhere = Store(root), elsewhere
        self.claims = Claims(self.store.runs)
        self.writer = BackgroundWriter(self.store, self.recorded, failed)
        self.clock: dict[str, float] = {}

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.writer.__exit__(kind, error, tb)
        self.claims.close()

    def recorded(self, record: Record) -> None:
        """A record is on the disk: its cell is nobody's work any more."""
        self.claims.give_back(record.key)
        self.told(record)

    def mine(self, batch: Sequence[Planned]) -> list[Planned]:
        """The cells of a batch that this process is to train: no other is at them, and none has finished them."""
        if self.elsewhere is None:
            return list(batch)
        found = []
        for planned in batch:
            if not self.claims.take(planned.key):
                self.elsewhere(planned.key, None)
                continue
            with suppress(ResultsError):
                record = self.store.proven(planned.key)
                if record is not None and not (self.run.retry_failed and record.status in FAILURES):
                    self.claims.give_back(planned.key)
                    self.elsewhere(planned.key, record)
                    continue
            found.append(planned)
        return found

    def execute(self, batch: Sequence[Planned]) -> None:
        """Train and evaluate the cells of a batch. A failing one becomes a record of that and stops no other one.

        Raises:
            ResultsError: a record cannot be written, or the data are not those that the cells were planned with.
        """
        try:
            self._execute(batch)
        except BaseException:
            for planned in batch:  # another process is to try what is left of it
                self.claims.give_back(planned.key)
            raise

    def _execute(self, batch: Sequence[Planned]) -> None:
        trainings: list[Training] = []
        ready: list[tuple[Planned, Encoded]] = []
        for planned in sorted(self.mine(batch), key=lambda p: (p.cell.seed, str(takes(p.cell.model)))):
            data, cell = None, planned.cell
            try:
                content = planned.config["data"]["fingerprint"]
                data = encoded(cell.data, cell.split, cell.seed, takes(cell.model), content)
                trainings.append(training(planned, data))
                ready.append((planned, data))
            except ResultsError:
                raise
            except Exception as error:
                self.start(planned)
                self.finish(planned, error, data)
        logs = dict[int, CellLog]()

        def began(i: int) -> None:
            self.start(ready[i][0])
            if self.run.logger is not None:
                logs[i] = self.open_log(ready[i][0])

        def done(i: int, outcome: Outcome) -> None:
            self.finish(ready[i][0], outcome, ready[i][1], logs.pop(i, None))

        drive(trainings, done, device=self.device, stack=self.run.stack, began=began, logs=logs)

    def start(self, planned: Planned) -> None:
        """A cell begins."""
        self.clock[planned.key] = time.perf_counter()
        reset_peak(self.device)
        random.seed(planned.cell.seed)  # nothing of ours draws from the global streams; a user's strategy might
        np.random.seed(planned.cell.seed)  # noqa: NPY002 - the global stream is the point
        torch.default_generator.manual_seed(planned.cell.seed)  # torch.manual_seed takes a millisecond for this
        if self.device.type == "cuda":
            torch.cuda.manual_seed_all(planned.cell.seed)
        self.began(planned.key)

    def open_log(self, planned: Planned) -> CellLog:
        """The cell's run with `run.logger`; its name holds the key, by which its record is found.

        Raises:
            ResultsError: it cannot be written.
        """
        assert self.run.logger is not None
        cell, root = planned.cell, self.writer.store.root
        name = f"{cell.model.name}-{cell.strategy}-split{cell.split}-seed{cell.seed}-{planned.key[:8]}"
        try:
            return open_log(
                self.run.logger,
                root,
                f"{planned.data_name}-{planned.target}",
                name,
                {**planned.config, "key": planned.key},
            )
        except OSError as error:
            raise ResultsError(f"run.logger={self.run.logger}: cannot write {root / 'logs'}: {error}") from error

    def finish(self, planned: Planned, outcome: Outcome, data: Encoded | None, log: CellLog | None = None) -> None:
        """A cell has come to its end: hand its record over."""
        wall = time.perf_counter() - self.clock.pop(planned.key)
        if self.run.together:  # all began at once: what counts is the share of a stack
            wall = outcome.cost.seconds if isinstance(outcome, Predictor) else 0.0
        ran = {"environment": environment(self.device, self.run), "cost": {"wall_seconds": round(wall, 3)}}
        try:
            record, logits = conclude(planned, outcome, data, ran)
        except Exception as error:  # evaluation refused the logits, say: the cell's failure, not the batch's
            record, logits = conclude(planned, error, data, ran)
        if record.status == "done":
            record = replace(record, cost={**record.cost, "peak_mb": peak_mb(self.device)})
        if log is not None:
            known = {name: value for name, value in record.metrics.items() if value is not None}
            log.close(known, int(record.cost.get("steps") or 0), "success" if record.status == "done" else "failed")
        self.writer.put(record, logits)
