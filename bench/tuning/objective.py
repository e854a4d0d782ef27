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
from bench.data.features.load import encode_parts
from bench.data.tables.schema import Table
from bench.data.tables.splits import Partition, partition
from bench.evaluation.costs import COST_RULES
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.metric import RULES, VIEWS
from bench.evaluation.registry import METRICS, column, direction, ranking_metric
from bench.sweep.plan import table_of
from bench.training.scoring import class_mass, natural_prior
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
    usual = {"probability": VIEWS[-1], "decision": RULES[-1], "cost": COST_RULES[-1]}.get(spec.kind, spec.views[0])
    if not spec.applies(n_classes) or spec.ideal is not None:
        raise ConfigError(f"objective {name!r}: expected a metric to maximise or minimise for {n_classes} classes")
    return column(view or usual, metric)


def maximized(objective_column: str) -> bool:
    """The direction of an objective."""
    return objective_column != SECONDS and direction(objective_column)


def tuning_data(
    config: DataConfig,
    split: int,
    seed: int,
    folds: int,
    fold: int,
    *,
    takes: Takes = DEFAULT,
    content: str | None = None,
) -> Encoded:
    """Training and validation rows of one seed, or of one fold of both together; no test row is encoded.

    Folds keep groups together. `content`: the fingerprint of the table that a study is about.

    Raises:
        DataError: folds of rows that are split by time or by a column of the data, or with an imposed imbalance.
        ResultsError: the data are not those of `content`.
    """
    return _tuning_data(table_of(config, content), config, (split, seed), (folds, fold), takes)


@lru_cache(maxsize=4)
def _tuning_data(
    whole: Table, config: DataConfig, which: tuple[int, int], folding: tuple[int, int], takes: Takes
) -> Encoded:
    (split, seed), (folds, fold) = which, folding
    if not folds:
        return encode_parts(whole, config, split, seed, takes, test=False)
    if config.time is not None or config.given is not None:
        raise DataError("tune.folds: expected rows in no order, got data.time or data.given; use tune.folds=0")
    if whole.imbalance is not None and whole.imbalance > 1:
        raise DataError(
            f"tune.folds: expected rows as they are, got an imbalance of {whole.imbalance:g} that was imposed on the "
            "training rows: no fold would have the prior of the test rows. Use tune.folds=0, or data.imbalance=1"
        )
    parts = partition(whole, split, seed, config.test_fraction, config.val_fraction)
    rows = np.sort(np.concatenate([parts.train, parts.val]))
    groups = whole.roles.group[rows] if whole.roles is not None and whole.roles.group is not None else None
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    train, val = list(splitter.split(rows, whole.y[rows], groups))[fold]
    return encode(whole, Partition(rows[train], rows[val], parts.test), config, takes, test=False)


def judged(predictor: Predictor, data: Encoded) -> dict[str, float | None]:
    """The metrics on the validation rows. Rules and temperatures are fitted on them too, for every trial alike."""
    val = Predictions(
        predictor.logits(data.val.x).numpy(), data.val.y.numpy(), data.weights().get("val"), **data.said("val")
    )
    mass, natural = class_mass(data.train).numpy(), natural_prior(data.train).numpy()
    return evaluate(val, val, prior=predictor.prior.numpy(), natural=natural, train_counts=mass).values
