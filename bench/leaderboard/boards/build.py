"""Records in, one `Board` for each (data, target, model, settings) out.

A pure function of the records: the same records give the same boards, whatever the order they were written in.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evaluation.registry import METRICS, metric_of, ranking_metric
from bench.leaderboard.boards.aggregate import Cells
from bench.leaderboard.boards.columns import columns_of
from bench.leaderboard.boards.grouping import (
    Group,
    flatten,
    group_rows,
    reference_of,
    split_settings,
    trials_of,
    varying,
)
from bench.leaderboard.boards.model import Absence, Board, Budget, MetricColumn, Row
from bench.leaderboard.boards.sentences import explain, legend, shared_costs, verdict
from bench.leaderboard.boards.subgroups import gather
from bench.leaderboard.statistics.power import detectable
from bench.leaderboard.statistics.seeds import Comparison, Design, Interval, Unit, shared_ranks, t_interval
from bench.leaderboard.text import short
from bench.records.columns import TRUTH, RecordTable, of_records
from bench.records.record import FAILURES, canonical

BASELINE: Final = "none"


def boards(
    records: RecordTable | pd.DataFrame, *, metric: str | None = None, include: Sequence[str] = (), baseline: str = BASELINE
) -> list[Board]:
    """One board for each (data, target, model) and group of equal settings, in alphabetical order.

    Records are averaged only if they differ in nothing but split and seed: other settings make another board, other
    hyperparameters of a strategy another row.

    Args:
        records: a ledger, or what `bench.records.store.load` returns (only its column `record` is read).
        metric: the column to rank by, such as `raw/average_precision`; by default the designed one.
        include: more metric columns to show, such as `raw/brier`.
        baseline: the strategy that differences are taken to.

    Raises:
        ValueError: unknown metric column, or one that aims at a value and so does not order strategies.
    """
    for name in (*include, *([metric] if metric else [])):
        metric_of(name)
    if metric and metric_of(metric).ideal is not None:
        raise ValueError(
            f"expected argument `metric` to be one where higher or lower is better, but got {metric!r}, which aims at "
            f"{metric_of(metric).ideal:g}; add it as a column with `include` instead"
        )
    ledger = records if isinstance(records, RecordTable) else of_records(records.get("record", ()))
    found = []
    for _, members in sorted(_by_name(ledger).items()):
        siblings = split_settings(ledger, members)
        flat = {number: dict(flatten(json.loads(text))) for number, (text, _) in enumerate(siblings)}
        variants = varying(_told(ledger, flat, [positions for _, positions in siblings]))
        for number, (_, positions) in enumerate(siblings):
            if len(siblings) > 1 and all(ledger.tuned[i] for i in positions):
                variants[number] = {**variants[number], "tuned": True}
        found += [
            _board(
                ledger, siblings[number][1], flat[number], variants[number],
                metric=metric, include=include, baseline=baseline,
            )
            for number in sorted(flat, key=lambda number: _natural(variants[number]))
        ]  # fmt: skip
    return found


def _told(
    ledger: RecordTable, flat: Mapping[int, dict[str, Any]], siblings: Sequence[Sequence[int]]
) -> dict[int, dict[str, Any]]:
    """The settings of boards as people know them: what a generator was asked for instead of the table's fingerprint."""
    told = {}
    for number, settings in flat.items():
        coded = ledger.texts["traits"]
        texts = {coded.values[code] for code in set(coded.codes[np.array(siblings[number], np.int64)].tolist())}
        known = [text for text in texts if '"generated"' in text]
        asked: dict[str, Any] = json.loads(min(known)).get("generated", {}) if known else {}
        told[number] = {**settings, **{f"data.{key}": value for key, value in asked.items()}}
    nameless = {number: {k: v for k, v in s.items() if k != "data.fingerprint"} for number, s in told.items()}
    enough = len({canonical(settings) for settings in nameless.values()}) == len(nameless)
    return nameless if enough and any("data.rows" in settings for settings in nameless.values()) else told


