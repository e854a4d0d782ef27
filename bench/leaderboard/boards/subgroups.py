"""How strategies do in each group of the test rows: the largest groups, and how far apart they are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.leaderboard.boards.grouping import RowRecords
from bench.leaderboard.statistics.design import Design, Unit
from bench.leaderboard.statistics.intervals import FEWEST, Interval, t_interval
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import list_of, plural, short
from bench.records.columns import RecordTable

MOST: Final = 10
"""So many groups are shown, those with most test rows."""

STRATEGIES: Final = 12
"""So many strategies are shown beside each other; data files have all."""

LABELS: Final = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "macro_f1": "Macro-F1 tuned",
    "accuracy": "Accuracy tuned",
    "calibration_intercept": "Calibration intercept recalibrated",
}
"""The metrics of a group in the order of the tables; records hold those of their kind."""

IDEAL: Final = {"calibration_intercept": 0.0}
"""Of metrics that aim at a value: of all others the highest is best."""

_ByMetric = Mapping[str, tuple[Interval | None, ...]]


@dataclass(frozen=True)
class Subgroup:
    """One group: test rows (the mean over splits), the share of positives (None for more than two classes)."""

    name: str
    rows: float
    prevalence: float | None
    reason: str = ""  # why its metrics are undefined; empty where some are defined
    few: bool = False  # fewer than `FEWEST` rows of a class


@dataclass(frozen=True)
class Subgroups:
    """The groups of one board, the largest first, and by label and metric an interval over units for each of them.

    `total` counts all groups, shown or not; an interval is None where the metric is undefined on every unit.
    """

    column: str
    total: int
    shown: tuple[Subgroup, ...]
    values: Mapping[str, _ByMetric]
    partly: tuple[str, ...] = ()  # groups without a value on some of the units
    few: int = 0  # groups, at most in a run, that have too few rows to be reported

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the records hold, in the order of `LABELS`."""
        return tuple(m for m in LABELS if any(m in by_metric for by_metric in self.values.values()))

    def spread(self, label: str, metric: str) -> float | None:
        """The largest mean less the smallest, over the groups with a value; None for fewer than two of these."""
        found = [i.mean for i in self.values.get(label, {}).get(metric, ()) if i is not None]
        return max(found) - min(found) if len(found) > 1 else None

    def worst(self, label: str, metric: str) -> float | None:
        """The mean of the group that is served worst: the lowest, or the farthest from the ideal; None without any."""
        found = [i.mean for i in self.values.get(label, {}).get(metric, ()) if i is not None]
        ideal = IDEAL.get(metric)
        return min(found, key=lambda v: v if ideal is None else -abs(v - ideal), default=None)

    def notes(self) -> Iterator[str]:
        """What was left out, what is undefined and why, and how to compare groups."""
        rest = self.total - len(self.shown) - self.few
        name = f" of {short(self.column, 40)}" if self.column else ""
        which = f"All {plural(self.total, 'group')}{name}"
        if rest > 0 or self.few:
            hidden = [f"{rest:,} are not shown"] if rest > 0 else []
            some = f"up to {self.few:,} in a run" if len(self.shown) + self.few > self.total else f"{self.few:,}"
            hidden += [f"{some} have too few test rows of a class to say anything"] if self.few else []
            shown = f"{plural(len(self.shown), 'group')}{name} with most test rows" if self.shown else f"No group{name}"
            which = f"{shown}, of {self.total:,}; {', '.join(hidden)}"
        yield f"{which}. Numbers are means over the runs."
        if not self.shown:
            return
        few, of_all = sum(group.few for group in self.shown), plural(len(self.shown), "group")
        have = "has" if few == 1 else "have"
        yield (
            "Worst is the mean of the group that is served worst; spread is the largest less the smallest. Noise in "
            "small groups makes both larger"
            + (f": {few} of {of_all} {have} fewer than {FEWEST} test rows of a class." if few else ".")
        )
        if "average_precision" in self.metrics:
            yield (
                "Compare groups by AUROC: AP rises with prevalence, so choosing by it favours groups with many "
                "positives (McDermott et al. 2024, arXiv 2401.06091)."
            )
        if "calibration_intercept" in self.metrics:
            yield (
                "The calibration intercept says by how much log odds are too low in a group; 0 is right, and of all "
                "rows together it is near 0 by recalibration."
            )
        if "macro_f1" in self.metrics:
            yield "Macro-F1 is over the classes that occur or are predicted in a group: groups average other classes."
        by_reason: dict[str, list[str]] = defaultdict(list)
        for group in self.shown:
            if group.reason:
                by_reason[group.reason].append(short(group.name, 40))
        for reason, names in by_reason.items():
            yield f"Undefined for {list_of(names)}: {reason}."
        if self.partly:
            yield f"Undefined on some splits, and a mean over the others: {list_of(short(n, 40) for n in self.partly)}."


