"""A partition of a table as features: encoders are fitted on the training rows and applied to all. The torch side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.features.category_encoders import CategoryEncoder
from bench.data.features.clean import clean
from bench.data.features.encoder import Encoder
from bench.data.features.fit_encoders import DEFAULT, embedding_of, fit
from bench.data.features.numeric_encoder import NumericEncoder
from bench.data.features.table_texts import TableTexts
from bench.data.tables.config import TableConfig
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import OtherTarget, Table, blocks
from bench.data.tables.splits import Partition, partition
from strategies.features import EMBEDDING, Bag, Features, Field, Split
from strategies.model import Takes

__all__ = ["CategoryEncoder", "Encoded", "NumericEncoder", "encode"]

_DTYPES = {"numeric": "float32", "categorical": "int64", "tokens": "int64"}

Collect = Callable[[str, tuple[int, ...], str, Iterable[npt.NDArray[Any]]], npt.NDArray[Any]]
"""(name, shape, type, blocks of rows) -> one array of them, in memory or in a file."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A partition of a table as features: splits for training, and the test rows apart from them.

    extra: for each other target the same training and validation rows as far as they have that label, its give-away
    columns masked as missing; and rows of other populations. Encoders and schema are the same. `partition` is after
    cleaning; `log` says what cleaning did.
    """

    table: Table
    partition: Partition
    train: Split
    val: Split
    test: Features
    test_y: Tensor  # int64 (n,)
    extra: Mapping[str, tuple[Split, Split]]
    schema: tuple[Field, ...]
    unlabelled: Features | None = None
    log: tuple[str, ...] = ()

    def weights(self) -> dict[str, npt.NDArray[np.float64]]:
        """The weights (n,) of the validation and test rows, where the data have any."""
        weight = None if self.table.roles is None else self.table.roles.weight
        rows = {"val": self.partition.val, "test": self.partition.test}
        return {} if weight is None else {part: weight[at] for part, at in rows.items()}

    def said(self, part: Literal["val", "test"]) -> dict[str, npt.NDArray[Any]]:
        """What the data say of a part's rows beside labels and weights: `query` and `group` (n,), `costs` (n, C²)."""
        rows, roles = getattr(self.partition, part), self.table.roles
        reported = None if roles is None else roles.reported()
        known = {"query": None if roles is None else roles.query, "group": None if reported is None else reported[0]}
        found = {name: of_all[rows] for name, of_all in known.items() if of_all is not None}
        costs = self.table.costs(rows)
        return found if costs is None else {**found, "costs": costs}


