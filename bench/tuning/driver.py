"""Runs studies to their number of trials: batches of all studies share one set of worker processes."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.config import Cell, CommandOptions
from bench.machine import Place, places
from bench.sweep.fork_server import forking_context
from bench.sweep.run import duration, visible_gpus, worker_count
from bench.tuning.objective import maximized
from bench.tuning.pruning import Pruning
from bench.tuning.storage import RESULT, settle
from bench.tuning.study import Study
from bench.tuning.trials import Done, Failed, Job, Result, Score, run

RETRIES = 1  # how often a trial whose worker died is tried again
POLL = 1.0  # seconds between looks at a study whose last trials another process runs


@dataclass
class Batch:
    """Trials of one study that were asked together and will be told together, in order."""

    study: Study
    asked: list[tuple[optuna.Trial, Cell]]
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every trial has come back."""
        return len(self.results) == len(self.asked)


@dataclass(frozen=True, eq=False)
class Worker:
    """A pool of one process, and where it runs."""

    pool: ProcessPoolExecutor
    place: Place

    @classmethod
    def start(cls, place: Place) -> Worker:
        """A new process there."""
        context = forking_context("bench.tuning.trials")
        return cls(ProcessPoolExecutor(1, mp_context=context, initializer=place.occupy), place)


@dataclass(frozen=True)
class Sent:
    """What a worker is at: places in a batch."""

    worker: Worker
    batch: Batch
    places: list[int]


@dataclass(frozen=True)
class Report:
    """What became of a study."""

    study: Study
    failures: tuple[str, ...]
    skipped: str = ""  # why the strategy does not apply

    @property
    def met(self) -> bool:
        """Whether it has the trials that were asked for, or needs none."""
        return bool(self.skipped) or self.study.finished() >= self.study.tune.trials


def tune(configurations: Sequence[Mapping[str, Any]], options: CommandOptions, console: Console) -> list[Report]:
    """Bring every study to `tune.trials` trials, and write its best settings.

    Raises:
        ConfigError, DataError: nothing was run.
        KeyboardInterrupt: finished trials are kept; the same command goes on.
    """
    studies: dict[str, Study] = {}
    for raw in configurations:
        study = Study(raw, options.tune, Path(options.results))
        if study.identity.name in studies:
            study.owner.close()
        else:
            studies[study.identity.name] = study
    driver = Driver(list(studies.values()), options, console)
    try:
        return driver.run()
    finally:
        for study in studies.values():
            study.owner.close()


