"""Encoders, fitted on the training rows and on nothing else, and the features that they make. The torch side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor

from bench.data.schema import DataError, OtherTarget, Strings, Table
from bench.data.splits import Partition, Rows
from strategies.features import Bag, Features, Field, Split

MISSING, UNKNOWN, RESERVED = 0, 1, 2  # codes of categories; the first two are reserved
LEAST_COUNT = 2  # a category seen once in training is unknown, so that the unknown code gets trained
FARTHEST = 1e6  # standard deviations; beyond, float32 would overflow in a model


@dataclass(frozen=True, eq=False)
class Encoded:
    """A partition of a table as features: splits for training, and the test rows apart from them.

    extra: for each other target the same training and validation rows as far as they have that label, its give-away
    columns masked as missing; encoders and schema are the same.
    """

    table: Table
    partition: Partition
    train: Split
    val: Split
    test: Features
    test_y: Tensor  # int64 (n,)
    extra: Mapping[str, tuple[Split, Split]]
    schema: tuple[Field, ...]


class Encoder(Protocol):
    """One field: fitted on training rows when made, applied to any rows."""

    field: Field
    columns: tuple[str, ...]

    def __call__(self, frame: pd.DataFrame) -> Tensor | Bag: ...


class NumericEncoder:
    """Median for missing, then standardised; an indicator (0 or 1) for each column with gaps in training.

    Output float32 (n, k + indicators), values first. A column that is constant in training gives zeros.
    """

    def __init__(self, columns: tuple[str, ...], train: pd.DataFrame) -> None:
        self.columns = columns
        values = train[list(columns)].to_numpy(dtype=np.float64)
        gaps = np.isnan(values)
        self.indicated = np.flatnonzero(gaps.any(axis=0))
        self.median = np.array([median(values[~gap, i]) for i, gap in enumerate(gaps.T)])
        filled = np.where(gaps, self.median, values)
        self.size = np.maximum(np.abs(filled).max(axis=0), 1e-300)  # so that no square overflows
        filled = filled / self.size
        self.mean = filled.mean(axis=0)
        deviation = filled.std(axis=0)
        self.constant = (filled.max(axis=0) == filled.min(axis=0)) | (deviation == 0)
        self.scale = np.where(self.constant, 1.0, deviation)
        self.field = Field("numeric", "numeric", width=len(columns) + len(self.indicated))

    def __call__(self, frame: pd.DataFrame) -> Tensor:
        """float32 (n, width)."""
        values = frame[list(self.columns)].to_numpy(dtype=np.float64)
        gaps = np.isnan(values)
        with np.errstate(over="ignore"):  # a far outlier is clipped below
            z = (np.where(gaps, self.median, values) / self.size - self.mean) / self.scale
        z = np.where(self.constant, 0.0, z).clip(-FARTHEST, FARTHEST)
        return torch.from_numpy(np.hstack([z, gaps[:, self.indicated]]).astype(np.float32))


def median(values: npt.NDArray[np.float64]) -> float:
    """The median, 0 of nothing."""
    return 2 * float(np.median(values / 2)) if len(values) else 0.0  # halves: the middle two may not overflow


class CategoryEncoder:
    """Codes per column: 0 missing, 1 unknown (not in training, or once), then the categories by name."""

    def __init__(self, columns: tuple[str, ...], train: pd.DataFrame) -> None:
        self.columns = columns
        self.categories: list[list[str]] = []
        for name in columns:
            counts = train[name].value_counts()
            self.categories.append(sorted(counts.index[counts >= LEAST_COUNT]))
        sizes = tuple(RESERVED + len(known) for known in self.categories)
        self.field = Field("categorical", "categorical", sizes=sizes, width=len(columns))

    def __call__(self, frame: pd.DataFrame) -> Tensor:
        """int64 (n, k)."""
        codes = np.empty((len(frame), len(self.columns)), dtype=np.int64)
        for i, (name, known) in enumerate(zip(self.columns, self.categories, strict=True)):
            found = pd.Index(known, dtype=object).get_indexer(pd.Index(frame[name], dtype=object))  # -1: not there
            codes[:, i] = np.where(found < 0, UNKNOWN, found + RESERVED)
            codes[frame[name].isna().to_numpy(), i] = MISSING
        return torch.from_numpy(codes)


class TextEncoder:
    """All text columns of a row as one document: tf-idf weighted uni- and bigrams, rows of length 1.

    The vocabulary is the `vocabulary` most frequent terms of the training rows; other terms are left out.
    """

    def __init__(self, columns: tuple[str, ...], train: pd.DataFrame, vocabulary: int) -> None:
        self.columns = columns
        self.vectorizer = TfidfVectorizer(
            sublinear_tf=True, ngram_range=(1, 2), max_features=vocabulary, dtype=np.float32
        )
        self.fitted = bag(self.vectorizer.fit_transform(documents(train, columns)))
        self.field = Field("text", "bag", sizes=(len(self.vectorizer.vocabulary_),))

    def __call__(self, frame: pd.DataFrame) -> Bag:
        """n rows over the vocabulary."""
        return bag(self.vectorizer.transform(documents(frame, self.columns)))


def documents(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[str]:
    """The text columns of each row, one after another; missing is nothing."""
    parts: list[Strings] = [frame[name].to_numpy() for name in columns]
    return ["\n".join(text for text in row if text is not None) for row in zip(*parts, strict=True)]


def bag(matrix: Any) -> Bag:
    """A scipy CSR matrix as ragged rows."""
    matrix.sort_indices()
    ids, offsets = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    weights = matrix.data.astype(np.float32)
    return Bag(torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(offsets))


def fit(table: Table, train: pd.DataFrame, vocabulary: int) -> list[Encoder]:
    """The encoders of a table's fields, from its training rows.

    Raises:
        DataError: nothing can be encoded.
    """
    encoders: list[Encoder] = []
    if numeric := tuple(table.names("numeric")):
        encoders.append(NumericEncoder(numeric, train))
    if categorical := tuple(table.names("categorical")):
        encoders.append(CategoryEncoder(categorical, train))
    text = tuple(table.names("text"))
    if text and has_terms(documents(train, text)):
        encoders.append(TextEncoder(text, train, vocabulary))
    if not encoders:
        raise DataError(
            f"{table.name}: expected words in the text columns {', '.join(text)} of the training rows, got none. "
            "Add other columns"
        )
    return encoders


def has_terms(texts: list[str]) -> bool:
    """Whether any document has a word that the vectorizer would take."""
    words = TfidfVectorizer().build_analyzer()
    return any(words(text) for text in texts)


def encode(table: Table, partition: Partition, *, vocabulary: int = 8000, test: bool = True) -> Encoded:
    """Fit encoders on the training rows and encode all parts; without `test`, its rows are never touched (tuning).

    Fields, each only if the table has such columns: `numeric` float32, `categorical` int64, `text` bag of int32 ids
    and float32 weights.

    Raises:
        DataError: nothing can be encoded.
    """
    positions = {"train": partition.train, "val": partition.val} | ({"test": partition.test} if test else {})
    frames = {part: table.frame.iloc[rows].reset_index(drop=True) for part, rows in positions.items()}
    encoders = fit(table, frames["train"], vocabulary)
    schema = tuple(encoder.field for encoder in encoders)
    x = {}
    for part, frame in frames.items():
        columns = {
            e.field.name: e.fitted if part == "train" and isinstance(e, TextEncoder) else e(frame) for e in encoders
        }
        x[part] = Features(schema, columns)
    labels = torch.from_numpy(table.y)
    n_classes = len(table.classes)
    extra = {}
    for name, other in table.other.items():
        pair = tuple(
            other_split(other, rows, frames[part], x[part], encoders)
            for part, rows in (("train", partition.train), ("val", partition.val))
        )
        if all(len(split) for split in pair):
            extra[name] = (pair[0], pair[1])
    return Encoded(
        table=table,
        partition=partition,
        train=Split(x["train"], labels[partition.train], n_classes),
        val=Split(x["val"], labels[partition.val], n_classes),
        test=x["test"] if test else x["train"].take(torch.arange(0)),
        test_y=labels[partition.test] if test else labels[:0],
        extra=extra,
        schema=schema,
    )


def other_split(other: OtherTarget, rows: Rows, frame: pd.DataFrame, x: Features, encoders: list[Encoder]) -> Split:
    """The rows of one part that have the other label, with its give-away columns masked as missing.

    Only fields that hold a masked column are encoded anew. `rows`, `frame` and `x` are of one part, aligned.
    """
    masked = frame.copy()
    for name in other.drops:
        masked[name] = np.nan if masked[name].dtype == np.float64 else pd.Series([None] * len(frame), dtype=object)
    columns = dict(x.columns)
    for encoder in encoders:
        if set(encoder.columns) & set(other.drops):
            columns[encoder.field.name] = encoder(masked)
    y = other.y[rows]
    labelled = torch.from_numpy(np.flatnonzero(y >= 0))
    return Split(Features(x.schema, columns).take(labelled), torch.from_numpy(y)[labelled], len(other.classes))
