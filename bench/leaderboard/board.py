"""Records in, one `Board` for each (data, target, model, settings) out.

A pure function of the records: the same records give the same boards, whatever the order they were written in.
"""

from __future__ import annotations

import math
import statistics as median_of
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from bench.leaderboard.numbers import plural, short
from bench.leaderboard.rows import Group, finite, flatten, group_rows, reference_of, settings_of, trials_of, varying
from bench.leaderboard.sentences import explain, legend, verdict
from bench.leaderboard.statistics import Comparison, Design, Unit, compare, detectable, shared_ranks, t_interval
from bench.leaderboard.table import Absence, Board, Column, Panel, Row, describe_units
from bench.metric_specs import METRICS, column, ranking_metric, spec_of
from bench.results import FAILURES, Record, canonical

BASELINE: Final = "none"
_BINARY: Final[tuple[tuple[str, Panel], ...]] = (
    (column("raw", "auroc"), "quality"),
    (column("raw", "recall_at_5pct"), "quality"),
    (column("tuned", "f1"), "quality"),
    (column("corrected", "log_loss"), "probabilities"),
    (column("recalibrated", "log_loss"), "probabilities"),
    (column("raw", "ece"), "probabilities"),
    (column("raw", "predicted_observed"), "probabilities"),
    (column("corrected", "predicted_observed"), "probabilities"),
)
_MULTICLASS: Final[tuple[tuple[str, Panel], ...]] = (
    (column("default", "macro_f1"), "quality"),
    (column("tuned", "tail_recall"), "quality"),
    (column("raw", "auroc"), "quality"),
    (column("recalibrated", "log_loss"), "probabilities"),
    (column("raw", "ece"), "probabilities"),
)
_COST: Final = (("fits", "Fits"), ("steps", "Steps"), ("train_seconds", "Train s"), ("peak_mb", "Peak MB"))


