"""R's saved data frames (.rda) without R: the part of the serialisation format that data frames need.

Source: R Internals, section 1.8 "Serialization Formats" (XDR, versions 2 and 3).
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError

_MISSING_INTEGER = -(2**31)
SYMBOL, PAIRLIST, CHARACTER, LOGICAL, INTEGER, REAL, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
NOTHING, REFERENCE = (254, 242), 255


class _Reader:
    """Reads items one after another; `symbols` are referred to by number later on."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.symbols: list[str] = []

    def integer(self) -> int:
        """The next big-endian int32."""
        self.at += 4
        return int(struct.unpack_from(">i", self.data, self.at - 4)[0])

    def array(self, kind: str) -> np.ndarray[Any, Any]:
        """A counted vector of plain numbers."""
        count, size = self.integer(), np.dtype(kind).itemsize
        values = np.frombuffer(self.data, kind, count, self.at)
        self.at += count * size
        return values

    def item(self) -> Any:
        """The next item: arrays, lists, str, None, or (values, attributes) where it has any.

        Raises:
            DataError: a type that no data frame holds.
        """
        flags = self.integer()
        kind, attributed, tagged = flags & 0xFF, bool(flags & 0x200), bool(flags & 0x400)
        if kind in NOTHING:
            return None
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == SYMBOL:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == PAIRLIST:
            return self.pairs(attributed, tagged)
        if kind == CHARACTER:
            length = self.integer()
            self.at += max(length, 0)
            return None if length < 0 else self.data[self.at - length : self.at].decode("utf-8")
        if kind in (LOGICAL, INTEGER):
            value: Any = self.array(">i4")
        elif kind == REAL:
            value = self.array(">f8")
        elif kind in (STRINGS, LIST):
            value = [self.item() for _ in range(self.integer())]
        else:
            raise DataError(f".rda file: expected a data frame, got R type {kind}")
        return (value, self.item() or {}) if attributed else value

    def pairs(self, attributed: bool, tagged: bool) -> dict[str, Any]:
        """A pairlist as a mapping; iterative, because lists may be long."""
        found: dict[str, Any] = {}
        while True:
            if attributed:
                self.item()
            name = self.item() if tagged else str(len(found))
            found[name] = self.item()
            flags = self.integer()
            kind, attributed, tagged = flags & 0xFF, bool(flags & 0x200), bool(flags & 0x400)
            if kind in NOTHING:
                return found
            if kind != PAIRLIST:
                raise DataError(f".rda file: expected the rest of a list, got R type {kind}")


def read_rda(data: bytes, name: str) -> pa.Table:
    """The data frame that was saved under `name`; factors are dictionaries of their levels, NA is null.

    Raises:
        DataError: not such a file, or no such data frame in it.
    """
    for magic, opened in ((b"\xfd7zXZ", lzma.decompress), (b"BZh", bz2.decompress), (b"\x1f\x8b", gzip.decompress)):
        if data.startswith(magic):
            data = opened(data)
    if data[:7] not in (b"RDX2\nX\n", b"RDX3\nX\n"):
        raise DataError(f".rda file: expected R's binary format (RDX2 or RDX3), got {data[:7]!r}")
    reader = _Reader(data)
    reader.at = 7
    version = reader.integer()
    reader.at += 8  # the versions of R that wrote and can read it
    if version == 3:
        reader.at += reader.integer()  # encoding
    saved = reader.item()
    if name not in saved:
        raise DataError(f".rda file: expected a data frame {name!r}, got {', '.join(saved)}")
    values, attributes = saved[name]
    return pa.table({n: column(v) for n, v in zip(attributes["names"], values, strict=True)})


def column(value: Any) -> pa.Array:
    """One column; a factor as codes from 0 and its levels."""
    values, attributes = value if isinstance(value, tuple) else (value, {})
    if isinstance(values, list):
        return pa.array(values, pa.string())
    if values.dtype.kind == "f":
        return pa.array(values.astype(np.float64))
    gaps = values == _MISSING_INTEGER
    if "levels" in attributes:
        codes = pa.array(np.where(gaps, 0, values - 1).astype(np.int32), mask=gaps)
        return pa.DictionaryArray.from_arrays(codes, pa.array(attributes["levels"]))
    return pa.array(values.astype(np.int32), mask=gaps)
