"""The registry of data sources, and the way in: a configuration becomes a cleaned table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.data import digits, files, womens
from bench.data.config import DataConfig
from bench.data.schema import DataError, Table, listing, suggest

__all__ = ["SOURCES", "DataConfig", "Source", "find_source", "load_table"]


@dataclass(frozen=True)
class Source:
    """A source of tables. `version` is raised when a mistake in it is repaired, so that results are redone."""

    name: str
    version: int
    title: str
    licence: str
    read: Callable[[DataConfig], Table]
    targets: Mapping[str, str] = field(default_factory=dict)  # target -> one line; the first is the default

    def load(self, config: DataConfig) -> Table:
        """The cleaned table that `config` asks for.

        Raises:
            DataError: the configuration or the data are not usable.
        """
        if config.path is not None and self.name != "file":
            raise DataError(f"data.path: expected unset for source {self.name!r}. To read a file, set data=file")
        return self.read(config)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            "womens",
            womens.VERSION,
            "Women's Clothing E-Commerce Reviews, an embedded sample of 10,000 rows",
            womens.LICENCE,
            womens.load,
            womens.TARGETS,
        ),
        Source(
            "digits_lt",
            digits.VERSION,
            "scikit-learn's digits, 8 × 8 pixels, long tail imposed on the training rows",
            "BSD-3-Clause",
            digits.load,
            {"digit": "the digit shown, ten classes"},
        ),
        Source("file", files.VERSION, "your own CSV, TSV or Parquet file", "yours", files.load),
    )
}


def find_source(name: str) -> Source:
    """A source by its registry name.

    Raises:
        DataError: no such source; suggests one.
    """
    if name not in SOURCES:
        raise DataError(f"Unknown data source {name!r}. {suggest(name, SOURCES)}Known: {listing(SOURCES)}")
    return SOURCES[name]


def load_table(config: DataConfig) -> Table:
    """Load and clean the table that `config` names.

    Raises:
        DataError: unknown source, or unusable configuration or data; says what to do.
    """
    return find_source(config.source).load(config)
