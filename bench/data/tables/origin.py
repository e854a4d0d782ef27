"""Where a table comes from, and what its source knows about it beyond the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.data.tables.config import TableConfig
from bench.data.tables.schema import ColumnKind, Strings


@dataclass(frozen=True)
class Origin:
    """What a source says of a table.

    `kinds`: of columns that need no inference. `drops`: columns that give the target away. `other`: further targets,
    each with its labels (n,) and the columns that give it away; `transfer_source` is the one to learn from first.
    `imbalance` is imposed on the training rows unless `data.imbalance` says otherwise, and leaves the largest class
    `largest` rows. `duplicates`: keep where each row is an event of its own. `truth` float64 (n,): the true
    probability of class 1.
    """

    name: str
    file: str  # for messages
    source: str
    version: int
    licence: str
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    other: Mapping[str, tuple[Strings, tuple[str, ...]]] = field(default_factory=dict)
    transfer_source: str | None = None
    imbalance: float | None = None
    largest: int | None = None
    duplicates: Literal["drop", "keep"] = "drop"
    truth: npt.NDArray[np.float64] | None = None

    def imposed(self, config: TableConfig) -> float | None:
        """The ratio of the largest to the smallest class that is imposed on the training rows, None for none."""
        asked = self.imbalance if config.imbalance is None else config.imbalance
        return None if asked in (None, 1) else float(asked)

    def deduplicates(self, config: TableConfig) -> bool:
        """Whether rows that are alike are dropped but for the first."""
        return (config.duplicates or self.duplicates) == "drop"
