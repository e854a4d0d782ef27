"""Records in, one `Board` for each (data, target, model, settings) out.

A pure function of the records: the same records give the same boards, whatever the order they were written in.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.leaderboard.ledger import Ledger, of_records
from bench.leaderboard.numbers import plural, short
from bench.leaderboard.rows import Group, flatten, group_rows, reference_of, split_settings, trials_of, varying
from bench.leaderboard.sentences import explain, legend, verdict
from bench.leaderboard.statistics import Comparison, Design, Unit, detectable, shared_ranks, t_interval
from bench.leaderboard.table import Absence, Board, Budget, Column, Panel, Row, describe_units
from bench.metric_specs import METRICS, column, ranking_metric, spec_of
from bench.results import FAILURES, canonical

BASELINE: Final = "none"

_VIEWS: Final = ("raw", "corrected", "recalibrated")
_BINARY: Final[tuple[tuple[str, Panel, bool], ...]] = (
    (column("raw", "auroc"), "quality", False),
    (column("raw", "recall_at_1pct"), "quality", True),
    (column("raw", "recall_at_5pct"), "quality", False),
    (column("raw", "recall_at_10pct"), "quality", True),
    (column("tuned", "f1"), "quality", False),
    *(
        (column(rule, name), "decisions", True)
        for name in ("f1", "precision", "recall", "balanced_accuracy", "mcc", "macro_f1")
        for rule in ("default", "tuned")
        if (rule, name) != ("tuned", "f1")
    ),
    (column("raw", "log_loss"), "probabilities", True),
    (column("corrected", "log_loss"), "probabilities", False),
    (column("recalibrated", "log_loss"), "probabilities", False),
    *((column(view, "brier"), "probabilities", True) for view in _VIEWS),
    (column("raw", "ece"), "probabilities", False),
    (column("corrected", "ece"), "probabilities", True),
    (column("recalibrated", "ece"), "probabilities", True),
    (column("raw", "predicted_observed"), "probabilities", False),
    (column("corrected", "predicted_observed"), "probabilities", False),
    (column("raw", "calibration_intercept"), "probabilities", True),
    (column("raw", "calibration_slope"), "probabilities", True),
)
_MULTICLASS: Final[tuple[tuple[str, Panel, bool], ...]] = (
    (column("default", "macro_f1"), "quality", False),
    (column("tuned", "tail_recall"), "quality", False),
    (column("raw", "auroc"), "quality", False),
    (column("raw", "average_precision"), "quality", True),
    *(
        (column(rule, name), "decisions", True)
        for name in ("balanced_accuracy", "g_mean", "mcc", "accuracy", "head_recall", "middle_recall", "tail_recall")
        for rule in ("default", "tuned")
        if (rule, name) != ("tuned", "tail_recall")
    ),
    (column("raw", "log_loss"), "probabilities", True),
    (column("corrected", "log_loss"), "probabilities", True),
    (column("recalibrated", "log_loss"), "probabilities", False),
    *((column(view, "brier"), "probabilities", True) for view in _VIEWS),
    (column("raw", "ece"), "probabilities", False),
    (column("corrected", "ece"), "probabilities", True),
    (column("recalibrated", "ece"), "probabilities", True),
)
_COST: Final = (
    ("fits", "Fits", False),
    ("steps", "Steps", False),
    ("train_seconds", "Train s", False),
    ("peak_mb", "Peak MB", False),
    ("inference_rows_per_second", "Rows/s", True),
)


def boards(
    records: Ledger | pd.DataFrame, *, metric: str | None = None, include: Sequence[str] = (), baseline: str = BASELINE
) -> list[Board]:
    """One board for each (data, target, model) and group of equal settings, in alphabetical order.

    Records are averaged only if they differ in nothing but split and seed: other settings make another board, other
    hyperparameters of a strategy another row.

    Args:
        records: a ledger, or what `bench.results.load` returns (only its column `record` is read).
        metric: the column to rank by, such as `raw/average_precision`; by default the designed one.
        include: more metric columns to show, such as `raw/brier`.
        baseline: the strategy that differences are taken to.

    Raises:
        ValueError: unknown metric column, or one that aims at a value and so does not order strategies.
    """
    for name in (*include, *([metric] if metric else [])):
        spec_of(name)
    if metric and spec_of(metric).ideal is not None:
        raise ValueError(
            f"expected argument `metric` to be one where higher or lower is better, but got {metric!r}, which aims at "
            f"{spec_of(metric).ideal:g}; add it as a column with `include` instead"
        )
    ledger = records if isinstance(records, Ledger) else of_records(records.get("record", ()))
    found = []
    for _, members in sorted(_by_name(ledger).items()):
        siblings = split_settings(ledger, members)
        flat = {number: dict(flatten(json.loads(text))) for number, (text, _) in enumerate(siblings)}
        variants = varying(flat)
        for number, (_, positions) in enumerate(siblings):
            if len(siblings) > 1 and all(ledger.tuned[i] for i in positions):
                variants[number] = {**variants[number], "tuned": True}
        found += [
            _board(
                ledger, siblings[number][1], flat[number], variants[number],
                metric=metric, include=include, baseline=baseline,
            )
            for number in sorted(flat, key=lambda number: canonical(variants[number]))
        ]  # fmt: skip
    return found


def _by_name(ledger: Ledger) -> dict[tuple[str, str, str], list[int]]:
    """Positions of the records of each data set, target and model."""
    columns = [ledger.texts[name] for name in ("data", "target", "model")]
    grouped: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, codes in enumerate(zip(*(c.codes.tolist() for c in columns), strict=True)):
        grouped[codes].append(i)
    return {
        (columns[0].values[d], columns[1].values[t], columns[2].values[m]): members
        for (d, t, m), members in grouped.items()
    }


def _board(
    ledger: Ledger,
    positions: Sequence[int],
    settings: Mapping[str, Any],
    variant: Mapping[str, Any],
    *,
    metric: str | None,
    include: Sequence[str],
    baseline: str,
) -> Board:
    notes: list[str] = []
    groups = group_rows(ledger, positions, notes)
    done = [i for group in groups for i in group.done.values()]
    traits = _traits(ledger, done)
    n_classes = _n_classes(ledger, done, traits)
    ranked_by = metric or ranking_metric(n_classes)
    if not spec_of(ranked_by).applies(n_classes):
        notes.append(
            f"{ranked_by} does not exist for {n_classes} classes; ranked by {ranking_metric(n_classes)} instead."
        )
        ranked_by = ranking_metric(n_classes)
    score, columns = _columns(ranked_by, n_classes, include)
    columns = _existing(ledger, done, columns)
    units = sorted({unit for group in groups for unit in group.by_unit})
    splits = {split for group in groups for split, _ in group.done}
    design = Design(max(1, len(splits)), _ratio(ledger, done))

    cells = _Cells(ledger, groups, design)
    scores = cells.by_unit(score.key, score.heading, notes)
    columns_of = {c.key: cells.median(c.key) if c.panel == "cost" else cells.means(c, notes) for c in columns}
    comparison = shared_ranks(scores, higher_is_better=bool(score.higher_is_better), design=design)
    reference = reference_of(groups, baseline)
    budgets = _budgets(ledger, groups)
    rows = [
        _row(
            ledger, group, scores.get(group.label), {c.key: columns_of[c.key][i] for c in columns},
            reference=reference, comparison=comparison, design=design, budget=budgets.get(group.label),
        )
        for i, group in enumerate(groups)
    ]  # fmt: skip
    rows.sort(key=lambda row: _order(row, bool(score.higher_is_better)))
    return Board(
        data=ledger.text("data", positions[0]),
        target=ledger.text("target", positions[0]),
        model=ledger.text("model", positions[0]),
        variant=variant,
        settings=settings,
        score=score,
        baseline=reference,
        columns=columns,
        rows=tuple(rows),
        facts=_facts(traits, score),
        notes=(
            verdict(rows, comparison, detectable(comparison, design), design, score),
            *explain(rows, reference, baseline, design),
            *notes,
        ),
        legend=tuple(legend(rows)),
        failed=_absent(ledger, groups, FAILURES),
        skipped=_absent(ledger, groups, ("skipped",)),
        missing=_missing(groups, units),
        design=design,
        n_seeds=len({seed for _, seed in units}),
        n_units=len(units),
        n_classes=n_classes,
        traits=traits[0] if traits else {},
        comparison=comparison,
    )


def _columns(ranked_by: str, n_classes: int, include: Sequence[str]) -> tuple[Column, tuple[Column, ...]]:
    """The ranking column, and the others in display order."""
    shown: dict[str, tuple[Panel, bool]] = {k: (p, d) for k, p, d in (_BINARY if n_classes == 2 else _MULTICLASS)}
    designed = ranking_metric(n_classes)
    if ranked_by != designed:
        shown = {designed: ("quality", False), **shown}
    for name in include:
        if spec_of(name).applies(n_classes):
            panel = shown[name][0] if name in shown else _PANELS[spec_of(name).kind]
            shown[name] = (panel, False)
    panels: tuple[Panel, ...] = ("quality", "decisions", "probabilities")
    metrics = [
        _metric_column(k, panel, detail)
        for panel in panels for k, (p, detail) in shown.items() if p == panel and k != ranked_by
    ]  # fmt: skip
    costs = [Column(key, label, "cost", detail=detail) for key, label, detail in _COST]
    return _metric_column(ranked_by, "quality", False), (*metrics, *costs)


_PANELS: Final[dict[str, Panel]] = {"ranking": "quality", "decision": "quality", "probability": "probabilities"}


def _metric_column(key: str, panel: Panel, detail: bool) -> Column:
    spec = spec_of(key)
    view = "" if spec.kind == "ranking" else key.partition("/")[0]
    return Column(key, spec.label, panel, view, spec.higher_is_better, spec.ideal, detail)


def _existing(ledger: Ledger, done: Sequence[int], columns: Sequence[Column]) -> tuple[Column, ...]:
    """Columns that some finished record has, with a value or undefined with a reason."""
    index = np.array(done, np.int64)
    undefined = {name for i in set(ledger.texts["undefined"].codes[index].tolist())
                 for name in json.loads(ledger.texts["undefined"].values[i])}  # fmt: skip
    return tuple(
        c for c in columns
        if c.key in undefined or (c.key in ledger.numbers and bool(np.isfinite(ledger.numbers[c.key][index]).any()))
    )  # fmt: skip


class _Cells:
    """Values of the finished cells of some rows: by unit, or as the mean or median of each row."""

    def __init__(self, ledger: Ledger, groups: Sequence[Group], design: Design) -> None:
        self.ledger, self.groups, self.design = ledger, groups, design
        self.index = np.array([i for group in groups for i in group.done.values()], np.int64)
        self.bounds = np.cumsum([0, *(len(group.done) for group in groups)])
        self.weights = np.concatenate([np.zeros(0), *(_weights(group.done, design) for group in groups)])

    def column(self, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One value for each finished cell, row after row; NaN where undefined."""
        column = self.ledger.numbers.get(key)
        return np.full(len(self.index), np.nan) if column is None else column[self.index]

    def by_unit(self, key: str, heading: str, notes: list[str]) -> dict[str, dict[Unit, float]]:
        """The values of each row that has one on every unit that counts; see `_kept`."""
        values = self.column(key)
        kept, whole = self._kept(key, heading, values, notes)
        found: dict[str, dict[Unit, float]] = {}
        for number, group in enumerate(self.groups):
            part = slice(self.bounds[number], self.bounds[number + 1])
            if whole[number]:
                line = zip(group.done, values[part].tolist(), kept[part].tolist(), strict=True)
                found[group.label] = {unit: value for unit, value, keep in line if keep}
        return {label: by_unit for label, by_unit in found.items() if by_unit}

    def means(self, column: Column, notes: list[str]) -> list[float | None]:
        """The mean of each row, over splits of the means over seeds; None where undefined."""
        values = self.column(column.key)
        if not np.isnan(values).any():
            sums = [0.0] * len(self.groups)
            filled = np.flatnonzero(np.diff(self.bounds))
            if len(filled):
                totals = np.add.reduceat(values * self.weights, self.bounds[filled])
                for number, total in zip(filled.tolist(), totals.tolist(), strict=True):
                    sums[number] = total
            return [sums[i] if len(group.done) else None for i, group in enumerate(self.groups)]
        by_unit = self.by_unit(column.key, column.heading, notes if not column.detail else [])
        return [
            t_interval(self.design.values(by_unit[g.label])).mean if g.label in by_unit else None for g in self.groups
        ]

    def median(self, key: str) -> list[float | None]:
        """The median of each row over the cells that have a value."""
        values, found = self.column(key), []
        for start, stop in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            part = np.sort(values[start:stop][np.isfinite(values[start:stop])])
            found.append(float((part[(len(part) - 1) // 2] + part[len(part) // 2]) / 2) if len(part) else None)
        return found

    def _kept(
        self, key: str, heading: str, values: np.ndarray[Any, np.dtype[np.float64]], notes: list[str]
    ) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], list[bool]]:
        """Which cells count, and which rows have a value on all of theirs; what is missing is noted.

        A unit where a metric is undefined for every strategy (a property of the data) is left out for all. Where only
        some strategies lack it, averaging what they do have would compare different test rows, so these have no value.
        """
        defined = np.isfinite(values)
        if defined.all():
            return defined, [bool(group.done) for group in self.groups]
        units = [unit for group in self.groups for unit in group.done]
        holders: dict[Unit, list[bool]] = defaultdict(list)
        for unit, has in zip(units, defined.tolist(), strict=True):
            holders[unit].append(has)
        left_out = {unit for unit, has in holders.items() if len(has) > 1 and not any(has)}
        if left_out:
            where = [i for i, unit in zip(self.index.tolist(), units, strict=True) if unit in left_out]
            reasons = _reasons(self.ledger, where, key)
            notes.append(
                f"{heading} is undefined for every strategy on {describe_units(left_out)}, left out: {reasons}."
            )
        whole = []
        for number, group in enumerate(self.groups):
            start = int(self.bounds[number])
            lacking = {
                unit: i for at, (unit, i) in enumerate(group.done.items(), start)
                if not defined[at] and unit not in left_out
            }  # fmt: skip
            whole.append(bool(group.done) and not lacking)
            if lacking:
                notes.append(
                    f"{heading} of {group.label} is undefined on {len(lacking)} of "
                    f"{plural(len(group.done.keys() - left_out), 'run')} ({describe_units(lacking)}) and shown as –: "
                    f"{_reasons(self.ledger, lacking.values(), key)}."
                )
        return np.array([unit not in left_out for unit in units], bool), whole


def _weights(done: Mapping[Unit, int], design: Design) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What each cell counts in the mean of its row: splits alike, and the seeds of one split alike."""
    if design.splits <= 1:
        return np.full(len(done), 1 / max(1, len(done)))
    seeds = Counter(split for split, _ in done)
    return np.array([1 / (len(seeds) * seeds[split]) for split, _ in done])


def _row(
    ledger: Ledger,
    group: Group,
    mine: Mapping[Unit, float] | None,
    cells: Mapping[str, float | None],
    *,
    reference: str | None,
    comparison: Comparison,
    design: Design,
    budget: Budget | None,
) -> Row:
    other = reference is not None and reference != group.label
    return Row(
        label=group.label,
        strategy=group.strategy,
        rank=comparison.ranks.get(group.label),
        score=t_interval(design.values(mine), inflation=design.inflation) if mine else None,
        difference=comparison.between(group.label, reference) if other and reference else None,
        adjusted_p=comparison.p_of(group.label, reference) if other and reference else None,
        cells=cells,
        n=len(group.done),
        uses_extra=any(ledger.uses_extra[i] for i in group.by_unit.values()),
        tuned=group.tuned,
        parameters=group.parameters,
        ranks=comparison.ranges.get(group.label),
        budget=budget,
        keys=tuple((unit, ledger.keys[i]) for unit, i in group.done.items()),
    )


def _budgets(ledger: Ledger, groups: Sequence[Group]) -> dict[str, Budget]:
    """What tuning each tuned row took; marked where trials or steps are not those of most others."""
    found: dict[str, Budget] = {}
    for group in groups:
        if group.tuned:
            members = list(group.by_unit.values())
            steps, seconds = (
                sorted(v for i in members if (v := ledger.note(name, i)) is not None)
                for name in ("tuning_steps", "tuning_seconds")
            )
            found[group.label] = Budget(
                trials_of(ledger, members[0]), steps[len(steps) // 2] if steps else None,
                seconds[len(seconds) // 2] if seconds else None,
            )  # fmt: skip
    usual = Counter((b.trials, b.steps) for b in found.values())
    if not usual:
        return {}
    most = max(usual, key=lambda budget: (usual[budget], budget[0] or 0, budget[1] or 0))
    return {label: Budget(b.trials, b.steps, b.seconds, odd=(b.trials, b.steps) != most) for label, b in found.items()}


def _order(row: Row, higher_is_better: bool) -> tuple[float, float, str]:
    """By shared rank, then mean; rows without a rank after those with one, rows without a mean last."""
    if row.score is None:
        return math.inf, math.inf, row.label
    rank = row.rank if row.rank is not None else 1e9
    return rank, -row.score.mean if higher_is_better else row.score.mean, row.label


def _reasons(ledger: Ledger, positions: Iterable[int], key: str) -> str:
    found = (ledger.parsed("undefined", i).get(key) or "the record gives no reason" for i in positions)
    return "; ".join(sorted({short(reason).rstrip(".") for reason in found}))


def _absent(ledger: Ledger, groups: Sequence[Group], statuses: Sequence[str]) -> tuple[Absence, ...]:
    """Cells of some statuses, those of one strategy with one reason together."""
    found: dict[tuple[str, str, str], list[Unit]] = defaultdict(list)
    for group in groups:
        if len(group.done) == len(group.by_unit):
            continue
        for unit, i in group.by_unit.items():
            status = ledger.text("status", i)
            if status in statuses:
                found[group.label, status, short(ledger.text("reason", i)) or "no reason recorded"].append(unit)
    return tuple(Absence(label, status, tuple(units), reason) for (label, status, reason), units in found.items())


def _missing(groups: Sequence[Group], units: Sequence[Unit]) -> tuple[Absence, ...]:
    lacking = ((g.label, tuple(unit for unit in units if unit not in g.by_unit)) for g in groups)
    return tuple(Absence(label, "missing", absent) for label, absent in lacking if absent)


def _traits(ledger: Ledger, done: Sequence[int]) -> list[dict[str, Any]]:
    """What the data are like, once for each distinct answer, the most frequent first."""
    coded = ledger.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], coded.values[item[0]]))
    return [json.loads(coded.values[code]) for code, _ in ordered]


def _facts(traits: Sequence[Mapping[str, Any]], score: Column) -> str:
    """Rows and share of positives, as far as the records tell (medians), and what the ranks are by."""
    parts = []
    for key, text in (("n_train", "training rows"), ("n_test", "test rows")):
        found = [t[key] for t in traits if isinstance(t.get(key), int | float)]
        if found:
            parts.append(f"{np.median(found):,.0f} {text}")
    counts = [list(t.get("train_counts") or ()) for t in traits]
    shares = [pair[1] / sum(pair) for pair in counts if len(pair) == 2]
    if shares:
        parts.append(f"{np.median(shares):.2%} positive")
    elif counts and len(counts[0]) > 2 and min(counts[0]) > 0:
        parts.append(f"{len(counts[0])} classes, largest/smallest {max(counts[0]) / min(counts[0]):,.0f}")
    way = "higher" if score.higher_is_better else "lower"
    parts.append(f"ranked by {score.label}{f', {score.view}' if score.view else ''} ({way} is better)")
    return " · ".join(parts)


def _n_classes(ledger: Ledger, done: Sequence[int], traits: Sequence[Mapping[str, Any]]) -> int:
    """From the traits, else from which metrics were computed; 2 where nothing finished."""
    for found in traits:
        for key in ("n_classes", "classes"):
            value = found.get(key)
            value = len(value) if isinstance(value, list | tuple) else value
            if isinstance(value, int) and value >= 2:
                return value
    names = {c.partition("/")[2] for i in done[:1] for c in ledger.numbers if ledger.number(c, i) is not None}
    return 3 if any(name in METRICS and not METRICS[name].binary for name in names) else 2


def _ratio(ledger: Ledger, done: Sequence[int]) -> float | None:
    """Mean n_test / n_train of the finished cells, where the records tell it."""
    coded = ledger.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    total, n = 0.0, 0
    for code, count in sorted(counts.items(), key=lambda c: coded.values[c[0]]):
        traits = json.loads(coded.values[code])
        if traits.get("n_test") and traits.get("n_train"):
            total, n = total + count * traits["n_test"] / traits["n_train"], n + count
    return total / n if n else None
