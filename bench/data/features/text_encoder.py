"""Text: a bag of tf-idf weighted terms, or the words in their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.features.documents import documents
from bench.data.features.terms import WORD, Terms, analyzer, tokenizer
from bench.data.tables.imposed import Rows
from strategies.features import Bag, Field

PADDING, UNKNOWN_WORD, RESERVED_WORDS = 0, 1, 2  # codes of tokens; the first two are reserved
_LONGEST = 128  # tokens of a document; what follows is left out


class TextEncoder:
    """All text columns of a row as one document: tf-idf weighted uni- and bigrams, rows of length 1.

    The vocabulary is the `vocabulary` most frequent terms of the training rows; other terms are left out. `terms`:
    what is a term.
    """

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows | None,
        vocabulary: int,
        *,
        terms: Terms = "auto",
    ) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - half a second; few tables have text

        self.columns = columns
        texts = documents(frame, columns, rows)
        own = analyzer(terms, texts)
        self.vectorizer = TfidfVectorizer(
            sublinear_tf=True,
            ngram_range=(1, 1) if callable(own) else (1, 2),  # a function cuts into n-grams itself
            max_features=vocabulary,
            dtype=np.float32,
            analyzer=own or "word",
            token_pattern=WORD,
        )
        self.fitted = bag(self.vectorizer.fit_transform(texts))
        self.field = Field("text", "bag", sizes=(len(self.vectorizer.vocabulary_),))

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Bag:
        """n rows over the vocabulary."""
        return bag(self.vectorizer.transform(documents(frame, self.columns, rows)))


class TokenEncoder:
    """The words of a row in their order: 0 padding, 1 a word outside the vocabulary, then words by frequency.

    int64 (n, width); the width is that of the longest training document, at most `_LONGEST`. The vocabulary is the
    `vocabulary` most frequent words of the training rows, by name among equals.
    """

    fitted: Tensor | None = None

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows | None,
        vocabulary: int,
        *,
        terms: Terms = "auto",
    ) -> None:
        texts = documents(frame, columns, rows)
        self.columns, self.words = columns, tokenizer(terms, texts)
        found = [self.words(text) for text in texts]
        counts = Counter(word for words in found for word in words)
        frequent = sorted(counts, key=lambda word: (-counts[word], word))[:vocabulary]
        self.codes = {word: RESERVED_WORDS + i for i, word in enumerate(frequent)}
        width = min(_LONGEST, max(1, *map(len, found)))
        self.field = Field("text", "tokens", sizes=(RESERVED_WORDS + len(self.codes),), width=width)

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """int64 (n, width)."""
        texts = documents(frame, self.columns, rows)
        out: npt.NDArray[np.int64] = np.full((len(texts), self.field.width), PADDING, dtype=np.int64)
        for i, text in enumerate(texts):
            codes = [self.codes.get(word, UNKNOWN_WORD) for word in self.words(text)[: self.field.width]]
            out[i, : len(codes)] = codes
        return torch.from_numpy(out)


def bag(matrix: Any) -> Bag:
    """A scipy CSR matrix as ragged rows."""
    matrix.sort_indices()
    ids, offsets = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    weights = matrix.data.astype(np.float32)
    return Bag(torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(offsets))
