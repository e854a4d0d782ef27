"""Numbers so far apart that models cannot tell most of them from each other: what is said of them. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.tables.schema import FeatureColumn, release
from bench.data.tables.standard import Standard

_SAMPLE = 10_000  # rows that a column is looked at on
_LOST = 0.1  # share of different values that become equal from which it is said


def far_apart(frame: pd.DataFrame | Mapping[str, pd.Series[Any]], columns: Iterable[FeatureColumn]) -> tuple[str, ...]:
    """Which numeric columns lose more than a tenth of their different values when they are standardised in float32.

    So it is with amounts over twenty orders of magnitude: beside the largest ones all others are one number, for
    networks as for trees, which are given the same numbers.
    """
    notes = []
    for column in columns:
        if column.kind != "numeric":
            continue
        values = frame[column.name].to_numpy(dtype=np.float64)
        different, apart = told_apart(values[:: max(1, len(values) // _SAMPLE)])
        release(frame[column.name])
        if apart < (1 - _LOST) * different:
            notes.append(
                f"column {column.name!r}: its numbers lie so far apart that models tell {apart:,} of {different:,} "
                "from each other (standardised, seven digits); data.outliers=quantiles keeps them apart"
            )
    return tuple(notes)


def told_apart(values: npt.NDArray[np.float64]) -> tuple[int, int]:
    """How many different numbers there are among values (n,), NaN aside, and how many once they are standardised."""
    finite = values[np.isfinite(values)]
    different = np.unique(finite)
    return len(different), len(np.unique(Standard(finite)(different).astype(np.float32)))