def _in_memory(name: str, shape: tuple[int, ...], dtype: str, blocks: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Blocks as one array in memory."""
    out, at = np.empty(shape, dtype=dtype), 0
    for block in blocks:
        out[at : at + len(block)] = block
        at += len(block)
    return out


def apply(
    encoders: list[Encoder],
    frame: pd.DataFrame,
    rows: Rows | None,
    part: str,
    collect: Collect,
    *,
    fitted: bool = False,
) -> Features:
    """Rows as features; `fitted`: they are the training rows."""
    n = len(frame) if rows is None else len(rows)
    columns: dict[str, Tensor | Bag] = {}
    for e in encoders:
        if fitted and e.fitted is not None:
            columns[e.field.name] = e.fitted
        elif e.field.kind == "bag":
            columns[e.field.name] = e(frame, rows)
        else:
            every = np.arange(n) if rows is None else rows
            encoded = (np.asarray(e(frame, block)) for block in blocks(every))
            collected = collect(f"{part}-{e.field.name}", (n, e.field.width), _DTYPES[e.field.kind], encoded)
            columns[e.field.name] = torch.from_numpy(collected)
    return Features(tuple(e.field for e in encoders), columns)


def features_of(encoders: Sequence[Encoder], frame: pd.DataFrame, rows: Rows | None = None) -> Features:
    """Rows of a frame of typed columns (None: all) as features, by encoders that are fitted."""
    return apply(list(encoders), frame, rows, "new", _in_memory)


def encode(
    table: Table,
    partition: Partition,
    config: TableConfig | None = None,
    takes: Takes = DEFAULT,
    *,
    test: bool = True,
    collect: Collect = _in_memory,
) -> Encoded:
    """Fit encoders on the training rows and encode all parts; without `test`, its rows are never touched (tuning).

    Fields, each only if the table has such columns: `numeric` float32, `categorical` int64, `target_shares` float32,
    `text` bag of int32 ids and float32 weights; or what else the model takes. `config` says how to clean and encode; by
    default nothing is cleaned.

    Raises:
        DataError: nothing can be encoded.
    """
    config = config or TableConfig()
    notes = partition.notes
    partition, log = clean(table, partition, config)
    embedding = embedding_of(table, partition.train, config, takes)
    encoders = fit(table, partition.train, config, takes, embedding)
    x = {
        part: apply(encoders, table.frame, rows, part, collect, fitted=part == "train")
        for part, rows in (("train", partition.train), ("val", partition.val), ("test", partition.test))
        if test or part != "test"
    }
    pairs = {"train": (partition.train, x["train"]), "val": (partition.val, x["val"])}
    extra = {**other_targets(table, pairs, encoders), **elsewhere(table, encoders)}
    train, val = (labelled(table, *pairs[part]) for part in ("train", "val"))
    if text := tuple(table.names("text")):
        train = replace(train, texts=TableTexts(table.frame, partition.train, text, encoders, config.terms))
    if embedding is not None:
        seen = x["train"].columns.get(EMBEDDING)
        vectors = seen if isinstance(seen, Tensor) else embedding(table.frame, partition.train)
        train = replace(train, embedding=vectors)
        log += [embedding.note] if embedding.note else []
    labels = torch.from_numpy(table.y)
    return Encoded(
        table=table,
        partition=partition,
        train=of_population(table, train, val),
        val=val,
        test=x["test"] if test else x["train"].take(torch.arange(0)),
        test_y=labels[partition.test] if test else labels[:0],
        extra=extra,
        schema=x["train"].schema,
        unlabelled=None
        if table.unlabelled is None
        else apply(encoders, table.unlabelled, None, "unlabelled", _in_memory),
        log=(*notes, *log),
    )


def labelled(table: Table, rows: Rows, x: Features) -> Split:
    """Rows with labels, weights and groups."""
    roles = table.roles
    weight = None if roles is None or roles.weight is None else torch.from_numpy(roles.weight[rows])
    group = None if roles is None or roles.group is None else torch.from_numpy(roles.group[rows])
    y = torch.from_numpy(table.y[rows])
    return Split(x, y, len(table.classes), weight=weight, group=group, natural=weight)


def of_population(table: Table, train: Split, val: Split) -> Split:
    """Training rows with the class prior of the population, where an imbalance was imposed on them: validation's."""
    if table.imbalance is None:
        return train
    mass = torch.bincount(val.y, weights=val.natural, minlength=val.n_classes).double()
    mass = mass.clamp_min(0.5 * float(mass.sum()) / len(val))
    return replace(train, population=mass / mass.sum())


def other_targets(
    table: Table, parts: Mapping[str, tuple[Rows, Features]], encoders: list[Encoder]
) -> dict[str, tuple[Split, Split]]:
    """The other labels of the training and validation rows, as far as there are any in both."""
    extra = {}
    for name, other in table.other.items():
        train, val = (other_split(table, other, *parts[part], encoders) for part in ("train", "val"))
        if len(train) and len(val):
            extra[name] = (of_population(table, train, val), val)
    return extra


def other_split(table: Table, other: OtherTarget, rows: Rows, x: Features, encoders: list[Encoder]) -> Split:
    """The rows of one part that have the other label, with its give-away columns masked as missing.

    Only fields that hold a masked column are encoded anew.
    """
    masked = table.frame.iloc[rows].copy()
    for name in other.drops:
        gone: Any = (
            np.nan if masked[name].dtype == np.float64 else pd.Series([None] * len(masked), masked.index, object)
        )
        masked[name] = gone
    columns = dict(x.columns)
    for encoder in encoders:
        if set(encoder.columns) & set(other.drops):
            columns[encoder.field.name] = encoder(masked)
    y = other.y[rows]
    having = torch.from_numpy(np.flatnonzero(y >= 0))
    own = labelled(table, rows, Features(x.schema, columns))
    weight = None if own.weight is None else own.weight[having]
    return Split(
        own.x.take(having),
        torch.from_numpy(y)[having],
        len(other.classes),
        weight=weight,
        group=None if own.group is None else own.group[having],
        natural=weight,
        places=having,
    )


def elsewhere(table: Table, encoders: list[Encoder]) -> dict[str, tuple[Split, Split]]:
    """Rows of other populations: none of them is ever tested on, so all train but those that validate."""
    extra = {}
    for name, other in table.elsewhere.items():
        parts = partition(replace(other, imbalance=None, shift=1.0), 0, 0)
        train = np.sort(np.concatenate([parts.train, parts.test]))
        extra[name] = (
            labelled(other, train, apply(encoders, other.frame, train, name, _in_memory)),
            labelled(other, parts.val, apply(encoders, other.frame, parts.val, name, _in_memory)),
        )
    return extra
