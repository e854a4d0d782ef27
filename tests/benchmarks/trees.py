"""LightGBM as a model, with looks and draws, against bare `lightgbm.train` on the same bins with its own objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import lightgbm as lgb
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.models.parts.tree_columns import binned
from bench.training.estimators import train_estimator
from strategies.focal import FocalLoss
from strategies.oversample import Oversample
from strategies.spec import CrossEntropy, Recipe
from strategies.undersample import Undersample
from tests.benchmarks.measure import Measured, compared
from tests.benchmarks.synthetic import numeric, recipe

ROWS, VALIDATION, WIDTH, TREES, REPEATS = 200_000, 20_000, 40, 300, 3
REACH = 1.15


@dataclass(frozen=True)
class Opaque:
    """Cross entropy of which nothing is known but its values."""

    prior_exact: ClassVar[bool] = True

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return CrossEntropy()(outputs, targets)


def measure() -> list[Measured]:
    """Losses in closed form and by autograd, and samplers, one thread, 300 trees each, a look every five."""
    model = LightGBM(max_trees=TREES, patience=TREES)
    plain = recipe(numeric(ROWS, WIDTH), numeric(VALIDATION, WIDTH, 1), model)
    rows = [
        ("cross entropy", plain, REACH),
        ("focal loss in closed form", plain.change(loss=FocalLoss(2.0)), REACH),
        ("a loss by autograd", plain.change(loss=Opaque()), None),
        ("oversampling, rows drawn for each tree", Oversample().prepare(plain), None),
        ("undersampling, rows drawn for each tree", Undersample().prepare(plain), None),
    ]
    return [against_bare(what, made, target) for what, made, target in rows]


def against_bare(what: str, made: Recipe, target: float | None) -> Measured:
    """One of ours beside LightGBM's own cross entropy, which is scored on the validation rows after each tree."""
    model, labels = made.model, (made.train.y.numpy(), made.val.y.numpy())
    assert isinstance(model, LightGBM)
    train, val = binned(made.train.x, made.val.x, model.max_bin, model.min_data_in_leaf, 1)
    settings = {
        "objective": "binary",
        "learning_rate": model.learning_rate,
        "num_leaves": model.num_leaves,
        "min_data_in_leaf": model.min_data_in_leaf,
        "feature_fraction": model.feature_fraction,
        "max_bin": model.max_bin,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }

    def reference() -> None:
        for data, y in zip((train, val), labels, strict=True):
            data.set_label(y)
        stopping = lgb.early_stopping(TREES, verbose=False)
        lgb.train(settings, train, num_boost_round=TREES, valid_sets=[val], callbacks=[stopping])

    def ours() -> None:
        outcome = train_estimator(made, None)
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome.cost.steps == TREES

    return compared(
        "trees",
        f"LightGBM as a model, {ROWS:,} × {WIDTH}, {TREES} trees: {what}",
        "lightgbm.train with its own cross entropy",
        reference,
        ours,
        target=target,
        repeats=REPEATS,
        warm=False,
    )