def subgroups_of(
    records: RecordTable, rows: Sequence[RowRecords], design: Design, traits: Mapping[str, Any]
) -> Subgroups | None:
    """The groups in the records of a board's rows; None where no record has any."""
    empty = {code for code, text in enumerate(records.texts["groups"].values) if not text}
    codes = records.texts["groups"].codes
    parsed = {
        i: json.loads(records.text("groups", i))
        for row in rows
        for i in row.done.values()
        if int(codes[i]) not in empty
    }
    if not parsed:
        return None
    sizes: dict[str, dict[int, Mapping[str, Any]]] = defaultdict(dict)  # by name and split
    found: dict[tuple[str, str, str], dict[Unit, float]] = defaultdict(dict)  # by label, metric and name
    units: dict[tuple[str, str], set[Unit]] = defaultdict(set)  # by label and name
    held: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for unit, i in row.done.items():
            for name, entry in parsed[i]["groups"] if i in parsed else ():
                sizes[name].setdefault(unit[0], entry)
                units[row.label, name].add(unit)
                for metric in LABELS:
                    if metric in entry:
                        held[row.label].add(metric)
                    if entry.get(metric) is not None:
                        found[row.label, metric, name][unit] = float(entry[metric])
    largest = sorted(sizes, key=lambda n: (-_mean(sizes[n], "rows"), n))[:MOST]
    values = {
        label: {
            metric: tuple(_interval(found.get((label, metric, name)), design) for name in largest)
            for metric in LABELS
            if metric in metrics
        }
        for label, metrics in held.items()
    }
    partly = tuple(
        name
        for name in largest
        if any(
            0 < len(found.get((label, m, name), ())) < len(units[label, name])
            for label, metrics in held.items()
            for m in metrics
        )
    )
    shown = tuple(_subgroup(name, sizes[name], values, at) for at, name in enumerate(largest))
    column, total = str(traits.get("group_column") or ""), max(p["total"] for p in parsed.values())
    return Subgroups(column, total, shown, values, partly, max(p.get("few", 0) for p in parsed.values()))


def _mean(by_split: Mapping[int, Mapping[str, Any]], key: str) -> float:
    return float(sum(entry.get(key, 0) for entry in by_split.values())) / len(by_split)


def _interval(by_unit: Mapping[Unit, float] | None, design: Design) -> Interval | None:
    counted = design.values(by_unit or {})
    return t_interval(counted, inflation=design.inflation) if counted else None


def _subgroup(
    name: str, by_split: Mapping[int, Mapping[str, Any]], values: Mapping[str, _ByMetric], at: int
) -> Subgroup:
    rows = _mean(by_split, "rows")
    if any("positives" not in entry for entry in by_split.values()):
        return Subgroup(name, rows, None, few=rows < FEWEST)
    positives = _mean(by_split, "positives")
    nothing = all(intervals[at] is None for by_metric in values.values() for intervals in by_metric.values())
    reason = ""
    if nothing:
        reason = "no positive test row" if not positives else "no negative test row"
        reason = reason if positives in (0, rows) else "no split with test rows of both classes"
    return Subgroup(name, rows, positives / rows, reason, min(positives, rows - positives) < FEWEST)


def tables(
    groups: Subgroups, labels: Sequence[str], baseline: str | None
) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, headings and texts of one table a metric, unescaped: a line for each group, and the spread below.

    `labels` are the strategies in the order of the board; the first `STRATEGIES` and the baseline are shown.
    """
    known = [label for label in labels if label in groups.values]
    known = known[:STRATEGIES] + [label for label in known[STRATEGIES:] if label == baseline]
    binary = any(group.prevalence is not None for group in groups.shown)
    for metric in groups.metrics:
        lines = []
        for at, group in enumerate(groups.shown):
            share = [f"{group.prevalence:.1%}"] if group.prevalence is not None else []
            cells = [groups.values[label].get(metric, (None,) * len(groups.shown))[at] for label in known]
            lines.append(
                [short(group.name, 40), f"{group.rows:,.0f}", *share, *(number(i.mean if i else None) for i in cells)]
            )
        for name, of in (("Worst", groups.worst), ("Spread", groups.spread)):
            lines.append([name, "", *([""] if binary else []), *(number(of(label, metric)) for label in known)])
        yield f"{LABELS[metric]} per group", ["Group", "Rows", *(["Positive"] if binary else []), *known], lines


def entries(groups: Subgroups) -> Iterator[dict[str, Any]]:
    """Every value as an entry for data files: group, strategy, metric, mean and interval, or why there is none."""
    for at, group in enumerate(groups.shown):
        for label, by_metric in groups.values.items():
            for metric, intervals in by_metric.items():
                interval = intervals[at]
                yield {
                    "group_column": groups.column,
                    "group": group.name,
                    "rows": group.rows,
                    "prevalence": group.prevalence,
                    "strategy": label,
                    "metric": metric,
                    "mean": interval.mean if interval else None,
                    "low": interval.low if interval else None,
                    "high": interval.high if interval else None,
                    "n": interval.n if interval else 0,
                    "undefined": "" if interval else group.reason or "no finished run of this strategy defines it",
                }
