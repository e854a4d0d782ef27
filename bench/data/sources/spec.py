"""What a source of tables is; what an author of one needs is imported from here.

A source is a file of this folder, or an entry point of the group `imbench.sources`: a frozen dataclass that says what
it is once, has its own options as fields (keys under `data`, beside those that all tables share), and loads a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from bench.data.errors import DataError, listing, suggest
from bench.data.tables.build import build
from bench.data.tables.config import TableConfig
from bench.data.tables.decode import Values, decode
from bench.data.tables.origin import Origin
from bench.data.tables.schema import ColumnKind, Table

__all__ = ["ColumnKind", "DataError", "Source", "Table", "TableConfig", "Values", "columns_of"]


@dataclass(frozen=True)
class Source(ABC):
    """Where tables come from.

    Subclasses are frozen dataclasses; their fields are options with plain values, whose defaults stand in their YAML
    too. `version` is raised when a mistake is repaired, so that results are redone. `targets`: target -> one line,
    the first by default; empty where each table has its own.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    licence: ClassVar[str]
    version: ClassVar[int] = 1
    targets: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def load(self, config: TableConfig) -> Table:
        """The cleaned table of `config.target`.

        Raises:
            DataError: the configuration or the data are not usable; says what to do.
        """

    def files(self) -> tuple[Path, ...]:
        """Files or folders of the user's that the table comes from: it is read again when they change."""
        return ()

    @classmethod
    def fetched(cls) -> bool:
        """Whether the data are on this machine; if not, `imbench data get` fetches them."""
        return True

    def group_of(self, config: TableConfig) -> str | None:
        """The column whose rows belong together, such as a customer's: `data.group` where that is not set."""
        return None

    def pick_target(self, config: TableConfig, targets: Collection[str] = ()) -> str:
        """The configured target, by default the first, of `targets` or else of all that the source has.

        Raises:
            DataError: no such target.
        """
        targets = targets or self.targets
        target = config.target or next(iter(targets))
        if target not in targets:
            first = repr(next(iter(targets)))
            only = f"expected {first}, the only target" if len(targets) == 1 else "expected a target"
            raise DataError(
                f"target {target!r}: {only} of {config.name or self.name}, got none by that name. "
                f"{suggest(target, targets)}Targets: {listing(targets)}"
            )
        return target

    def origin(self, **known: Any) -> Origin:
        """What is known of the table beyond its values: the keywords are fields of `Origin`."""
        own: dict[str, Any] = {"name": self.name, "file": self.name, "version": self.version, "licence": self.licence}
        return Origin(**{**own, "source": self.name, **known})

    def build(
        self,
        columns: Mapping[str, Values],
        target: str,
        config: TableConfig,
        *,
        labels: str | None = None,
        **known: Any,
    ) -> Table:
        """The cleaned table.

        Args:
            columns: all columns, each (n,), the labels among them.
            target: its name.
            config: how it is cleaned and split.
            labels: the column of the labels, by default the one of the target's name.
            known: fields of `Origin`, such as kinds or duplicates="keep".

        Raises:
            DataError: target or columns are not usable.
        """
        features = dict(columns)
        return build(features, features.pop(labels or target), target, config, self.origin(**known))


def columns_of(frame: pd.DataFrame) -> dict[str, Values]:
    """A data frame's columns by name, without its index."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return {name: decode(table[name]) for name in table.column_names}
