"""The last step of reading a table, in memory or column by column: what was found becomes a `Table`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError
from bench.data.tables.class_costs import OTHER, of_outcomes
from bench.data.tables.config import TableConfig
from bench.data.tables.far_apart import far_apart
from bench.data.tables.origin import Origin
from bench.data.tables.schema import FeatureColumn, OtherTarget, Roles, Table, fingerprint, frame_hash


@dataclass(frozen=True, eq=False)
class Contents:
    """What is in a table, whichever way it was read; fields as in `Table`."""

    target: str
    columns: tuple[FeatureColumn, ...]
    frame: pd.DataFrame | Mapping[str, pd.Series[Any]]
    classes: tuple[str, ...]
    y: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    roles: Roles
    ignored: Mapping[str, str]
    log: tuple[str, ...]
    truth: npt.NDArray[np.float64] | None = None
    unlabelled: pd.DataFrame | None = None

    def fingerprint(self, imbalance: float | None) -> str:
        """The hash of all of it and of the imbalance to impose."""
        parts = self.roles.arrays()
        if self.truth is not None:
            parts["truth"] = self.truth
        if self.unlabelled is not None:
            hashed = bytes.fromhex(frame_hash(self.unlabelled, self.columns))
            parts["unlabelled"] = np.frombuffer(hashed, dtype=np.uint8)
        return fingerprint(
            self.target,
            self.classes,
            y=self.y,
            columns=self.columns,
            frame=self.frame,
            imbalance=imbalance,
            roles=parts,
        )


def assemble(
    contents: Contents,
    config: TableConfig,
    origin: Origin,
    *,
    other: Mapping[str, OtherTarget] | None = None,
    fingerprint: str | None = None,
) -> Table:
    """The table of these contents, with what the configuration and the source say of it.

    Args:
        contents: what was read.
        config: name and ways to split.
        origin: the source and what it knows.
        other: labels of further targets.
        fingerprint: of the contents, where it is known; else it is computed.

    Raises:
        DataError: row weights for data with known true probabilities.
    """
    if contents.truth is not None and contents.roles.weight is not None:
        raise DataError(
            f"data.weight {config.weight!r}: expected data whose true probabilities are unknown, got a generator's "
            "with regrets that are expectations over single rows, and mean nothing by weight: unset data.weight"
        )
    frame, imbalance, roles = contents.frame, origin.imposed(config), contents.roles
    far = () if config.outliers == "quantiles" else far_apart(frame, contents.columns)
    _check_two_classes(contents, config)
    made = Table(
        name=config.name or origin.name,
        target=contents.target,
        frame=frame if isinstance(frame, pd.DataFrame) else pd.DataFrame(dict(frame), copy=False),
        columns=contents.columns,
        y=contents.y,
        classes=contents.classes,
        rows=contents.rows,
        fingerprint=fingerprint or contents.fingerprint(imbalance),
        version=origin.version,
        source=origin.source,
        licence=origin.licence,
        other=other or {},
        transfer_source=origin.transfer_source,
        imbalance=imbalance,
        ignored=contents.ignored,
        log=(*contents.log, *_weighted(config.weight, roles.weight), *far),
        roles=roles if roles.arrays() else None,
        group_split=roles.group is not None and config.group_split,
        folds=config.folds,
        shift=config.shift,
        cost=config.cost,
        imbalance_shape=config.imbalance_shape,
        largest=origin.largest,
        truth=contents.truth,
        unlabelled=contents.unlabelled,
    )
    _check_costs(made)
    return made


def _check_two_classes(contents: Contents, config: TableConfig) -> None:
    """Refuse what has a meaning for two classes only.

    Raises:
        DataError: there is such.
    """
    classes = contents.classes
    if len(classes) == 2:
        return
    if config.query is not None:
        raise DataError(
            f"data.query: expected two classes, got {len(classes)}. A ranking has one score a row, of being relevant; "
            "among several classes none says which that is. Make two classes of them (relevant or not), or unset it"
        )
    if config.cost is not None and of_outcomes(config.cost):
        raise DataError(
            f"data.cost: expected what mistakes about each of {len(classes)} classes cost, got costs of two classes. "
            f"Say it by their names, as in {{{classes[0]}: 1, {classes[-1]}: {{{classes[0]}: 5, {OTHER}: 2}}}}"
        )


def _check_costs(table: Table) -> None:
    """Refuse mistakes that cost less than right decisions (Elkan 2001, section 2.1).

    Raises:
        DataError: there are such; counts the rows.
    """
    costs = table.costs(np.arange(len(table)))
    if costs is None or len(table.classes) > 2:  # of several classes they were held to it by name
        return
    tn, fp, fn, tp = costs.T
    for wrong, right, names in ((fp, tn, "fp >= tn"), (fn, tp, "fn >= tp")):
        n = int((wrong < right).sum())
        if n:
            raise DataError(
                f"data.cost: expected a mistake to cost at least what the right decision does ({names}), got "
                f"{n:,} rows in which it costs less. Correct the costs"
            )


def _weighted(column: str | None, weight: npt.NDArray[np.float64] | None) -> tuple[str, ...]:
    """That rows count by weight, and how unevenly; nothing where they do not."""
    if weight is None:
        return ()
    effective = float(weight.sum() ** 2 / np.square(weight).sum())
    return (
        f"rows count by {column!r} (data.weight) in training, stopping, metrics, calibration, thresholds and priors; "
        f"{len(weight):,} rows tell as much as {effective:,.0f} of equal weight (Kish 1965)",
    )
