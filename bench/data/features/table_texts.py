"""The texts of training rows for strategies that make other ones of them, and what the encoders make of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import pandas as pd
from torch import Tensor

from bench.data.features.documents import documents
from bench.data.features.encoder import Encoder
from bench.data.features.terms import Terms, tokenizer
from bench.data.tables.imposed import Rows
from bench.data.tables.infer import UNSPACED
from strategies.features import Bag


class TableTexts:
    """All text columns of the given rows as one text each, in the words that terms are made of."""

    def __init__(
        self, frame: pd.DataFrame, rows: Rows, columns: tuple[str, ...], encoders: Sequence[Encoder], terms: Terms
    ) -> None:
        self.frame, self.rows, self.columns, self.terms = frame, rows, columns, terms
        self.encoders = [e for e in encoders if e.columns == columns]

    @cached_property
    def documents(self) -> list[str]:
        """The texts of the rows."""
        return documents(self.frame, self.columns, self.rows)

    @cached_property
    def words(self) -> Callable[[str], list[str]]:
        """What cuts a text into words."""
        return tokenizer(self.terms, self.documents)

    def of(self, row: int) -> list[str]:
        """A row's words."""
        return self.words(self.documents[row])

    def shown(self, texts: Sequence[Sequence[str]]) -> Mapping[str, Tensor | Bag]:
        """The text fields of texts given by their words."""
        frame = pd.DataFrame({name: pd.Series([None] * len(texts), dtype=object) for name in self.columns})
        frame[self.columns[0]] = pd.Series(list(map(joined, texts)), dtype=object)
        return {e.field.name: e(frame) for e in self.encoders}


def joined(words: Sequence[str]) -> str:
    """Words as a text: with blanks between, but not between two of a script that has none."""
    parts: list[str] = []
    for word in words:
        if parts and not (UNSPACED.search(parts[-1]) and UNSPACED.search(word)):
            parts.append(" ")
        parts.append(word)
    return "".join(parts)
