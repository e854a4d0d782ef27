"""Tables of records as Parquet files and Arrow streams."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.records.columns import TEXTS, Coded, RecordTable
from bench.records.files import ResultsError

FORMAT: Final = "imbench-ledger-3"
"""Written into every file; an index of another one is made again."""

_READABLE: Final = (FORMAT, "imbench-ledger-2", "imbench-ledger-1")
"""Snapshots of these are still read. The first knew no groups and no regrets, the second no rows of each test class."""


def to_arrow(records: RecordTable, extra: Mapping[str, Any] | None = None) -> pa.Table:
    """Records as an Arrow table, with further columns such as the size of each file."""
    columns: dict[str, Any] = {"key": pa.array(records.keys, pa.string())}
    for name, coded in records.texts.items():
        # Half a character (a lone surrogate) can be in JSON and in no file of text.
        values = [value.encode("utf-8", "surrogatepass") for value in coded.values]
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(coded.codes), pa.array(values, pa.binary()))
    columns |= {"split": records.split, "seed": records.seed, "tuned": records.tuned, "uses_extra": records.uses_extra}
    columns |= {f"number:{name}": column for name, column in records.numbers.items()}
    table = pa.table({**columns, **(extra or {})})
    return table.replace_schema_metadata({"format": FORMAT, "left_out": json.dumps(records.left_out)})


def of_arrow(table: pa.Table) -> RecordTable:
    """The records in an Arrow table."""
    table = table.combine_chunks()
    texts = {}
    for name in TEXTS:
        if name not in table.column_names:  # an older format
            texts[name] = Coded(np.zeros(len(table), np.int32), ("",))
            continue
        chunk = table.column(name).combine_chunks()
        if isinstance(chunk, pa.ChunkedArray):
            chunk = chunk.chunk(0) if chunk.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.binary()))
        values = tuple(value.decode("utf-8", "surrogatepass") for value in chunk.dictionary.to_pylist())
        texts[name] = Coded(chunk.indices.to_numpy(zero_copy_only=False).astype(np.int32), values)
    names = [name for name in table.column_names if name.startswith("number:")]
    plain = {n: table.column(n).to_numpy() for n in ("split", "seed", "tuned", "uses_extra")}
    return RecordTable(
        tuple(table.column("key").to_pylist()),
        texts,
        plain["split"],
        plain["seed"],
        plain["tuned"],
        plain["uses_extra"],
        {name.partition(":")[2]: table.column(name).to_numpy() for name in names},
        tuple(json.loads((table.schema.metadata or {}).get(b"left_out", b"[]"))),
    )


def read_table(path: Any, formats: Sequence[str] = _READABLE) -> pa.Table:
    """The Arrow table in a file (or a reader of its content) that `to_arrow` made, of one of some formats.

    Raises:
        ResultsError: it is none, or of another version; names the file.
    """
    try:
        table = pq.read_table(path, read_dictionary=list(TEXTS), memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise ResultsError(f"{path}: expected records in Parquet, but got {error}; make the file again") from error
    got = (table.schema.metadata or {}).get(b"format", b"none").decode("utf-8", "replace")
    if got not in formats:
        raise ResultsError(f"{path}: expected format {FORMAT}, but got {got!r}; make the file again with this version")
    return table


def write_table(path: Any, table: pa.Table) -> None:
    """The Arrow table as Parquet: small, and quick to read."""
    pq.write_table(table, path, compression="zstd", use_dictionary=list(TEXTS))
