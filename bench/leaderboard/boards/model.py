"""The table model: what a board is made of. Every format renders this and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.leaderboard.boards.grouping import assignments
from bench.leaderboard.boards.subgroups import Subgroups, tables
from bench.leaderboard.statistics.seeds import Comparison, Design, Difference, Interval, Unit
from bench.leaderboard.text.words import list_of, plural, short
from bench.records.record import digest

Panel = Literal["quality", "decisions", "probabilities", "cost"]


@dataclass(frozen=True)
class MetricColumn:
    """What a column holds: its key in `Row.values`, its names, which way is good (None for cost: neither is praised).

    Columns of `detail` are for the page, CSV and JSON; a terminal or a paper has no room for them.
    """

    key: str
    label: str
    panel: Panel
    view: str = ""
    higher_is_better: bool | None = None
    ideal: float | None = None
    detail: bool = False

    @property
    def heading(self) -> str:
        """The label, the view where there are several, and an arrow to what is good: `Log loss corrected ↓`."""
        if self.panel == "cost":
            return self.label
        good = "↑" if self.higher_is_better else "↓" if self.ideal is None else f"→{self.ideal:g}"
        return " ".join(filter(None, (self.label, self.view, good)))


@dataclass(frozen=True)
class Absence:
    """CellValues that have no numbers: failed or skipped with a reason, or without a record (status `missing`)."""

    label: str
    status: str
    units: tuple[Unit, ...]
    reason: str = ""


@dataclass(frozen=True)
class Budget:
    """What tuning a row was allowed and took; None where the records do not tell. `odd`: not the others' budget."""

    trials: int | None
    steps: float | None
    seconds: float | None
    odd: bool = False


@dataclass(frozen=True)
class Row:
    """One strategy with one set of hyperparameters. `values`: means of metrics, medians of costs; None: undefined.

    `rank` is shared; None where nothing could be tested; `ranks` is the range that the tests leave open. `difference`
    is to the baseline, on the units both have, with `adjusted_p` its Holm-adjusted p value among all pairs of the
    board. `score_rows` and `difference_rows` are bootstrap intervals over test rows, where predictions were resampled.
    `n` counts finished cells, `keys` are their records. `regrets` (`raw/log_loss`) are distances from the best possible
    model, where the truth is known.
    """

    label: str
    strategy: str
    rank: int | None
    score: Interval | None
    difference: Difference | None
    adjusted_p: float | None
    values: Mapping[str, float | None]
    n: int
    uses_extra: bool
    tuned: bool
    parameters: Mapping[str, Any]
    ranks: tuple[int, int] | None = None
    budget: Budget | None = None
    keys: tuple[tuple[Unit, str], ...] = ()
    score_rows: Interval | None = None
    difference_rows: Interval | None = None
    regrets: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def trials(self) -> int | None:
        """The tuning budget in trials, where the records tell it."""
        return self.budget.trials if self.budget else None


@dataclass(frozen=True)
class Board:
    """One table: strategies on one data set, target, model and group of settings.

    `variant` holds the settings in which this board differs from its siblings of the same data, target and model.
    `notes` are plain sentences, the verdict first; `legend` is how to read the table, the same on most boards and
    printed once a page. `failed`, `skipped` and `missing` list every cell without numbers. `subgroups` holds metrics of
    groups of test rows, where the records have any.
    """

    data: str
    target: str
    model: str
    variant: Mapping[str, Any]
    settings: Mapping[str, Any]
    score: MetricColumn
    baseline: str | None
    columns: tuple[MetricColumn, ...]
    rows: tuple[Row, ...]
    facts: str
    notes: tuple[str, ...]
    legend: tuple[str, ...]
    failed: tuple[Absence, ...]
    skipped: tuple[Absence, ...]
    missing: tuple[Absence, ...]
    design: Design
    n_seeds: int
    n_units: int
    n_classes: int
    traits: Mapping[str, Any]
    comparison: Comparison
    subgroups: Subgroups | None = None

    @property
    def title(self) -> str:
        """Data, target, model, and what sets this board apart from its siblings."""
        names = (short(name, 80) for name in (self.data, self.target, self.model))
        return " · ".join((*names, *assignments(self.variant)))

    @property
    def separates(self) -> bool:
        """Whether at least one strategy is significantly better than another: only then is anything set in bold."""
        return any(row.rank is not None and row.rank > 1 for row in self.rows)

    def panel(self, *panels: Panel, detail: bool = False) -> tuple[MetricColumn, ...]:
        """The columns of some panels, in order; those of detail only if asked for."""
        return tuple(c for c in self.columns if c.panel in panels and (detail or not c.detail))

    @property
    def slug(self) -> str:
        """A name for links and files: `[a-z0-9._-]`, the same for the same board."""
        text = re.sub(r"[^a-z0-9._-]+", "-", f"{self.data}-{self.target}-{self.model}".lower()).strip("-.")[:40]
        identity = digest([self.data, self.target, self.model, self.settings])
        return f"{text}-{identity[:8]}" if text else identity[:8]

    def group_tables(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Title, headings and texts of the tables per group, unescaped; none where the records have no groups."""
        if self.subgroups is not None:
            yield from tables(self.subgroups, [row.label for row in self.rows], self.baseline)

    def absences(self) -> Iterator[tuple[str, str, tuple[Absence, ...]]]:
        """The non-empty lists of cells without numbers, each with a heading and what to do about it."""
        if self.failed:
            yield "Failed", "run the same command with run.retry_failed=true to try again", self.failed
        if self.skipped:
            yield "Skipped", "not applicable here; not a failure", self.skipped
        if self.missing:
            yield "Missing", "no record; never filled in", self.missing


def describe(absence: Absence) -> str:
    """One line about cells without numbers: strategy, status, where, why."""
    status = "" if absence.status in ("missing", "skipped") else f"{absence.status} on "
    reason = f": {absence.reason}" if absence.reason else ""
    return f"{absence.label} · {status}{describe_units(absence.units)}{reason}"


def describe_units(units: Iterable[Unit]) -> str:
    """`seeds 0, 2` · `split 1 seed 0; split 2 seeds 0, 1`: the split is named where it is not 0."""
    by_split: dict[int, list[int]] = defaultdict(list)
    for split, seed in sorted(units):
        by_split[split].append(seed)
    several = set(by_split) != {0}
    return "; ".join(
        (f"split {split} " if several else "") + plural(len(seeds), "seed", count=False) + " " + list_of(seeds)
        for split, seeds in by_split.items()
    )
