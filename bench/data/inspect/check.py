"""What a look at the data finds before anything is trained: classes, ids, leaks, drift, duplicates. No torch.

A column is suspected to be a copy of the target if it alone, binned or by category on one half of the rows, tells the
other half's labels apart almost perfectly. That finds what has another name, another coding or some noise, and what
determines the target without equalling it (an item's id and its class).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.data.errors import DataError
from bench.data.tables.infer import named_identifier
from bench.data.tables.schema import FeatureColumn, Table, coded
from bench.data.tables.splits import Partition, partition

BINS = 256  # of a numeric column
SAMPLE = 200_000  # rows that columns are looked at on
_FAMILIAR = 5  # rows of the fitted half from which a category is familiar
_LEAST = 10  # held-out rows of a class from which it counts
COPY, STRONG = 0.9, 0.6  # skill from which a column is a copy of the target, or gives much of it away
_DRIFT = 0.1  # distance between distributions that is worth saying


@dataclass(frozen=True)
class ColumnFinding:
    """One column. `skill`: how well it alone tells held-out labels (0 by chance, 1 perfectly); `drift`: the largest
    distance of its distribution in validation or test from that in training (0 to 1), above what chance gives; None
    where they were not looked at.
    """

    name: str
    kind: str
    distinct: int
    missing: int
    why: str = ""  # why it is ignored
    skill: float | None = None
    drift: float | None = None
    rows_per_value: float | None = None  # of categories

    def suspicions(self) -> list[str]:
        """What is odd about it, each in a few words."""
        found = []
        if self.skill is not None and self.skill >= COPY:
            found.append("is it the target?")
        elif self.skill is not None and self.skill >= STRONG:
            found.append("tells a lot")
        if self.kind == "categorical" and self.rows_per_value is not None and self.rows_per_value < 2:
            found.append("id?")
        elif self.kind == "categorical" and named_identifier(self.name):
            found.append("group?")
        if self.drift is not None and self.drift > _DRIFT:
            found.append("drifts")
        return found


@dataclass(frozen=True)
class Findings:
    """What was found in a table."""

    name: str
    target: str
    rows: int
    classes: dict[str, int]
    columns: list[ColumnFinding]
    log: tuple[str, ...]
    parts: dict[str, list[int]] = field(default_factory=dict)  # part -> rows per class
    refused: str = ""  # why the rows cannot be split
    notes: tuple[str, ...] = ()  # what is said of the parts
    repeated: int = 0  # test rows that equal rows to train on

    @property
    def ratio(self) -> float:
        """Rows of the largest class for each of the smallest."""
        return max(self.classes.values()) / min(self.classes.values())

    def copies(self) -> list[ColumnFinding]:
        """Columns suspected to be the target."""
        return [c for c in self.columns if c.skill is not None and c.skill >= COPY]


def check(table: Table, test_fraction: float = 0.2, val_fraction: float = 0.15) -> Findings:
    """Look at a table and its first partition."""
    try:
        parts: Partition | None = partition(table, 0, 0, test_fraction, val_fraction)
        refused = ""
    except DataError as error:
        parts, refused = None, str(error)
    rng = np.random.default_rng(0)
    rows = np.arange(len(table))
    if len(rows) > SAMPLE:
        rows = np.sort(rng.choice(len(table), SAMPLE, replace=False))
    half = rng.permutation(len(rows)) % 2 == 0
    columns = [_inspect_column(table, column, rows, half, parts) for column in table.columns]
    columns += [ColumnFinding(name, "ignored", 0, 0, why) for name, why in table.ignored.items()]
    shares = {}
    if parts is not None:
        for name, part in (("train", parts.train), ("validation", parts.val), ("test", parts.test)):
            shares[name] = np.bincount(table.y[part], minlength=len(table.classes)).tolist()
    counts = dict(zip(table.classes, table.counts().tolist(), strict=True))
    ordered = sorted(columns, key=lambda c: (-(c.skill or 0), c.kind == "ignored", c.name))
    return Findings(
        table.name, table.target, len(table), counts, ordered, table.log, shares, refused,
        notes=() if parts is None else parts.notes, repeated=0 if parts is None else _repeated_in_test(table, parts),
    )  # fmt: skip


def _repeated_in_test(table: Table, parts: Partition) -> int:
    """Test rows whose features and label equal those of a training row; 0 for tables that are too large to look."""
    if len(table) > SAMPLE:
        return 0
    labelled = table.frame.assign(**{"": table.y})
    known = pd.util.hash_pandas_object(labelled, index=False).to_numpy()
    return int(np.isin(known[parts.test], known[parts.train]).sum())


def _inspect_column(
    table: Table,
    column: FeatureColumn,
    rows: npt.NDArray[np.int64],
    half: npt.NDArray[np.bool_],
    parts: Partition | None,
) -> ColumnFinding:
    """One feature column."""
    name, kind = column.name, column.kind
    values = table.frame[name]
    missing = int(values.isna().sum())
    if kind == "text":
        return ColumnFinding(name, kind, int(values.nunique()), missing)
    if kind == "numeric":
        numbers = values.to_numpy(dtype=np.float64)
        distinct = len(np.unique(numbers[rows][~np.isnan(numbers[rows])]))
        per_value = None
        fitted, held = binned(numbers[rows[half]], numbers[rows[~half]])
    else:
        codes = coded(values)[0]
        distinct = len(np.unique(codes[codes >= 0]))
        per_value = (len(codes) - missing) / max(distinct, 1)
        fitted, held = codes[rows[half]].astype(np.int64) + 1, codes[rows[~half]].astype(np.int64) + 1
    score = skill(fitted, held, table.y[rows[half]], table.y[rows[~half]], len(table.classes))
    return ColumnFinding(
        name,
        kind,
        distinct,
        missing,
        skill=score,
        rows_per_value=per_value,
        drift=None if parts is None else drift(values, kind, parts),
    )


def binned(fitted: npt.NDArray[np.float64], held: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Both halves as bins between quantiles of the first, 0 for missing; few distinct values have a bin each."""
    present = fitted[~np.isnan(fitted)]
    edges = np.unique(present)
    if len(edges) > BINS:
        edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    both = []
    for values in (fitted, held):
        bins = np.searchsorted(edges, values, side="left") + 1
        bins[np.isnan(values)] = 0
        both.append(bins.astype(np.int64))
    return tuple(both)