class Driver:
    """Keeps every worker busy; asks a study again when its batch is told.

    A worker is a pool of one process: its death costs the trials that it was at, which are tried again one by one.
    How many trials of a study are worth training together is known from its first result on.
    """

    def __init__(self, studies: Sequence[Study], options: CommandOptions, console: Console) -> None:
        self.studies, self.options, self.console = studies, options, console
        self.size = worker_count(options, options.tune.batch * len(studies))
        self.failures: dict[str, list[str]] = {s.identity.name: [] for s in studies}
        self.skipped: dict[str, str] = {}
        self.batches: dict[str, Batch] = {}
        self.queue: deque[tuple[Batch, int]] = deque()
        self.rooms: dict[str, int] = {}
        self.deaths: Counter[tuple[str, int]] = Counter()
        self.free = places(self.size, options.run.threads, visible_gpus(options))
        self.idle: list[Worker] = []
        self.running: dict[Future[Done], Sent] = {}

    def run(self) -> list[Report]:
        """Until every study has its trials, or fails more often than it may."""
        goal = sum(s.tune.trials for s in self.studies)
        with self.display(goal) as progress:
            task = progress.add_task("trials", total=goal, completed=self.finished())
            open_studies = {s.identity.name: s for s in self.studies}
            while open_studies:
                # Few studies at a time: their batches fill the workers, and a kill leaves few of them half done.
                for name, study in list(open_studies.items())[: max(2, self.size)]:
                    if name not in self.batches and not self.begin(study):
                        del open_studies[name]
                        self.close(study)
                self.feed()
                self.collect()
                for name, batch in list(self.batches.items()):
                    if batch.complete:
                        self.tell(batch)
                        del self.batches[name]
                        progress.update(task, completed=self.finished())
        for worker in self.idle:
            worker.pool.shutdown()
        return [
            Report(s, tuple(self.failures[s.identity.name]), self.skipped.get(s.identity.name, ""))
            for s in self.studies
        ]

    def begin(self, study: Study) -> bool:
        """Ask a batch. False when the study is done, or has failed too often."""
        name, wanted = study.identity.name, study.tune.trials
        if name in self.skipped or study.finished() >= wanted or len(self.failures[name]) >= wanted:
            return False
        batch = Batch(study, study.ask())
        if not batch.asked:
            time.sleep(POLL)  # the missing trials are another process's, which may yet die
            return True
        self.batches[name] = batch
        self.queue.extend((batch, i) for i in range(len(batch.asked)))
        return True

    def feed(self) -> None:
        """Give waiting trials to idle workers; to this process when debugging."""
        while self.queue and (self.options.debug or len(self.running) < self.size):
            batch, at = self.next()
            job = self.job(batch, at)
            if self.options.debug:
                self.keep(batch, at, run(job))
                continue
            worker = self.idle.pop() if self.idle else Worker.start(self.free.pop())
            try:
                self.running[worker.pool.submit(run, job)] = Sent(worker, batch, at)
            except BrokenProcessPool:  # died while idle: nobody's fault
                self.free.append(worker.place)
                self.queue.extendleft((batch, i) for i in reversed(at))

    def next(self) -> tuple[Batch, list[int]]:
        """The next trials to train together: one batch is shared among the workers, several need no sharing.

        A trial whose worker died goes alone, so that it cannot take others down again.
        """
        batch, i = self.queue.popleft()
        share = -(-len(batch.asked) // max(1, self.size // len(self.batches)))
        places, most = [i], min(share, self.rooms.get(batch.study.identity.name, 1))
        while self.queue and len(places) < most and not self.suspect(batch, i):
            other, k = self.queue[0]
            if other is not batch or self.suspect(other, k):
                break
            places.append(k)
            self.queue.popleft()
        return batch, places

    def suspect(self, batch: Batch, i: int) -> bool:
        """Whether a worker died on this trial."""
        return self.deaths[batch.study.identity.name, batch.asked[i][0].number] > 0

    def job(self, batch: Batch, places: list[int]) -> Job:
        """The trials at these places, as a worker gets them."""
        study, tune = batch.study, batch.study.tune
        trials = []
        for trial, cell in (batch.asked[i] for i in places):
            pruning = None
            if tune.prune and study.single:
                pruning = Pruning(
                    str(study.folder), tune.storage, study.identity.name, trial._trial_id,
                    maximized(study.identity.columns[0]),
                )  # fmt: skip
            trials.append((cell, pruning))
        return Job(
            tuple(trials), tune.seeds, tune.folds, study.identity.columns, self.options.run.threads,
            self.options.run.device, tune.stack, tune.batch, self.options.run.graphs,
        )  # fmt: skip

    def collect(self) -> None:
        """Take in what has come back; trials whose worker died wait to be sent again."""
        if not self.running:
            return
        finished, _ = wait(self.running, return_when=FIRST_COMPLETED)
        for future in finished:
            sent = self.running.pop(future)
            if isinstance(error := future.exception(), BrokenProcessPool):
                self.bury(sent)
                continue
            self.idle.append(sent.worker)
            if isinstance(error, Exception):
                self.keep(sent.batch, sent.places, Done((Failed.by(error),) * len(sent.places), 1))
            else:
                self.keep(sent.batch, sent.places, future.result())

    def keep(self, batch: Batch, places: list[int], done: Done) -> None:
        """Note results in the study at once: should this process die before the batch is told, they are not lost."""
        self.rooms[batch.study.identity.name] = done.room
        for i, result in zip(places, done.results, strict=True):
            if isinstance(result, Score):
                trial, _ = batch.asked[i]
                for name in ("fits", "steps", "seconds"):
                    trial.set_user_attr(name, getattr(result, name))
                trial.set_user_attr(RESULT, None if result.pruned else list(result.values))
            batch.results[i] = result

    def bury(self, sent: Sent) -> None:
        """A dead worker: its trials are tried again, once."""
        self.free.append(sent.worker.place)
        for i in sent.places:
            key = sent.batch.study.identity.name, sent.batch.asked[i][0].number
            self.deaths[key] += 1
            if self.deaths[key] > RETRIES:
                sent.batch.results[i] = Failed("its worker process died twice")
            else:
                self.queue.append((sent.batch, i))

    def tell(self, batch: Batch) -> None:
        """Tell a batch in the order in which it was asked: TPE's proposals depend on it."""
        for i, (trial, _) in enumerate(batch.asked):
            result = batch.results[i]
            if isinstance(result, Score):
                settle(batch.study.study, trial.number, None if result.pruned else list(result.values))
                continue
            trial.set_user_attr("reason", result.reason)
            batch.study.study.tell(trial, state=TrialState.FAIL)
            if result.inapplicable:
                self.skipped[batch.study.identity.name] = result.reason
            else:
                self.failures[batch.study.identity.name].append(f"trial {trial.number}: {result.reason}")
        if not self.console.is_terminal:
            self.console.print(self.line(batch.study), soft_wrap=True, highlight=False)

    def close(self, study: Study) -> None:
        """A study has all its trials, or needs none: write what it found."""
        study.save_best(skipped=self.skipped.get(study.identity.name, ""))
        if self.console.is_terminal:
            self.console.print(self.line(study), soft_wrap=True, highlight=False)

    def line(self, study: Study) -> str:
        """`womens/one_star mlp focal  16/40 trials (2 pruned)  best .41 (trial 7)`."""
        if study.identity.name in self.skipped:
            return f"{escape(study.label)}  skipped: {escape(self.skipped[study.identity.name])}"
        best, pruned = study.best(), len(study.trials(TrialState.PRUNED))
        text = f"{escape(study.label)}  {study.finished()}/{study.tune.trials} trials ({pruned} pruned)"
        if best is None:
            return f"{text}  none complete yet"
        values = "  ".join(f"{c} {v:.4f}" for c, v in zip(study.identity.columns, best.values, strict=True))
        return f"{text}  best {values} (trial {best.number})"

    def finished(self) -> int:
        """Finished trials of all studies, at most what was asked for."""
        return sum(min(s.finished(), s.tune.trials) for s in self.studies)

    def display(self, goal: int) -> Progress:
        """One bar over all studies; hidden where there is no terminal."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)


def summarize(reports: Sequence[Report], seconds: float, console: Console) -> int:
    """Print what was found and what failed; the exit code."""
    for r in reports:
        if r.skipped:
            console.print(f"{escape(r.study.label)}: skipped: {escape(r.skipped)}", soft_wrap=True, highlight=False)
            continue
        totals = r.study.totals()
        console.print(
            f"{escape(r.study.label)}: {totals['trials']:.0f} trials, {totals['steps']:,.0f} steps, "
            f"{totals['seconds']:.0f} s of training -> {escape(str(r.study.folder))}",
            soft_wrap=True, highlight=False,
        )  # fmt: skip
        for failure in r.failures:
            console.print(f"  [red]failed[/] {escape(failure)}", soft_wrap=True, highlight=False)
    console.print(f"{len(reports)} studies in {duration(seconds)}", highlight=False)
    return 0 if all(r.met for r in reports) else 1
