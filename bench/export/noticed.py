"""What scoring a table read in a way that its user should know of: nothing is ignored or guessed without a word."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from bench.data.errors import listing
from bench.data.features.category_encoders import CategoryEncoder, OneHotEncoder, TargetEncoder
from bench.data.features.encoder import Encoder
from bench.data.tables.infer import rows_word
from bench.data.tables.schema import coded
from bench.export.input_schema import InputSchema

_FEW: Final = 1000
"""Rows below which an estimate of class shares follows chance more than anything else."""


def columns_left_out(schema: InputSchema, names: Collection[str]) -> Iterator[str]:
    """That columns of a table are not read: the label, and those that the training table had not."""
    if schema.target in names:
        yield f"column {schema.target!r} is what the model predicts: its values are not read"
    extra = [n for n in names if n not in schema.columns and n not in schema.known and n != schema.target]
    if extra:
        yield f"not read, because the training table had no such column: {listing(extra)}"


def few_rows(rows: int) -> Iterator[str]:
    """That class shares were estimated from too few rows to be believed."""
    if rows < _FEW:
        yield (
            f"class shares estimated from {rows:,} {rows_word(rows)} follow chance: {_FEW:,} or more tell something; "
            "give the shares as new_prior=, or leave it out"
        )


class CellsNoticed:
    """Over the blocks of a table: categories that no encoder knows, and columns in which nothing stands."""

    def __init__(self, schema: InputSchema, encoders: Sequence[Encoder]) -> None:
        self.known = {name: known for name, known in _known(encoders).items() if name in schema.columns}
        self.filled = dict.fromkeys((name for name in schema.columns if name in schema.kinds), False)
        self.unknown: dict[str, tuple[int, str]] = {}  # rows, and one of the categories

    def see(self, frame: pd.DataFrame) -> None:
        """Look at a block of typed rows."""
        for name, filled in self.filled.items():
            self.filled[name] = filled or bool(frame[name].notna().any())
        for name, known in self.known.items():
            codes, labels = coded(frame[name])
            names = list(labels)
            new = np.array([label not in known for label in names] + [False])  # the last: missing
            at = np.flatnonzero(new[codes])
            if len(at):
                rows, example = self.unknown.get(name, (0, [*names][codes[at[0]]]))
                self.unknown[name] = rows + len(at), example

    def notes(self) -> Iterator[str]:
        """One sentence a column."""
        for name, (rows, example) in self.unknown.items():
            yield (
                f"column {name!r}: {rows:,} {rows_word(rows)} with a category that no two training rows had, such as "
                f"{example[:40]!r}; scored as an unknown one"
            )
        if empty := [name for name, filled in self.filled.items() if not filled]:
            yield f"no value in any row, scored as missing: {listing(empty)}"


def _known(encoders: Sequence[Encoder]) -> dict[str, set[str]]:
    """By column the categories that some encoder knows; none of hashed columns, where every category has a bucket."""
    found: dict[str, set[str]] = {}
    for encoder in encoders:
        codes = encoder.codes if isinstance(encoder, OneHotEncoder) else encoder
        if isinstance(codes, CategoryEncoder):
            for name, known in codes.known.items():
                found.setdefault(name, set()).update(known)
        elif isinstance(codes, TargetEncoder):
            for name, table in codes.tables.items():
                found.setdefault(name, set()).update(table)
    return found