def _natural(variant: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    """An order of boards in which 4,000 comes before 16,000."""
    return [(k, float(v) if isinstance(v, int | float) else math.inf, canonical(v)) for k, v in variant.items()]


def _by_name(ledger: RecordTable) -> dict[tuple[str, str, str], list[int]]:
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
    ledger: RecordTable,
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
    if not metric_of(ranked_by).applies(n_classes):
        notes.append(
            f"{ranked_by} does not exist for {n_classes} classes; ranked by {ranking_metric(n_classes)} instead."
        )
        ranked_by = ranking_metric(n_classes)
    score, columns = columns_of(ranked_by, n_classes, include)
    columns = _existing(ledger, done, columns)
    units = sorted({unit for group in groups for unit in group.by_unit})
    splits = {split for group in groups for split, _ in group.done}
    design = Design(max(1, len(splits)), _ratio(ledger, done))

    cells = Cells(ledger, groups, design)
    scores = cells.by_unit(score.key, score.heading, notes)
    filled = {c.key: cells.median(c.key) if c.panel == "cost" else cells.means(c, notes) for c in columns}
    comparison = shared_ranks(scores, higher_is_better=bool(score.higher_is_better), design=design)
    reference = reference_of(groups, baseline)
    budgets, regrets = _budgets(ledger, groups), _regrets(ledger, cells, design)
    rows = [
        _row(
            ledger, group, scores.get(group.label), {c.key: filled[c.key][i] for c in columns},
            reference=reference, comparison=comparison, design=design, budget=budgets.get(group.label),
            regrets=regrets.get(group.label, {}),
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
            *shared_costs(ledger.numbers["together"][done].tolist() if "together" in ledger.numbers else []),
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
        subgroups=gather(ledger, groups, design, traits[0] if traits else {}),
    )


def _regrets(ledger: RecordTable, cells: Cells, design: Design) -> dict[str, dict[str, Interval]]:
    """Regrets of each row by label and name (`raw/log_loss`): means and t intervals over units."""
    found: dict[str, dict[str, Interval]] = defaultdict(dict)
    for name in ledger.numbers:
        if name.startswith(TRUTH):
            for label, by_unit in cells.by_unit(name, name, []).items():
                found[label][name.removeprefix(TRUTH)] = t_interval(design.values(by_unit), inflation=design.inflation)
    return found


def _existing(ledger: RecordTable, done: Sequence[int], columns: Sequence[MetricColumn]) -> tuple[MetricColumn, ...]:
    """Columns that some finished record has, with a value or undefined with a reason."""
    index = np.array(done, np.int64)
    undefined = {name for i in set(ledger.texts["undefined"].codes[index].tolist())
                 for name in json.loads(ledger.texts["undefined"].values[i])}  # fmt: skip
    return tuple(
        c for c in columns
        if c.key in undefined or (c.key in ledger.numbers and bool(np.isfinite(ledger.numbers[c.key][index]).any()))
    )  # fmt: skip


def _row(
    ledger: RecordTable,
    group: Group,
    mine: Mapping[Unit, float] | None,
    cells: Mapping[str, float | None],
    *,
    reference: str | None,
    comparison: Comparison,
    design: Design,
    budget: Budget | None,
    regrets: Mapping[str, Interval],
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
        regrets=regrets,
    )


def _budgets(ledger: RecordTable, groups: Sequence[Group]) -> dict[str, Budget]:
    """What tuning each tuned row took; marked where the trials are not those of most others.

    The budget is trials × the largest number of steps a fit, and boards hold one such number. The steps that a search
    really made differ by its early stops; they are shown, and are no other budget.
    """
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
    usual = Counter(b.trials for b in found.values())
    if not usual:
        return {}
    most = max(usual, key=lambda trials: (usual[trials], trials or 0))
    return {label: replace(b, odd=b.trials != most) for label, b in found.items()}


def _order(row: Row, higher_is_better: bool) -> tuple[float, float, str]:
    """By shared rank, then mean; rows without a rank after those with one, rows without a mean last."""
    if row.score is None:
        return math.inf, math.inf, row.label
    rank = row.rank if row.rank is not None else 1e9
    return rank, -row.score.mean if higher_is_better else row.score.mean, row.label


def _absent(ledger: RecordTable, groups: Sequence[Group], statuses: Sequence[str]) -> tuple[Absence, ...]:
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


def _traits(ledger: RecordTable, done: Sequence[int]) -> list[dict[str, Any]]:
    """What the data are like, once for each distinct answer, the most frequent first."""
    coded = ledger.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], coded.values[item[0]]))
    return [json.loads(coded.values[code]) for code, _ in ordered]


def _facts(traits: Sequence[Mapping[str, Any]], score: MetricColumn) -> str:
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


def _n_classes(ledger: RecordTable, done: Sequence[int], traits: Sequence[Mapping[str, Any]]) -> int:
    """From the traits, else from which metrics were computed; 2 where nothing finished."""
    for found in traits:
        for key in ("n_classes", "classes"):
            value = found.get(key)
            value = len(value) if isinstance(value, list | tuple) else value
            if isinstance(value, int) and value >= 2:
                return value
    names = {c.partition("/")[2] for i in done[:1] for c in ledger.numbers if ledger.number(c, i) is not None}
    return 3 if any(name in METRICS and not METRICS[name].binary for name in names) else 2


def _ratio(ledger: RecordTable, done: Sequence[int]) -> float | None:
    """Mean n_test / n_train of the finished cells, where the records tell it."""
    coded = ledger.texts["traits"]
    counts = Counter(coded.codes[np.array(done, np.int64)].tolist())
    total, n = 0.0, 0
    for code, count in sorted(counts.items(), key=lambda c: coded.values[c[0]]):
        traits = json.loads(coded.values[code])
        if traits.get("n_test") and traits.get("n_train"):
            total, n = total + count * traits["n_test"] / traits["n_train"], n + count
    return total / n if n else None
