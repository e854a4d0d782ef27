"""What is searched for: objectives by name, and the training and validation rows that they are judged on.

Test rows are never encoded.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from bench.config import ConfigError
from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.features.encode import Encoded, encode
from bench.data.features.load import load_encoded
from bench.data.loaded import loaded_table
from bench.data.tables.splits import Partition, partition
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.metric import RULES, VIEWS
from bench.evaluation.registry import METRICS, column, direction, ranking_metric
from bench.evaluation.views import natural_prior
from strategies.model import Takes
from strategies.predictor import Predictor
from strategies.registry import unknown

SECONDS = "seconds"
DEFAULT = Takes()


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
def tuning_data(config: DataConfig, split: int, seed: int, folds: int, fold: int, *, takes: Takes = DEFAULT) -> Encoded:
    """Training and validation rows of one seed, or of one fold of both together; no test row is encoded.

    Folds keep groups together.

    Raises:
        DataError: folds of rows that are split by time or by a column of the data.
    """
    if not folds:
        return load_encoded(config, split, seed, takes, test=False)
    if config.time is not None or config.given is not None:
        raise DataError("tune.folds: expected rows in no order, got data.time or data.given; use tune.folds=0")
    whole = loaded_table(config)
    parts = partition(whole, split, seed, config.test_fraction, config.val_fraction)
    rows = np.sort(np.concatenate([parts.train, parts.val]))
    groups = whole.roles.group[rows] if whole.roles is not None and whole.roles.group is not None else None
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    train, val = list(splitter.split(rows, whole.y[rows], groups))[fold]
    return encode(whole, Partition(rows[train], rows[val], parts.test), config, takes, test=False)


def judged(predictor: Predictor, data: Encoded) -> dict[str, float | None]:
    """The metrics on the validation rows. Rules and temperatures are fitted on them too, for every trial alike."""
    val = Predictions(predictor.logits(data.val.x).numpy(), data.val.y.numpy())
    counts = np.bincount(data.train.y.numpy(), minlength=data.train.n_classes)
    prior = predictor.prior.numpy()
    return evaluate(val, val, prior=prior, natural=natural_prior(counts), train_counts=counts).values
