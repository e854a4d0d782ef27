"""What an encoder is: it turns some columns of a table into one field, fitted on the training rows and nothing else.

All work column by column on the rows that they are given: a table is encoded block by block and never copied as a
whole.
"""

from __future__ import annotations

from typing import Protocol

import pandas as pd
from torch import Tensor

from bench.data.tables.imposed import Rows
from strategies.features import Bag, Field


class Encoder(Protocol):
    """One field: fitted on training rows when made, applied to any rows (None: all).

    `fitted`: what the training rows become, where that is not what applying the encoder to them would give or would
    be done twice.
    """

    field: Field
    columns: tuple[str, ...]

    @property
    def fitted(self) -> Tensor | Bag | None: ...

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor | Bag: ...


def count(frame: pd.DataFrame, rows: Rows | None) -> int:
    """How many rows are meant."""
    return len(frame) if rows is None else len(rows)
