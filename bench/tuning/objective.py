"""The score of one trial: trained and judged on training and validation rows; the test rows are never encoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import optuna
import torch
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from bench.cell import training
from bench.config import Cell, ConfigError
from bench.data.config import DataConfig
from bench.data.encode import Encoded, encode
from bench.data.prepare import prepare
from bench.data.schema import DataError
from bench.data.splits import Partition, partition
from bench.metric_specs import METRICS, RULES, VIEWS, column, direction, ranking_metric
from bench.metrics import Predictions, evaluate
from bench.planning import identify, table
from bench.training.threads import limit_threads
from bench.training.trainer import Outcome, drive, pick_device
from bench.tuning.storage import open_storage
from strategies.registry import unknown
from strategies.spec import Predictor, Recipe

SECONDS = "seconds"
REPORT_EVERY = 5  # looks at the validation rows between two reports to the pruner: each is a write to the storage


@dataclass(frozen=True)
class Pruning:
    """Where a worker reports the curve of its trial, and asks whether to go on."""

    folder: str
    storage: str | None
    study: str
    trial: int  # Optuna's id of the trial
    maximize: bool


@dataclass(frozen=True)
class Job:
    """One trial as a worker gets it."""

    cell: Cell
    seeds: tuple[int, ...]
    folds: int
    columns: tuple[str, ...]
    threads: int
    device: str
    pruning: Pruning | None


@dataclass(frozen=True)
class Score:
    """What a trial came to: one value per objective, and what it took."""

    values: tuple[float, ...]
    fits: int
    steps: int
    seconds: float
    pruned: bool = False


def objectives(names: str | tuple[str, ...], n_classes: int) -> tuple[str, ...]:
    """Columns to optimise: `auto`, a metric name (in its usual view), a full column, or `seconds`.

    Raises:
        ConfigError: an unknown name; suggests the nearest.
    """
    wanted = (names,) if isinstance(names, str) else names
    return tuple(objective(name, n_classes) for name in wanted)


def objective(name: str, n_classes: int) -> str:
    """One objective's column: ranking metrics raw, probability metrics recalibrated, decisions at the tuned rule."""
    if name == "auto":
        return ranking_metric(n_classes)
    if name == SECONDS:
        return SECONDS
    view, _, metric = name.rpartition("/")
    if metric not in METRICS:
        raise ConfigError(unknown("objective", name, [*METRICS, SECONDS, "auto"]))
    spec = METRICS[metric]
    usual = {"ranking": VIEWS[0], "probability": VIEWS[-1], "decision": RULES[-1]}[spec.kind]
    if not spec.applies(n_classes) or spec.ideal is not None:
        raise ConfigError(f"objective {name!r}: expected a metric to maximise or minimise for {n_classes} classes")
    return column(view or usual, metric)


def maximized(objective_column: str) -> bool:
    """The direction of an objective."""
    return objective_column != SECONDS and direction(objective_column)


@lru_cache(maxsize=4)
def tuning_data(config: DataConfig, split: int, seed: int, folds: int, fold: int) -> Encoded:
    """Training and validation rows of one seed, or of one fold of both together; no test row is encoded.

    Folds keep groups together.

    Raises:
        DataError: folds of rows that are split by time or by a column of the data.
    """
    if not folds:
        return prepare(config, split, seed, test=False)
    if config.time is not None or config.given is not None:
        raise DataError("tune.folds: expected rows in no order, got data.time or data.given; use tune.folds=0")
    whole = table(config)
    parts = partition(whole, split, seed, config.test_fraction, config.val_fraction)
    rows = np.sort(np.concatenate([parts.train, parts.val]))
    groups = whole.roles.group[rows] if whole.roles is not None and whole.roles.group is not None else None
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    train, val = list(splitter.split(rows, whole.y[rows], groups))[fold]
    return encode(whole, Partition(rows[train], rows[val], parts.test), config, test=False)


def score(job: Job) -> Score:
    """Train a trial on every seed (and fold) and average.

    Raises:
        FloatingPointError: an objective is undefined or not finite, which Optuna must never be told as a value.
    """
    limit_threads(job.threads)
    device = pick_device() if job.device == "auto" else torch.device(job.device)
    began = time.perf_counter()
    watch = watcher(job.pruning) if job.pruning is not None else None
    values, fits, steps = [], 0, 0
    for seed in job.seeds:
        for fold in range(max(job.folds, 1)):
            data = tuning_data(job.cell.data, job.cell.split, seed, job.folds, fold)
            try:
                predictor = train(replace(job.cell, seed=seed), data, device, watch)
            except optuna.TrialPruned as pruned:
                return Score((), fits + 1, steps + int(str(pruned)), time.perf_counter() - began, pruned=True)
            metrics = judged(predictor, data)
            values.append([metrics.get(c) if c != SECONDS else predictor.cost.seconds for c in job.columns])
            fits += predictor.cost.fits
            steps += predictor.cost.steps
            watch = None  # the pruner judges the first fit; the others complete its mean
    for c, seen in zip(job.columns, zip(*values, strict=True), strict=True):
        if any(v is None or not np.isfinite(v) for v in seen):
            raise FloatingPointError(f"{c} is undefined on the validation rows")
    means = tuple(float(np.mean([v for v in seen if v is not None])) for seen in zip(*values, strict=True))
    return Score(means, fits, steps, time.perf_counter() - began)


def train(
    cell: Cell, data: Encoded, device: torch.device, watch: Callable[[Recipe, int, float], None] | None
) -> Predictor:
    """The predictor of a cell.

    Raises:
        Exception: whatever ended its training.
    """
    planned = identify(cell)
    outcomes: list[Outcome] = []
    drive([training(planned, data)], lambda _, outcome: outcomes.append(outcome), device=device, watch=watch)
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def judged(predictor: Predictor, data: Encoded) -> dict[str, float | None]:
    """The metrics on the validation rows. Rules and temperatures are fitted on them too, for every trial alike."""
    val = Predictions(predictor.logits(data.val.x).numpy(), data.val.y.numpy())
    counts = np.bincount(data.train.y.numpy(), minlength=data.train.n_classes)
    natural = np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum()
    return evaluate(val, val, prior=predictor.prior.numpy(), natural=natural, train_counts=counts).values


@lru_cache(maxsize=8)
def opened(folder: str, storage: str | None, study: str) -> optuna.Study:
    """A study as a worker sees it, with the pruner of `Study.pruner`."""
    return optuna.load_study(study_name=study, storage=open_storage(Path(folder), storage), pruner=pruner())


def pruner() -> optuna.pruners.BasePruner:
    """Ends trials in the worst quarter at the same step, once eight trials are complete and 200 steps are made."""
    return optuna.pruners.PercentilePruner(75.0, n_startup_trials=8, n_warmup_steps=200, n_min_trials=4)


def watcher(where: Pruning) -> Callable[[Recipe, int, float], None]:
    """Reports every fifth score of the main fit to the study. Scores are losses: negated where the study maximises."""
    trial = optuna.Trial(opened(where.folder, where.storage, where.study), where.trial)
    looks = 0

    def watch(made: Recipe, step: int, loss: float) -> None:
        nonlocal looks
        if made.auxiliary:
            return
        looks += 1
        if looks % REPORT_EVERY == 0:
            trial.report(-loss if where.maximize else loss, step)
            if trial.should_prune():
                raise optuna.TrialPruned(step)

    return watch
