"""The text of a row: all of its text columns, one after another."""

from __future__ import annotations

import pandas as pd

from bench.data.features.terms import Terms, tokenizer
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import Strings


def documents(frame: pd.DataFrame, columns: tuple[str, ...], rows: Rows | None = None) -> list[str]:
    """The text columns of each row, one after another; missing is nothing."""
    parts: list[Strings] = []
    for name in columns:
        values = frame[name] if rows is None else frame[name].iloc[rows]
        texts = values.to_numpy(dtype=object).copy()
        texts[values.isna().to_numpy()] = None
        parts.append(texts)
    return ["\n".join(text for text in row if text is not None) for row in zip(*parts, strict=True)]


def has_terms(texts: list[str], terms: Terms = "auto") -> bool:
    """Whether any document has a term."""
    cut = tokenizer(terms, texts)
    return any(cut(text) for text in texts)
