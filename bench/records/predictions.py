"""Stored predictions: logits and labels of a cell's rows as a Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Logits: TypeAlias = Mapping[str, tuple[npt.NDArray[Any], ...]]
"""Part ('val', 'test') -> row numbers (n,), y (n,), logits (n, C), and row weights (n,) where the data have any."""


KEY: Final = b"imbench cell"
"""In the metadata of a file of predictions: the key of the cell that made them. Files of older versions lack it."""


def pack(parts: Logits, key: str) -> bytes:
    """Predictions as a Parquet file with the columns part, row, y, z0 … z{C-1}, and w where rows have weights.

    It names the cell by its `key`, so that a file that takes the place of another's is noticed. Written without pandas,
    which takes five times as long, and without dictionaries of numbers that hardly repeat.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - a plan reads records only
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    rows, y, logits, *weight = (np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True))
    which = np.repeat(np.arange(len(parts), dtype=np.int8), [len(part[0]) for part in parts.values()])
    columns = {"part": pa.DictionaryArray.from_arrays(which, list(parts)).cast(pa.string()), "row": rows}
    columns |= {"y": y.astype(np.int32), **{f"z{c}": np.ascontiguousarray(z) for c, z in enumerate(logits.T)}}
    if weight:
        columns["w"] = weight[0].astype(np.float64)
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


def weights_of(frame: pd.DataFrame, part: str) -> npt.NDArray[np.float64] | None:
    """The row weights (n,) of one part of stored predictions; None where the data have none."""
    return None if "w" not in frame else frame.loc[frame["part"] == part, "w"].to_numpy(dtype=np.float64)
