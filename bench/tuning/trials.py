"""What a worker of a search does: train trials of one study, together where that is faster, each to its own result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import ClassVar, TypeAlias

import numpy as np
import optuna

from bench.config import Cell
from bench.data.features.encode import Encoded
from bench.models.registry import takes
from bench.records.files import ResultsError, one_line
from bench.sweep.plan import identify
from bench.sweep.runner import recipe, training
from bench.sweep.worker import Began, Finished, Said
from bench.training.graphs import use_graphs
from bench.training.stacking import StackSize, members_that_fit
from bench.training.threads import limit_threads
from bench.training.trainer import Outcome, drive, pick_device
from bench.tuning.objective import SECONDS, judged, tuning_data
from bench.tuning.pruning import Pruning, watcher
from strategies.spec import Inapplicable, Training


@dataclass(frozen=True)
class Search:
    """What all trials of a study share."""

    seeds: tuple[int, ...]
    folds: int
    columns: tuple[str, ...]
    threads: int
    device: str
    stack: StackSize
    content: str  # fingerprint of the data
    batch: int  # trials that the study asks for at a time
    graphs: bool = False


@dataclass(frozen=True)
class Trial:
    """One trial as a worker gets it: the settings to judge, and where its curve is reported."""

    key: str
    cell: Cell
    pruning: Pruning | None
    search: Search


@dataclass(frozen=True)
class Score:
    """What a trial came to: one value per objective, and what it took."""

    values: tuple[float, ...]
    fits: int
    steps: int
    seconds: float
    pruned: bool = False


@dataclass(frozen=True)
class Failed:
    """Why a trial has no score. Text: an exception may not survive the way between processes."""

    reason: str
    inapplicable: bool = False

    @classmethod
    def by(cls, error: Exception) -> Failed:
        """The failure that an exception stands for."""
        return cls(one_line(error), isinstance(error, Inapplicable))


Result: TypeAlias = Score | Failed


@dataclass(frozen=True)
class Results:
    """One result per trial of a batch, and how many trials like these are worth training together here."""

    results: tuple[Result, ...]
    worth_together: int


@dataclass(eq=False)
class Running:
    """A trial in work."""

    cell: Cell
    pruning: Pruning | None
    values: list[list[float | None]] = field(default_factory=list)
    fits: int = 0
    steps: int = 0
    pruned: bool = False
    failed: Failed | None = None

    def take(self, outcome: Outcome, data: Encoded, columns: Sequence[str]) -> None:
        """Note what one fit came to."""
        if isinstance(outcome, optuna.TrialPruned):
            self.pruned, self.fits, self.steps = True, self.fits + 1, self.steps + int(str(outcome))
        elif isinstance(outcome, Exception):
            self.failed = Failed.by(outcome)
        else:
            metrics = judged(outcome, data)
            self.values.append([metrics.get(c) if c != SECONDS else outcome.cost.seconds for c in columns])
            self.fits, self.steps = self.fits + outcome.cost.fits, self.steps + outcome.cost.steps

    def result(self, columns: Sequence[str], seconds: float) -> Result:
        """Means over fits. An undefined objective is a failure: Optuna must never be told of it as a value."""
        if self.failed is not None:
            return self.failed
        if self.pruned:
            return Score((), self.fits, self.steps, seconds, pruned=True)
        means = []
        for c, seen in zip(columns, zip(*self.values, strict=True), strict=True):
            known = [v for v in seen if v is not None and np.isfinite(v)]
            if len(known) < len(seen):
                return Failed(f"{c} is undefined on the validation rows")
            means.append(float(np.mean(known)))
        return Score(tuple(means), self.fits, self.steps, seconds)


@dataclass(frozen=True)
class TrialWorker:
    """Trains batches of trials; a trial's result goes home with how many like it are worth training together."""

    module: ClassVar[str] = "bench.tuning.trials"

    @contextmanager
    def open(self, say: Callable[[Said], None]) -> Iterator[Callable[[Sequence[Trial]], None]]:
        """All trials of a batch begin at once and end at once."""

        def work(batch: Sequence[Trial]) -> None:
            for trial in batch:
                say(Began(trial.key))
            done = train_trials(batch)
            for trial, result in zip(batch, done.results, strict=True):
                say(Finished(trial.key, (result, done.worth_together)))

        yield work


def train_trials(trials: Sequence[Trial]) -> Results:
    """Train trials of one study on every seed (and fold); a trial that fails or is pruned disturbs no other.

    Results are those of one trial after another, to the last bit; only seconds are shared, in proportion to steps.
    Where seconds are an objective, nothing is trained together.
    """
    search = trials[0].search
    limit_threads(search.threads)
    use_graphs(search.graphs)
    device = pick_device(search.device)
    stack = "off" if SECONDS in search.columns else search.stack
    running = [Running(trial.cell, trial.pruning) for trial in trials]
    began, fitting, together = time.perf_counter(), True, 0
    for seed, fold in product(search.seeds, range(max(search.folds, 1))):
        trainings: list[Training] = []
        ready: list[tuple[Running, Encoded]] = []
        for trial in running:
            if trial.pruned or trial.failed is not None:
                continue
            try:
                where = (trial.cell.data, trial.cell.split, seed, search.folds, fold)
                data = tuning_data(*where, takes=takes(trial.cell.model), content=search.content)
                planned = identify(replace(trial.cell, seed=seed))
                trainings.append(training(planned, data))
                ready.append((trial, data))
                if not together:
                    together = members_that_fit([recipe(planned, data)] * search.batch, device, stack)
            except ResultsError:  # of data that changed: nobody's failure, and the end of the command
                raise
            except Exception as error:
                trial.failed = Failed.by(error)
        # The pruner judges the first fit; the others complete its mean.
        pruned = {i: watcher(t.pruning) for i, (t, _) in enumerate(ready) if fitting and t.pruning is not None}
        outcomes: dict[int, Outcome] = {}
        drive(trainings, outcomes.__setitem__, device=device, stack=stack, watches=pruned)
        for i, (trial, data) in enumerate(ready):
            try:
                trial.take(outcomes[i], data, search.columns)
            except Exception as error:
                trial.failed = Failed.by(error)
        fitting = False
    spent, steps = time.perf_counter() - began, max(1, sum(t.steps for t in running))
    return Results(tuple(t.result(search.columns, spent * t.steps / steps) for t in running), max(together, 1))
