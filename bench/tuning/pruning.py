"""Ends hopeless trials by their validation curves, alike whether they train alone, together, or on another process.

A trial is compared with the complete trials of earlier batches only: Optuna is told of a batch when all of it is done,
so that which of its trials is faster decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import optuna

from bench.training.scoring import ScoreListener
from bench.tuning.storage import open_storage
from strategies.spec import Recipe

_REPORT_EVERY = 5  # looks at the validation rows between two reports to the pruner: each is a write to the storage


@dataclass(frozen=True)
class Pruning:
    """Where a worker reports the curve of its trial, and asks whether to go on."""

    folder: str
    storage: str | None
    study: str
    trial: int  # Optuna's id of the trial
    maximize: bool


def pruner() -> optuna.pruners.BasePruner:
    """Ends trials in the worst quarter at the same step, once eight trials are complete and 200 steps are made."""
    return optuna.pruners.PercentilePruner(75.0, n_startup_trials=8, n_warmup_steps=200, n_min_trials=4)


@lru_cache(maxsize=8)
def opened(folder: str, storage: str | None, study: str) -> optuna.Study:
    """A study as a worker sees it, with its pruner."""
    return optuna.load_study(study_name=study, storage=open_storage(Path(folder), storage), pruner=pruner())


def watcher(where: Pruning) -> ScoreListener:
    """Reports every fifth score of the main fit to the study. Scores are losses: negated where the study maximises.

    What it does depends on the step alone: a stack that failed as a whole is trained, and watched, once more.
    """
    trial = optuna.Trial(opened(where.folder, where.storage, where.study), where.trial)

    def watch(made: Recipe, step: int, loss: float) -> None:
        look = -(-step // made.eval_every)  # the last one may come early
        if made.auxiliary or look % _REPORT_EVERY:
            return
        try:
            trial.report(-loss if where.maximize else loss, step)
        except optuna.exceptions.UpdateFinishedTrialError:
            raise optuna.TrialPruned(step) from None  # another process has ended it: whatever it gives is not wanted
        if trial.should_prune():
            raise optuna.TrialPruned(step)

    return watch
