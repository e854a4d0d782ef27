"""Runs studies to their number of trials: batches of all studies share one pool of worker processes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from rich.console import Console

from bench.config import Cell, CommandOptions, read_data, read_model
from bench.data.embeddings.ahead import encode_ahead
from bench.models.registry import takes
from bench.sweep.pool import Event, InThisProcess, Lost, Pool
from bench.sweep.worker import Finished
from bench.sweep.workers import open_workers, worker_count
from bench.tuning.objective import maximized
from bench.tuning.progress import Report, SearchView, print_study
from bench.tuning.pruning import Pruning
from bench.tuning.storage import RESULT, noted, settle, told
from bench.tuning.study import Study, check
from bench.tuning.trials import Failed, Result, Score, Search, Trial, TrialWorker

_POLL_SECONDS = 1.0  # between questions whether a study's last trials, which another process runs, are finished


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

    def trials(self, places: Sequence[int], options: CommandOptions) -> list[Trial]:
        """The trials at these places, as a worker gets them."""
        study, tune = self.study, self.study.tune
        search = Search(
            seeds=tune.seeds,
            folds=tune.folds,
            columns=study.identity.columns,
            threads=options.run.threads,
            device=options.run.device,
            stack=tune.stack,
            content=study.identity.content["data"]["fingerprint"],
            batch=tune.batch,
            graphs=options.run.graphs,
        )
        return [Trial(self.key(i), self.asked[i][1], self.pruning(i), search) for i in places]

    def key(self, place: int) -> str:
        """The name of a trial among those of all studies."""
        return f"{self.study.identity.name}/{self.asked[place][0].number}"

    def pruning(self, place: int) -> Pruning | None:
        """Where a trial reports its curve; None where trials are not pruned."""
        study, trial = self.study, self.asked[place][0]
        if not study.tune.prune or not study.single:
            return None
        up = maximized(study.identity.columns[0])
        return Pruning(str(study.folder), study.tune.storage, study.identity.name, trial._trial_id, up)


def tune(configurations: Sequence[Mapping[str, Any]], options: CommandOptions, console: Console) -> list[Report]:
    """Bring every study to `tune.trials` trials, and write its best settings.

    Raises:
        ConfigError, DataError: nothing was run.
        KeyboardInterrupt: finished trials are kept; the same command goes on.
    """
    for raw in configurations:
        check(raw, options.tune)  # all of them, before any leaves a trace
    studies: dict[str, Study] = {}
    for raw in configurations:
        study = Study(raw, options.tune, Path(options.results))
        if study.identity.name in studies:
            study.owner.close()
        else:
            studies[study.identity.name] = study
    asked = ((read_data(raw.get("data", {})), takes(read_model(raw.get("model", {})))) for raw in configurations)
    encode_ahead(asked, lambda said: console.print(said, highlight=False, soft_wrap=True))
    driver = StudyDriver(list(studies.values()), options, console)
    try:
        return driver.run()
    finally:
        for study in studies.values():
            study.owner.close()


class StudyDriver:
    """Keeps every worker busy; asks a study again when its batch is told.

    How many trials of a study are worth training together is known from its first result on.
    """

    def __init__(self, studies: Sequence[Study], options: CommandOptions, console: Console) -> None:
        self.studies, self.options, self.console = studies, options, console
        self.size = worker_count(options, options.tune.batch * len(studies))
        self.failures: dict[str, list[str]] = {s.identity.name: [] for s in studies}
        self.skipped: dict[str, str] = {}
        self.batches: dict[str, Batch] = {}
        self.queue: deque[tuple[Batch, int]] = deque()
        self.sent: dict[str, tuple[Batch, int]] = {}
        self.worth_together: dict[str, int] = {}

    def run(self) -> list[Report]:
        """Until every study has its trials, or fails more often than it may."""
        open_studies = {s.identity.name: s for s in self.studies}
        with SearchView(self.studies, self.console) as view, self.workers() as workers:
            while open_studies:
                # Few studies at a time: their batches fill the workers, and a kill leaves few of them half done.
                for name, study in list(open_studies.items())[: max(2, self.size)]:
                    if name not in self.batches and not self.begin(study):
                        del open_studies[name]
                        self.close(study)
                while self.queue and workers.idle > 0:
                    workers.submit(self.next_trials())
                workers.wait()
                for name, batch in list(self.batches.items()):
                    if batch.complete:
                        self.tell(batch)
                        del self.batches[name]
                        view.update(batch.study, skipped=batch.study.identity.name in self.skipped)
        return [
            Report(s, tuple(self.failures[s.identity.name]), self.skipped.get(s.identity.name, ""))
            for s in self.studies
        ]

    def workers(self) -> Pool[Trial] | InThisProcess[Trial]:
        """Where trials are trained. `run.timeout` is the time of one fit, of which a trial makes several."""
        fits = len(self.options.tune.seeds) * max(self.options.tune.folds, 1)
        return open_workers(TrialWorker(), self.options, self.size, self.heard, fits=fits)

    def begin(self, study: Study) -> bool:
        """Ask a batch. False when the study is done, or has failed too often."""
        name, wanted = study.identity.name, study.tune.trials
        if name in self.skipped or study.finished() >= wanted or len(self.failures[name]) >= wanted:
            return False
        batch = Batch(study, study.ask())
        if not batch.asked:
            time.sleep(_POLL_SECONDS)  # the missing trials are another process's, which may yet die
            return True
        self.batches[name] = batch
        self.queue.extend((batch, i) for i in range(len(batch.asked)))
        return True

    def next_trials(self) -> list[Trial]:
        """The next trials to train together: one batch is shared among the workers, several need no sharing."""
        batch, first = self.queue.popleft()
        share = -(-len(batch.asked) // max(1, self.size // len(self.batches)))
        places, most = [first], min(share, self.worth_together.get(batch.study.identity.name, 1))
        while self.queue and len(places) < most and self.queue[0][0] is batch:
            places.append(self.queue.popleft()[1])
        self.sent |= {batch.key(i): (batch, i) for i in places}
        return batch.trials(places, self.options)

    def heard(self, event: Event[Trial]) -> None:
        """What a worker says of a trial."""
        match event:
            case Finished(key, (result, worth_together)):
                batch, place = self.sent.pop(key)
                self.worth_together[batch.study.identity.name] = worth_together
                self.keep(batch, place, result)
            case Lost(trial, _, reason):
                self.keep(*self.sent.pop(trial.key), Failed(reason))

    def keep(self, batch: Batch, place: int, result: Result) -> None:
        """Note a result in the study at once: should this process die before the batch is told, it is not lost."""
        if isinstance(result, Score):
            trial, _ = batch.asked[place]
            for name in ("fits", "steps", "seconds"):
                noted(trial, name, getattr(result, name))
            noted(trial, RESULT, None if result.pruned else list(result.values))
        batch.results[place] = result

    def tell(self, batch: Batch) -> None:
        """Tell a batch in the order in which it was asked: TPE's proposals depend on it."""
        name = batch.study.identity.name
        for i, (trial, _) in enumerate(batch.asked):
            result = batch.results[i]
            batch.study.owner.trials.discard(trial._trial_id)
            if isinstance(result, Score):
                settle(batch.study.study, trial.number, None if result.pruned else list(result.values))
                continue
            noted(trial, "reason", result.reason)
            told(batch.study.study, trial.number, state=TrialState.FAIL)
            if result.inapplicable:
                self.skipped[name] = result.reason
            else:
                self.failures[name].append(f"trial {trial.number}: {result.reason}")
        if not self.console.is_terminal:
            print_study(batch.study, self.skipped.get(name, ""), self.console)

    def close(self, study: Study) -> None:
        """A study has all its trials, or needs none: write what it found."""
        skipped = self.skipped.get(study.identity.name, "")
        study.save_best(skipped=skipped)
