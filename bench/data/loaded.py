"""The tables that this process has loaded, for its next cell: planning asks for one again and again, workers too."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pandas as pd

from bench.data.config import DataConfig
from bench.data.errors import DataError
from bench.data.fetching.cache import cache_root
from bench.data.tables.schema import Table

MEMORY_BYTES = 1 << 30  # beside the latest; the longest unused go first
TEXT = 200  # bytes that a cell of text takes, roughly

_loaded: OrderedDict[Any, Table] = OrderedDict()


def loaded_table(config: DataConfig) -> Table:
    """The table that `config` names; loaded anew when a file behind it was replaced.

    Raises:
        DataError: the data cannot be used.
    """
    key = config, stamp(config)
    if key not in _loaded:
        table = config.load()
        if (after := stamp(config)) != key[1]:
            raise DataError(
                f"{table.name}: expected a file that stays as it is while it is read, got one that changed meanwhile. "
                "Try again when it is complete"
            )
        _loaded[config, after] = table
        while len(_loaded) > 1 and sum(map(size, _loaded.values())) > MEMORY_BYTES:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]


def stamp(config: DataConfig) -> tuple[Any, ...]:
    """What shows that a source changed: size and time of change of its files, and which cache holds fetched sets."""
    found: list[Any] = [str(cache_root())]
    schema = [] if config.schema_file is None else [Path(config.schema_file).expanduser()]
    for path in (*config.source.files(), *schema):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found += [(str(p), s.st_size, s.st_mtime_ns) for p in files if (s := status(p)) is not None]
    return tuple(found)


def status(path: Path) -> os.stat_result | None:
    """A file's size and times, None where there is none: loading says so better."""
    try:
        return path.stat()
    except OSError:
        return None


def size(table: Table) -> int:
    """Bytes that a table takes, roughly; columns in mapped files take none."""
    mapped = any(isinstance(table.frame[c.name].dtype, pd.CategoricalDtype) for c in table.columns)
    cells = 0 if mapped else sum(TEXT if c.kind == "text" else 8 for c in table.columns)
    return len(table) * (16 + cells)
