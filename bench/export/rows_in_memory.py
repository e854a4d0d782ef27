"""A model of rows in memory: trained, calibrated and given its decision rule without a file, a record or test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from bench.config import Cell
from bench.data.errors import DataError
from bench.data.features.encode import features_of, labelled
from bench.data.features.fit_encoders import fit_with_embedding
from bench.data.sources.spec import columns_of
from bench.data.tables.decode import Values, as_labels
from bench.data.tables.infer import as_kind, infer
from bench.data.tables.schema import ColumnKind, FeatureColumn, Roles, Table, coded
from bench.export.decision import fitted_rule
from bench.export.errors import ExportError
from bench.export.input_schema import InputSchema, spelling_of
from bench.export.model import ExportedModel
from bench.models.registry import takes
from bench.sweep.plan import inapplicable
from bench.sweep.runner import recipe_of_rows
from bench.training.scoring import class_mass, natural_prior
from bench.training.threads import limit_threads
from bench.training.trainer import Outcome, drive
from strategies.features import Features, Split
from strategies.predictor import Predictor

_TARGET = "label"  # what the labels are called in messages


def table_of_frame(
    frame: pd.DataFrame, kinds: Mapping[str, ColumnKind], y: npt.NDArray[np.int64], classes: Sequence[str],
    weight: npt.NDArray[np.float64] | None,
) -> Table:  # fmt: skip
    """A table of a data frame's columns.

    Args:
        frame: any columns.
        kinds: of some of them; by default numbers are numeric, booleans categorical, and text is as a file's would be.
        y: labels (n,) as indices of `classes`; of two classes the second is the positive one.
        classes: in words.
        weight: of the rows (n,), positive.

    Raises:
        DataError: cells that cannot be read as their kind, or no column to learn from.
    """
    found, ignored = dict[str, npt.NDArray[Any]](), dict[str, str]()
    used: dict[str, ColumnKind] = {}
    for name, values in columns_of(frame).items():
        kind, why = kinds.get(name), ""
        if kind is None:
            kind, why = _kind_of(name, values)
        if kind == "ignored":
            ignored[name] = why or "as declared"
        else:
            used[name], found[name] = kind, as_kind(name, as_labels(values, kind), kind)
    if not found:
        raise DataError(f"frame: expected a column to learn from, got none that is usable: {ignored}")
    names = sorted(found)
    return Table(
        name="frame",
        target=_TARGET,
        frame=pd.DataFrame({name: pd.Series(found[name], dtype=found[name].dtype) for name in names}),
        columns=tuple(FeatureColumn(name, used[name]) for name in names),
        y=y,
        classes=tuple(classes),
        rows=np.arange(len(y)),
        fingerprint="",
        version=1,
        source="memory",
        licence="",
        ignored=ignored,
        roles=None if weight is None else Roles(weight=weight),
    )


def _kind_of(name: str, values: Values) -> tuple[ColumnKind, str]:
    """The kind of a column that nobody has declared: of numbers their type says it."""
    return ("numeric", "") if values.storage == "number" else infer(name, as_labels(values, "text"))


def fit_table(table: Table, cell: Cell) -> ExportedModel:
    """Train a cell's strategies and model on a table: a part of its rows, by class, validates.

    Raises:
        DataError: too few rows, or nothing can be encoded.
        ExportError: training failed, or the strategies have no meaning for the model or these data.
    """
    if reason := inapplicable(cell):
        raise ExportError(reason)
    limit_threads(1)
    train_rows, val_rows = _parts(table.y, cell)
    encoders = fit_with_embedding(table, train_rows, cell.data, takes(cell.model))
    train, val = (labelled(table, rows, features_of(encoders, table.frame, rows)) for rows in (train_rows, val_rows))
    own = {e.field.name: e.fitted for e in encoders if e.fitted is not None}
    x = Features(train.x.schema, {**train.x.columns, **own})
    train = replace(train, x=x)
    predictor = _trained(cell, train, val)
    natural = natural_prior(train)
    rule = fitted_rule(
        np.asarray(predictor.logits(val.x).numpy(), dtype=np.float64),
        val.y.numpy(),
        None if val.natural is None else val.natural.numpy(),
        prior=predictor.prior.double().numpy(),
        natural=natural.numpy(),
        train_mass=class_mass(train).numpy(),
    )
    return ExportedModel(
        classes=table.classes,
        input=_schema(table),
        encoders=tuple(encoders),
        predictor=predictor,
        rule=rule,
        facts={"prior_exact": bool(predictor.prior_exact), "steps": predictor.cost.steps, "fits": predictor.cost.fits},
    )


def _parts(y: npt.NDArray[np.int64], cell: Cell) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Training and validation rows: of each class the same share validates, of one row none.

    Raises:
        DataError: no class has two rows.
    """
    rng, val = np.random.default_rng([cell.split, 1, cell.seed]), []
    for c in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == c))
        val.append(members[: max(1, round(len(members) * cell.data.val_fraction))] if len(members) > 1 else members[:0])
    held = np.sort(np.concatenate(val)).astype(np.int64)
    if not len(held):
        raise DataError(f"expected two rows of some class, one to train and one to validate, got {len(y)} of as many")
    return np.setdiff1d(np.arange(len(y)), held, assume_unique=True).astype(np.int64), held


def _trained(cell: Cell, train: Split, val: Split) -> Predictor:
    """The predictor of a cell on these rows.

    Raises:
        ExportError: training failed.
    """
    outcomes: list[Outcome] = []
    with torch.random.fork_rng(devices=[]):  # whoever calls draws from the global stream as if nothing had happened
        torch.manual_seed(cell.seed)
        training = cell.chain().train(recipe_of_rows(cell, train, val))
        drive([training], lambda _, outcome: outcomes.append(outcome), device=torch.device("cpu"))
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise ExportError(f"{cell.strategy}, {cell.model.name}: training failed: {outcome}") from outcome
    return outcome


def _schema(table: Table) -> InputSchema:
    """How further rows are read."""
    return InputSchema(
        kinds={column.name: column.kind for column in table.columns},
        spellings={name: spelling_of(coded(table.frame[name])[1]) for name in table.names("categorical")},
        target=table.target,
        known=tuple(sorted(table.ignored)),
    )
