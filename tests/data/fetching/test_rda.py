"""R's data frames are read without R."""

from __future__ import annotations

import lzma
import struct
from typing import Any

import numpy as np
import pytest

from bench.data.errors import DataError
from bench.data.fetching.rda import read_rda


def rda() -> bytes:
    """A data frame d of a factor f (b, a, NA), numbers x (1.5, NA, 3) and strings s, as R 3 would save it."""

    def text(value: str) -> bytes:
        return struct.pack(">ii", 0x40009, len(value)) + value.encode()

    def symbol(value: str) -> bytes:
        return struct.pack(">i", 1) + text(value)

    def strings(values: list[str]) -> bytes:
        return struct.pack(">ii", 16, len(values)) + b"".join(map(text, values))

    end = struct.pack(">i", 254)
    levels = struct.pack(">i", 0x402) + symbol("levels") + strings(["a", "b"]) + end
    factor = struct.pack(">iiiii", 0x30D, 3, 2, 1, -(2**31)) + levels
    reals = struct.pack(">iiddd", 14, 3, 1.5, float("nan"), 3.0)
    attributes = struct.pack(">i", 0x402) + symbol("names") + strings(["f", "x", "s"]) + end
    frame = struct.pack(">ii", 0x313, 3) + factor + reals + strings(["p", "q", "r"]) + attributes
    body = struct.pack(">i", 0x402) + symbol("d") + frame + end
    return b"RDX2\nX\n" + struct.pack(">iii", 2, 0, 0) + body


@pytest.mark.parametrize("packed", [bytes, lzma.compress])
def test_data_frames_of_r_are_read(packed: Any) -> None:
    table = read_rda(packed(rda()), "d")
    assert table["f"].to_pylist() == ["b", "a", None]
    assert table["s"].to_pylist() == ["p", "q", "r"]
    np.testing.assert_array_equal(table["x"].to_numpy(), [1.5, np.nan, 3])
    with pytest.raises(DataError, match=r"expected a data frame 'e', got d"):
        read_rda(rda(), "e")
    with pytest.raises(DataError, match=r"expected R's binary format"):
        read_rda(b"something", "d")
