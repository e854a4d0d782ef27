"""Numbers: medians for missing, or NaN, then standardised."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bench.data.features.encoder import count
from bench.data.tables.imposed import Rows
from bench.data.tables.schema import release
from bench.data.tables.standard import Standard
from strategies.features import Field


class NumericEncoder:
    """Median for missing, then standardised; an indicator (0 or 1) for each column with gaps in training.

    Output float32 (n, k + indicators), values first; with `missing` kept it is NaN, and there are no indicators. A
    column that is constant in training gives zeros. With `fence`, values beyond so many interquartile ranges of the
    training rows' quartiles are first moved to the fence; with `quantiles`, each value first becomes its quantile.
    """

    fitted: Tensor | None = None

    def __init__(
        self,
        columns: tuple[str, ...],
        frame: pd.DataFrame,
        rows: Rows | None = None,
        *,
        fence: float | None = None,
        quantiles: bool = False,
        missing: Literal["imputed", "kept"] = "imputed",
    ) -> None:
        self.columns, self.kept = columns, missing == "kept"
        found: list[Standard] = []
        for name in columns:
            found.append(Standard(numbers(frame, name, rows), fence, quantiles=quantiles))
            release(frame[name])
        self.standards = found
        self.indicated = [i for i, standard in enumerate(found) if standard.gaps and not self.kept]
        self.field = Field("numeric", "numeric", width=len(columns) + len(self.indicated))

    def __call__(self, frame: pd.DataFrame, rows: Rows | None = None) -> Tensor:
        """float32 (n, width)."""
        out = np.empty((count(frame, rows), self.field.width), dtype=np.float32)
        extra = len(self.columns)
        for i, (name, standard) in enumerate(zip(self.columns, self.standards, strict=True)):
            values = numbers(frame, name, rows)
            out[:, i] = standard(values)
            if self.kept:
                out[np.isnan(values), i] = np.nan
            elif standard.gaps:
                out[:, extra] = np.isnan(values)
                extra += 1
        return torch.from_numpy(out)


def numbers(frame: pd.DataFrame, name: str, rows: Rows | None) -> npt.NDArray[np.float64]:
    """A numeric column's values in the given rows: a copy, unless all rows are asked for."""
    values = frame[name].to_numpy(dtype=np.float64)
    return values if rows is None else values[rows]
