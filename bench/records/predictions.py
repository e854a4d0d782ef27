"""Stored predictions: logits and labels of a cell's rows as a Parquet file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Logits: TypeAlias = Mapping[str, tuple[Any, ...]]
"""Part ('val', 'test') -> row numbers (n,), y (n,), logits (n, C), row weights (n,) where the data have any, and where
they say more of rows, last of all a mapping: `query` (n,), `costs` (n, C²)."""

_COSTS = ("cost_tn", "cost_fp", "cost_fn", "cost_tp")  # of two classes; of more `cost_0_1`: true class 0, decided 1


def _cost_names(size: int) -> tuple[str, ...]:
    """The columns of costs (n, size)."""
    classes = math.isqrt(size)
    return _COSTS if classes == 2 else tuple(f"cost_{c}_{d}" for c in range(classes) for d in range(classes))


KEY: Final = b"imbench cell"
"""In the metadata of a file of predictions: the key of the cell that made them. Files of older versions lack it."""


def pack(parts: Logits, key: str) -> bytes:
    """Predictions as a Parquet file with the columns part, row, y, z0 … z{C-1}, w where rows have weights, query and
    costs where data say these.

    It names the cell by its `key`, so that a file that takes the place of another's is noticed. Written without pandas,
    which takes five times as long, and without dictionaries of numbers that hardly repeat.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - a plan reads records only
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    said: list[Mapping[str, npt.NDArray[Any]]] = [p[-1] if isinstance(p[-1], Mapping) else {} for p in parts.values()]
    arrays_of = [part[:-1] if isinstance(part[-1], Mapping) else part for part in parts.values()]
    rows, y, logits, *weight = (np.concatenate(arrays) for arrays in zip(*arrays_of, strict=True))
    which = np.repeat(np.arange(len(parts), dtype=np.int8), [len(part[0]) for part in parts.values()])
    columns = {"part": pa.DictionaryArray.from_arrays(which, list(parts)).cast(pa.string()), "row": rows}
    columns |= {"y": y.astype(np.int32), **{f"z{c}": np.ascontiguousarray(z) for c, z in enumerate(logits.T)}}
    if weight:
        columns["w"] = weight[0].astype(np.float64)
    if all("query" in own for own in said):
        columns["query"] = np.concatenate([own["query"] for own in said])
    if all("costs" in own for own in said):
        costs = np.concatenate([own["costs"] for own in said])
        columns |= {name: np.ascontiguousarray(costs[:, i]) for i, name in enumerate(_cost_names(costs.shape[1]))}
    file = pa.BufferOutputStream()
    table = pa.table(columns).replace_schema_metadata({KEY: key})
    pq.write_table(table, file, compression="zstd", use_dictionary=["part", "y"], write_statistics=False)
    content: bytes = file.getvalue().to_pybytes()
    return content


def unpack(
    frame: pd.DataFrame, part: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(row numbers, y, logits float64) of one part of stored predictions."""
    mine = frame[frame["part"] == part]
    logits = mine[[c for c in frame.columns if c.startswith("z")]].to_numpy(dtype=np.float64)
    return mine["row"].to_numpy(dtype=np.int64), mine["y"].to_numpy(dtype=np.int64), logits


def said_of(frame: pd.DataFrame, part: str) -> dict[str, npt.NDArray[Any]]:
    """What stored predictions say of the rows of a part: `query` (n,) and `costs` (n, C²), where there are such."""
    mine, found = frame[frame["part"] == part], dict[str, npt.NDArray[Any]]()
    if "query" in frame:
        found["query"] = mine["query"].to_numpy(dtype=np.int64)
    if names := [name for name in frame.columns if name.startswith("cost_")]:
        found["costs"] = mine[names].to_numpy(dtype=np.float64)
    return found


def weights_of(frame: pd.DataFrame, part: str) -> npt.NDArray[np.float64] | None:
    """The row weights (n,) of one part of stored predictions; None where the data have none."""
    return None if "w" not in frame else frame.loc[frame["part"] == part, "w"].to_numpy(dtype=np.float64)
