"""What can be asked of the data: the allowed keys under `data`, their types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.data.schema import ColumnKind, DataError


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The keys under `data`. Which table: source, path, target. How it is cleaned, split and encoded: the rest.

    Raises:
        DataError: a number is out of range.
    """

    source: str  # registry name: womens, digits_lt, file
    name: str | None = None  # how boards call the data; by default the source's or the file's name
    path: str | None = None  # source file: .csv, .tsv, .txt (each also .gz) or .parquet
    target: str | None = None  # by default the source's first; the file source has no default
    positive: str | None = None  # label of the positive class; by default the rarer of two
    ignore: tuple[str, ...] = ()  # columns to leave out
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)  # column -> kind, instead of the inferred one
    schema_file: str | None = None  # edited schema YAML; `kinds` goes before it
    min_class_rows: int = 0  # classes with fewer rows are dropped
    imbalance: float | None = None  # largest / smallest class imposed on the training rows; None: the source's own
    test_fraction: float = 0.2
    val_fraction: float = 0.15
    vocabulary: int = 8000  # terms (uni- and bigrams) kept for text

    def __hash__(self) -> int:  # of plain values: `kinds` is a mapping
        return hash((self.source, self.path, self.target, self.positive, self.ignore, tuple(self.kinds.items())))

    def __post_init__(self) -> None:
        for key in ("test_fraction", "val_fraction"):
            value = getattr(self, key)
            if not 0 < value < 1:
                raise DataError(f"data.{key}: expected a number between 0 and 1, got {value}")
        if self.test_fraction + self.val_fraction >= 1:
            raise DataError(
                "data.test_fraction + data.val_fraction: expected less than 1, "
                f"got {self.test_fraction + self.val_fraction:g}; the rest is for training"
            )
        if self.imbalance is not None and not 1 <= self.imbalance < float("inf"):
            raise DataError(f"data.imbalance: expected a ratio of at least 1, or null, got {self.imbalance}")
        if self.min_class_rows < 0:
            raise DataError(f"data.min_class_rows: expected 0 or more, got {self.min_class_rows}")
        if self.vocabulary < 1:
            raise DataError(f"data.vocabulary: expected 1 or more, got {self.vocabulary}")