def boards(
    frame: pd.DataFrame, *, metric: str | None = None, include: Sequence[str] = (), baseline: str = BASELINE
) -> list[Board]:
    """One board for each (data, target, model) and group of equal settings, in alphabetical order.

    Records are averaged only if they differ in nothing but split and seed: other settings make another board, other
    hyperparameters of a strategy another row.

    Args:
        frame: what `bench.results.load` returns; only its column `record` is read.
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
    groups: dict[tuple[str, str, str], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in frame.get("record", ()):
        groups[record.data, record.target, record.model][canonical(settings_of(record))].append(record)
    found = []
    for _, siblings in sorted(groups.items()):
        flat = {key: dict(flatten(settings_of(records[0]))) for key, records in siblings.items()}
        variants = varying(flat)
        found += [
            _board(records, flat[key], variants[key], metric=metric, include=include, baseline=baseline)
            for key, records in sorted(siblings.items(), key=lambda item: canonical(variants[item[0]]))
        ]
    return found


def _board(
    records: Sequence[Record],
    settings: Mapping[str, Any],
    variant: Mapping[str, Any],
    *,
    metric: str | None,
    include: Sequence[str],
    baseline: str,
) -> Board:
    first = records[0]
    notes: list[str] = []
    groups = group_rows(records, notes)
    done = [record for group in groups for record in group.done.values()]
    n_classes = _n_classes(done)
    ranked_by = metric or ranking_metric(n_classes)
    if not spec_of(ranked_by).applies(n_classes):
        notes.append(
            f"{ranked_by} does not exist for {n_classes} classes; ranked by {ranking_metric(n_classes)} instead."
        )
        ranked_by = ranking_metric(n_classes)
    score, columns = _columns(ranked_by, n_classes, include)
    columns = tuple(
        c for c in columns if any(c.key in source for r in done for source in (r.metrics, r.undefined, r.cost))
    )
    units = sorted({unit for group in groups for unit in group.by_unit})
    design = _design(done)

    values = {c.key: _defined(groups, c.key, c.heading, notes) for c in (score, *columns) if c.panel != "cost"}
    scores = {label: v for label, v in values[score.key].items() if v}
    comparison = shared_ranks(scores, higher_is_better=bool(score.higher_is_better), design=design)
    reference = reference_of(groups, baseline)
    rows = [
        _row(
            group,
            reference=reference,
            score=score,
            columns=columns,
            values=values,
            comparison=comparison,
            design=design,
        )
        for group in groups
    ]
    rows.sort(key=lambda row: _order(row, bool(score.higher_is_better)))
    return Board(
        data=first.data,
        target=first.target,
        model=first.model,
        variant=variant,
        settings=settings,
        score=score,
        baseline=reference,
        columns=columns,
        rows=tuple(rows),
        facts=_facts(done, score),
        notes=(
            verdict(rows, comparison, detectable(comparison, scores, design), design),
            *explain(rows, reference, baseline, design),
            *notes,
        ),
        legend=tuple(legend(rows)),
        failed=_absent(groups, FAILURES),
        skipped=_absent(groups, ("skipped",)),
        missing=_missing(groups, units),
        design=design,
        n_seeds=len({seed for _, seed in units}),
        n_units=len(units),
    )


def _columns(ranked_by: str, n_classes: int, include: Sequence[str]) -> tuple[Column, tuple[Column, ...]]:
    """The ranking column, and the others in display order."""
    shown: dict[str, Panel] = dict(_BINARY if n_classes == 2 else _MULTICLASS)
    designed = ranking_metric(n_classes)
    if ranked_by != designed:
        shown = {designed: "quality", **shown}
    for name in include:
        if spec_of(name).applies(n_classes):
            shown.setdefault(name, "probabilities" if spec_of(name).kind == "probability" else "quality")
    panels: tuple[Panel, ...] = ("quality", "probabilities")
    metrics = [_metric_column(k, p) for panel in panels for k, p in shown.items() if p == panel and k != ranked_by]
    costs = [Column(key, label, "cost") for key, label in _COST]
    return _metric_column(ranked_by, "quality"), (*metrics, *costs)


def _metric_column(key: str, panel: Panel) -> Column:
    spec = spec_of(key)
    view = "" if spec.kind == "ranking" else key.partition("/")[0]
    return Column(key, spec.label, panel, view, spec.higher_is_better, spec.ideal)


def _row(
    group: Group,
    *,
    reference: str | None,
    score: Column,
    columns: Sequence[Column],
    values: Mapping[str, Mapping[str, Mapping[Unit, float] | None]],
    comparison: Comparison,
    design: Design,
) -> Row:
    def mean(key: str) -> float | None:
        found = values[key][group.label]
        return t_interval(design.values(found)).mean if found else None

    def median(key: str) -> float | None:
        found = [v for r in group.done.values() if (v := finite(r.cost.get(key))) is not None]
        return median_of.median(found) if found else None

    mine = values[score.key][group.label]
    theirs = values[score.key].get(reference) if reference is not None and reference != group.label else None
    pairs = ((group.label, reference or ""), (reference or "", group.label))
    record = group.any
    return Row(
        label=group.label,
        strategy=record.strategy,
        rank=comparison.ranks.get(group.label),
        score=t_interval(design.values(mine), inflation=design.inflation) if mine else None,
        difference=compare(mine, theirs, design) if mine and theirs else None,
        adjusted_p=next((comparison.adjusted[pair] for pair in pairs if pair in comparison.adjusted), None),
        cells={c.key: median(c.key) if c.panel == "cost" else mean(c.key) for c in columns},
        n=len(group.done),
        uses_extra=any(r.uses_extra for r in group.by_unit.values()),
        tuned=record.tuned,
        trials=trials_of(record),
        parameters=group.parameters,
    )


def _order(row: Row, higher_is_better: bool) -> tuple[float, float, str]:
    """By shared rank, then mean; rows without a rank after those with one, rows without a mean last."""
    if row.score is None:
        return math.inf, math.inf, row.label
    rank = row.rank if row.rank is not None else 1e9
    return rank, -row.score.mean if higher_is_better else row.score.mean, row.label


def _defined(groups: Sequence[Group], key: str, heading: str, notes: list[str]) -> dict[str, dict[Unit, float] | None]:
    """The values of a metric by row and unit; None for a row in which it is undefined somewhere, which is noted.

    A unit where it is undefined for every strategy (a property of the data) is left out for all. Where only some
    strategies lack it, averaging what they do have would compare different test rows, so these have no value at all.
    """
    found = {g.label: {unit: finite(r.metrics.get(key)) for unit, r in g.done.items()} for g in groups}
    holders: dict[Unit, list[bool]] = defaultdict(list)
    for by_unit in found.values():
        for unit, value in by_unit.items():
            holders[unit].append(value is not None)
    left_out = {unit for unit, defined in holders.items() if len(defined) > 1 and not any(defined)}
    if left_out:
        reasons = _reasons((r for g in groups for u, r in g.done.items() if u in left_out), key)
        notes.append(f"{heading} is undefined for every strategy on {describe_units(left_out)}, left out: {reasons}.")
    result: dict[str, dict[Unit, float] | None] = {}
    for group in groups:
        kept = {unit: value for unit, value in found[group.label].items() if unit not in left_out}
        undefined = [unit for unit, value in kept.items() if value is None]
        if undefined:
            reasons = _reasons((group.done[unit] for unit in undefined), key)
            notes.append(
                f"{heading} of {group.label} is undefined on {len(undefined)} of {plural(len(kept), 'run')} "
                f"({describe_units(undefined)}) and shown as –: {reasons}."
            )
        result[group.label] = None if undefined else {u: v for u, v in kept.items() if v is not None}
    return result


def _reasons(records: Iterable[Record], key: str) -> str:
    return "; ".join(sorted({short(r.undefined.get(key) or "the record gives no reason").rstrip(".") for r in records}))


def _absent(groups: Sequence[Group], statuses: Sequence[str]) -> tuple[Absence, ...]:
    """Cells of some statuses, those of one strategy with one reason together."""
    found: dict[tuple[str, str, str], list[Unit]] = defaultdict(list)
    for group in groups:
        for unit, record in sorted(group.by_unit.items()):
            if record.status in statuses:
                found[group.label, record.status, short(record.reason) or "no reason recorded"].append(unit)
    return tuple(Absence(label, status, tuple(units), reason) for (label, status, reason), units in found.items())


def _missing(groups: Sequence[Group], units: Sequence[Unit]) -> tuple[Absence, ...]:
    lacking = ((g.label, tuple(unit for unit in units if unit not in g.by_unit)) for g in groups)
    return tuple(Absence(label, "missing", absent) for label, absent in lacking if absent)


def _facts(done: Sequence[Record], score: Column) -> str:
    """Rows and share of positives, as far as the records tell (medians), and what the ranks are by."""
    parts = []
    for key, text in (("n_train", "training rows"), ("n_test", "test rows")):
        found = [v for r in done if (v := finite(r.traits.get(key))) is not None]
        if found:
            parts.append(f"{median_of.median(found):,.0f} {text}")
    counts = [list(r.traits.get("train_counts") or ()) for r in done]
    shares = [pair[1] / sum(pair) for pair in counts if len(pair) == 2]
    if shares:
        parts.append(f"{median_of.median(shares):.2%} positive")
    way = "higher" if score.higher_is_better else "lower"
    parts.append(f"ranked by {score.label}{f', {score.view}' if score.view else ''} ({way} is better)")
    return " · ".join(parts)


def _n_classes(done: Sequence[Record]) -> int:
    """From the traits, else from which metrics were computed; 2 where nothing finished."""
    for record in done:
        for key in ("n_classes", "classes"):
            value = record.traits.get(key)
            value = len(value) if isinstance(value, list | tuple) else value
            if isinstance(value, int) and value >= 2:
                return value
        names = {key.partition("/")[2] for key in (*record.metrics, *record.undefined)} & METRICS.keys()
        if any(not METRICS[name].binary for name in names):
            return 3
    return 2


def _design(done: Sequence[Record]) -> Design:
    splits = {r.split for r in done}
    ratios = []
    for record in done:
        test, train = finite(record.traits.get("n_test")), finite(record.traits.get("n_train"))
        if test and train:
            ratios.append(test / train)
    return Design(max(1, len(splits)), math.fsum(ratios) / len(ratios) if ratios else None)
