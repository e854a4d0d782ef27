"""Text: a bag of tf-idf weighted terms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from bench.data.tables.schema import Strings
from bench.data.tables.splits import Rows
from strategies.features import Bag, Field


class TextEncoder:
    """All text columns of a row as one document: tf-idf weighted uni- and bigrams, rows of length 1.

    The vocabulary is the `vocabulary` most frequent terms of the training rows; other terms are left out.
    """

    def __init__(self, columns: tuple[str, ...], frame: pd.DataFrame, rows: Rows | None, vocabulary: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - half a second; few tables have text

        self.columns = columns
        self.vectorizer = TfidfVectorizer(
            sublinear_tf=True, ngram_range=(1, 2), max_features=vocabulary, dtype=np.float32
        )
        self.fitted = bag(self.vectorizer.fit_transform(documents(frame, columns, rows)))
        self.field = Field("text", "bag", sizes=(len(self.vectorizer.vocabulary_),))

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Bag:
        """n rows over the vocabulary."""
        return bag(self.vectorizer.transform(documents(frame, self.columns, rows)))


def documents(frame: pd.DataFrame, columns: tuple[str, ...], rows: Rows | None = None) -> list[str]:
    """The text columns of each row, one after another; missing is nothing."""
    parts: list[Strings] = []
    for name in columns:
        values = frame[name] if rows is None else frame[name].iloc[rows]
        texts = values.to_numpy(dtype=object).copy()
        texts[values.isna().to_numpy()] = None
        parts.append(texts)
    return ["\n".join(text for text in row if text is not None) for row in zip(*parts, strict=True)]


def has_terms(texts: list[str]) -> bool:
    """Whether any document has a word that the vectorizer would take."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    words = TfidfVectorizer().build_analyzer()
    return any(words(text) for text in texts)


def bag(matrix: Any) -> Bag:
    """A scipy CSR matrix as ragged rows."""
    matrix.sort_indices()
    ids, offsets = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    weights = matrix.data.astype(np.float32)
    return Bag(torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(offsets))
