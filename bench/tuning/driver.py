"""Runs studies to their number of trials: batches of all studies share one set of worker processes."""

from __future__ import annotations

import time
from collections import Counter
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

from bench.config import Cell, Settings
from bench.sweep import duration, worker_count
from bench.tuning.objective import Job, Pruning, Score, maximized, score
from bench.tuning.storage import RESULT, settle
from bench.tuning.study import Study
from bench.warm import warm_context
from strategies.spec import Inapplicable

RETRIES = 1  # how often a trial whose worker died is tried again
POLL = 1.0  # seconds between looks at a study whose last trials another process runs


@dataclass
class Batch:
    """Trials of one study that were asked together and will be told together, in order."""

    study: Study
    asked: list[tuple[optuna.Trial, Cell]]
    results: dict[int, Score | BaseException] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every trial has come back."""
        return len(self.results) == len(self.asked)


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


def tune(configurations: Sequence[Mapping[str, Any]], options: Settings, console: Console) -> list[Report]:
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
    """Keeps as many trials in work as there are workers; asks a study again when its batch is told."""

    def __init__(self, studies: Sequence[Study], options: Settings, console: Console) -> None:
        self.studies, self.options, self.console = studies, options, console
        self.size = worker_count(options, options.tune.batch * len(studies))
        self.failures: dict[str, list[str]] = {s.identity.name: [] for s in studies}
        self.skipped: dict[str, str] = {}
        self.deaths: Counter[tuple[str, int]] = Counter()
        self.pool: ProcessPoolExecutor | None = None
        self.running: dict[Future[Score], tuple[Batch, int]] = {}

    def run(self) -> list[Report]:
        """Until every study has its trials, or fails more often than it may."""
        goal = sum(s.tune.trials for s in self.studies)
        with self.display(goal) as progress:
            task = progress.add_task("trials", total=goal, completed=self.finished())
            open_studies = {s.identity.name: s for s in self.studies}
            batches: dict[str, Batch] = {}
            while open_studies:
                # Few studies at a time: their batches fill the workers, and a kill leaves few of them half done.
                for name, study in list(open_studies.items())[: max(2, self.size)]:
                    if name not in batches and not self.begin(study, batches):
                        del open_studies[name]
                        self.close(study)
                self.collect()
                for name, batch in list(batches.items()):
                    if batch.complete:
                        self.tell(batch)
                        del batches[name]
                        progress.update(task, completed=self.finished())
        if self.pool is not None:
            self.pool.shutdown()
        return [
            Report(s, tuple(self.failures[s.identity.name]), self.skipped.get(s.identity.name, ""))
            for s in self.studies
        ]

    def begin(self, study: Study, batches: dict[str, Batch]) -> bool:
        """Ask a batch and send it out. False when the study is done, or has failed too often."""
        name, wanted = study.identity.name, study.tune.trials
        if name in self.skipped or study.finished() >= wanted or len(self.failures[name]) >= wanted:
            return False
        batch = Batch(study, study.ask())
        if not batch.asked:
            time.sleep(POLL)  # the missing trials are another process's, which may yet die
            return True
        batches[study.identity.name] = batch
        for i in range(len(batch.asked)):
            self.send(batch, i)
        return True

    def send(self, batch: Batch, i: int) -> None:
        """Submit one trial; in this process when debugging."""
        trial, cell = batch.asked[i]
        study = batch.study
        pruning = None
        if study.tune.prune and study.single:
            pruning = Pruning(
                str(study.folder), study.tune.storage, study.identity.name, trial._trial_id,
                maximized(study.identity.columns[0]),
            )  # fmt: skip
        job = Job(
            cell, study.tune.seeds, study.tune.folds, study.identity.columns, self.options.run.threads,
            self.options.run.device, pruning,
        )  # fmt: skip
        if self.options.debug:
            try:
                self.keep(batch, i, score(job))
            except Exception as error:
                batch.results[i] = error
            return
        if self.pool is None:
            self.pool = ProcessPoolExecutor(self.size, mp_context=warm_context("bench.tuning.objective"))
        self.running[self.pool.submit(score, job)] = (batch, i)

    def collect(self) -> None:
        """Take in what has come back; after a worker's death, start new workers and send the lost trials again."""
        if not self.running:
            return
        finished, _ = wait(self.running, return_when=FIRST_COMPLETED)
        broken = []
        for future in finished:
            batch, i = self.running.pop(future)
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                broken.append((batch, i))
            else:
                self.keep(batch, i, error if error is not None else future.result())
        if broken:
            self.revive(broken)

    def keep(self, batch: Batch, i: int, result: Score | BaseException) -> None:
        """Note a result in the study at once: should this process die before the batch is told, it is not lost."""
        if isinstance(result, Score):
            trial, _ = batch.asked[i]
            for name in ("fits", "steps", "seconds"):
                trial.set_user_attr(name, getattr(result, name))
            trial.set_user_attr(RESULT, None if result.pruned else list(result.values))
        batch.results[i] = result

    def revive(self, broken: list[tuple[Batch, int]]) -> None:
        """A dead worker breaks the pool: all trials in work are lost, and each may be lost once more."""
        broken += self.running.values()
        self.running.clear()
        self.pool = None
        for batch, i in broken:
            trial, _ = batch.asked[i]
            self.deaths[batch.study.identity.name, trial.number] += 1
            if self.deaths[batch.study.identity.name, trial.number] > RETRIES * self.size:
                batch.results[i] = RuntimeError("its worker process died again and again")
            else:
                self.send(batch, i)

    def tell(self, batch: Batch) -> None:
        """Tell a batch in the order in which it was asked: TPE's proposals depend on it."""
        for i, (trial, _) in enumerate(batch.asked):
            result = batch.results[i]
            if isinstance(result, Score):
                settle(batch.study.study, trial.number, None if result.pruned else list(result.values))
            else:
                reason = " ".join(str(result).split()) or type(result).__name__
                trial.set_user_attr("reason", reason)
                batch.study.study.tell(trial, state=TrialState.FAIL)
                if isinstance(result, Inapplicable):
                    self.skipped[batch.study.identity.name] = reason
                else:
                    self.failures[batch.study.identity.name].append(f"trial {trial.number}: {reason}")
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
