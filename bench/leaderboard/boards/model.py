"""The table model: what a board is made of. Every format renders this and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.leaderboard.boards.grouping import assignments
from bench.leaderboard.boards.subgroups import Subgroups, tables
from bench.leaderboard.statistics.design import Design, Unit
from bench.leaderboard.statistics.intervals import Difference, Interval
from bench.leaderboard.statistics.posterior import Posterior
from bench.leaderboard.statistics.verdicts import Comparison, Verdict
from bench.leaderboard.text.numbers import ABSENT
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

    `difference` is to the baseline, on the repeats both have, with `adjusted_p` its Holm-adjusted p value among the
    comparisons with the baseline, `verdict` what it shows and `chances` how likely it is above, within and below the
    region of equivalence. `could_be_best` says whether nobody rules the row out as the best; None where nobody is
    judged. `score_rows` and `difference_rows` are bootstrap intervals over test rows, where predictions were resampled.
    `prior_exact` says whether prior correction undoes what the strategy does to probabilities, None where records do
    not tell. `n` counts finished cells, `keys` are their records. `regrets` (`raw/log_loss`) are distances from the
    best possible model, where the truth is known.
    """

    label: str
    strategy: str
    score: Interval | None
    difference: Difference | None
    values: Mapping[str, float | None]
    n: int
    uses_extra: bool
    tuned: bool
    parameters: Mapping[str, Any]
    adjusted_p: float | None = None
    verdict: Verdict | None = None
    chances: Posterior | None = None
    could_be_best: bool | None = None
    prior_exact: bool | None = None
    budget: Budget | None = None
    keys: tuple[tuple[Unit, str], ...] = ()
    score_rows: Interval | None = None
    difference_rows: Interval | None = None
    regrets: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def best_text(self) -> str:
        """Whether the row could be best, as tables say it: `yes` or `no`."""
        return ABSENT if self.could_be_best is None else "yes" if self.could_be_best else "no"

    @property
    def trials(self) -> int | None:
        """The tuning budget in trials, where the records tell it."""
        return self.budget.trials if self.budget else None


@dataclass(frozen=True)
class Aspect:
    """One of the things that a treatment may change, such as decisions by the default rule, judged by itself.

    `name` is one of `aspects.TITLES`, `values` the means of the strategies that have one.
    """

    name: str
    column: MetricColumn
    values: Mapping[str, float]
    comparison: Comparison


@dataclass(frozen=True)
class Board:
    """One table: strategies on one data set, target, model and group of settings.

    `variant` holds the settings in which this board differs from its siblings of the same data, target and model.
    `sentence` answers the question first; `notes` are plain sentences about what it rests on, `further` what more
    repeats would bring, `remarks` the notes that do not depend on verdicts. `few` says why nobody may be judged, and
    `wanted` which baseline was asked for. `legend` is how to read the table, the same on most boards and printed once a
    page. `failed`, `skipped` and `missing` list every cell without numbers. `subgroups` holds metrics of groups of test
    rows, where the records have any. `aspects` say what treatments change beside the ranking metric, `effects`
    the same in words.
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
    sentence: str
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
    further: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    few: str = ""
    wanted: str = "none"
    subgroups: Subgroups | None = None
    aspects: tuple[Aspect, ...] = ()
    effects: str = ""

    @property
    def title(self) -> str:
        """Data, target, model, and what sets this board apart from its siblings."""
        names = (short(name, 80) for name in (self.data, self.target, self.model))
        return " · ".join((*names, *assignments(self.variant)))

    @property
    def judged(self) -> bool:
        """Whether anybody has a verdict: only then are there columns of verdicts, and anything set in bold."""
        return self.comparison.judged

    def verdict_text(self, row: Row) -> str:
        """The verdict on a row in a word; empty for the baseline."""
        return "" if row.label == self.baseline else row.verdict or ABSENT

    def stands_out(self, row: Row) -> bool:
        """Whether a row is set in bold: it could be best, and somebody else could not."""
        return bool(row.could_be_best) and any(other.could_be_best is False for other in self.rows)

    def panel(self, *panels: Panel, detail: bool = False) -> tuple[MetricColumn, ...]:
        """The columns of some panels, in order; those of detail only if asked for."""
        return tuple(c for c in self.columns if c.panel in panels and (detail or not c.detail))

    @property
    def slug(self) -> str:
        """A name for links and files: `[a-z0-9._-]`, the same for the same board."""
        return slug_of(self.data, self.target, self.model, self.settings)

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


def slug_of(data: str, target: str, model: str, settings: Mapping[str, Any]) -> str:
    """A name for links and files that tells a board from every other one."""
    text = re.sub(r"[^a-z0-9._-]+", "-", f"{data}-{target}-{model}".lower()).strip("-.")[:40]
    identity = digest([data, target, model, settings])
    return f"{text}-{identity[:8]}" if text else identity[:8]


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
