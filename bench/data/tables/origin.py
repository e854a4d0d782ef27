"""Where a table comes from, and what its source knows about it beyond the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.data.tables.config import TableConfig
from bench.data.tables.decode import MISSING
from bench.data.tables.schema import ColumnKind, Strings


@dataclass(frozen=True)
class Origin:
    """What a source says of a table.

    `kinds`: of columns that need no inference. `drops`: columns that give the target away. `other`: further targets,
    each with its labels (n,) and the columns that give it away; `transfer_source` is the one to learn from first.
    `imbalance` is imposed on the training rows unless `data.imbalance` says otherwise, and leaves the largest class
    `largest` rows. `duplicates`: keep where each row is an event of its own; auto drops rows that are alike
    unless that moves the shares of the classes. `truth` float64 (n,): the true probability of class 1. `remarks`: a
    table that nobody has looked at, so that what columns seem to hold is said, and the usual words for missing mean
    that in text too. `notes`: what reading the file found.
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
    duplicates: Literal["auto", "drop", "keep"] = "drop"
    truth: npt.NDArray[np.float64] | None = None
    remarks: bool = False
    notes: tuple[str, ...] = ()

    def imposed(self, config: TableConfig) -> float | None:
        """The ratio of the largest to the smallest class that is imposed on the training rows, None for none."""
        asked = self.imbalance if config.imbalance is None else config.imbalance
        return None if asked in (None, 1) else float(asked)

    def duplicates_rule(self, config: TableConfig) -> Literal["auto", "drop", "keep"]:
        """What is done with rows that are alike."""
        return config.duplicates or self.duplicates

    def declared_words(self, config: TableConfig) -> frozenset[str]:
        """Words for missing that the owner has declared, in lower case."""
        return frozenset(word.strip().lower() for word in config.missing_words or ())

    def missing_words(self, config: TableConfig) -> frozenset[str]:
        """Words for missing in columns of text, in lower case: the usual and the declared; none for an empty list."""
        usual = frozenset(MISSING if self.remarks or config.missing_words else ())
        return frozenset() if config.missing_words == () else usual | self.declared_words(config)
