"""Fashion-MNIST: its arrays."""

from __future__ import annotations

import struct

import pytest

from bench.data.errors import DataError
from bench.data.sources.fashion_mnist_lt import idx


def test_idx_arrays() -> None:
    data = b"\0\0\x08\x02" + struct.pack(">ii", 2, 3) + bytes(range(6))
    assert idx(data).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(DataError, match=r"expected unsigned bytes"):
        idx(b"\0\0\x0d\x01" + bytes(8))