def skill(
    fitted: npt.NDArray[np.int64],
    held: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    held_y: npt.NDArray[np.int64],
    classes: int,
) -> float:
    """How well codes alone tell held-out labels, from class shares per code on the fitted half; codes from 0.

    Two classes: 2 AUROC - 1. More: the mean recall of the likeliest class against the overall shares, above chance.
    On all held-out rows or, if that is more, on those whose code is familiar, where these are enough: an id with many
    rare values gives the target away for the others all the same. Classes with fewer than `_LEAST` rows do not count.
    """
    size = int(max(fitted.max(initial=0), held.max(initial=0))) + 1
    overall = np.bincount(y, minlength=classes) / max(len(y), 1)
    counts = np.zeros((size, classes))
    np.add.at(counts, (fitted, y), 1)
    shares = (counts + overall) / (counts.sum(axis=1, keepdims=True) + 1)
    familiar = counts.sum(axis=1)[held] >= _FAMILIAR
    every = told(shares[held], held_y, overall)
    if not len(held) / 4 <= familiar.sum() < len(held):
        return every
    return max(every, told(shares[held[familiar]], held_y[familiar], overall))


def told(shares: npt.NDArray[np.float64], y: npt.NDArray[np.int64], overall: npt.NDArray[np.float64]) -> float:
    """Skill of class shares (n, C) for labels (n,)."""
    classes = [c for c in range(len(overall)) if (y == c).sum() >= _LEAST]
    if len(classes) < 2:
        return 0.0
    if len(overall) == 2:
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - a second, only where a table is looked at

        return max(2 * float(roc_auc_score(y, shares[:, 1])) - 1, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = np.nan_to_num(shares / overall).argmax(axis=1)
    recall = float(np.mean([(guess[y == c] == c).mean() for c in classes]))
    return max((recall - 1 / len(classes)) / (1 - 1 / len(classes)), 0.0)


def drift(values: pd.Series[Any], kind: str, parts: Partition) -> float:
    """The larger distance of validation and test from training, less what chance gives in 1 of 1,000 columns.

    Numbers: Kolmogorov-Smirnov. Categories: half the sum of differences between shares (total variation), of the
    categories that are not rare.
    """
    found = []
    for held in (parts.val, parts.test):
        n, m = min(len(parts.train), SAMPLE), min(len(held), SAMPLE)
        one, other = thin(parts.train, n), thin(held, m)
        if kind == "numeric":
            distance = kolmogorov_smirnov(
                values.to_numpy(dtype=np.float64)[one], values.to_numpy(dtype=np.float64)[other]
            )
            chance = 1.95 * np.sqrt((n + m) / (n * m))
        else:
            codes, _ = coded(values)
            distance, kept = total_variation(codes[one].astype(np.int64) + 1, codes[other].astype(np.int64) + 1)
            chance = np.sqrt(kept * (n + m) / (2 * np.pi * n * m)) + 1.2 * np.sqrt((n + m) / (n * m))
        found.append(max(distance - chance, 0.0) if distance - chance < _DRIFT else distance)
    return float(max(found))


def thin(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """At most `count` of the rows, evenly spaced."""
    return rows[:: max(len(rows) // count, 1)][:count]


def kolmogorov_smirnov(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """The largest distance between two empirical distribution functions; missing values count as the lowest."""
    one, other = (np.sort(np.where(np.isnan(v), -np.inf, v)) for v in (one, other))
    every = np.concatenate([one, other])
    below = [np.searchsorted(v, every, side="right") / len(v) for v in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def total_variation(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> tuple[float, int]:
    """Half the sum of differences between shares, rare codes (under 20 rows) as one; and how many were compared."""
    size = int(max(one.max(initial=0), other.max(initial=0))) + 1
    counts = np.array([np.bincount(v, minlength=size) for v in (one, other)], dtype=np.float64)
    rare = counts.sum(axis=0) < 20
    joined = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    shares = joined / joined.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2), joined.shape[1]
