"""Records in, one `Board` for each (data, target, model, settings) out.

A pure function of the records: the same records give the same boards, whatever the order they were written in.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bench.evaluation.registry import metric_of, ranking_metric
from bench.leaderboard.boards.ablation import named_by_what_they_lack
from bench.leaderboard.boards.absences import absent_cells, missing_cells
from bench.leaderboard.boards.aggregate import CellValues
from bench.leaderboard.boards.aspects import aspects_of
from bench.leaderboard.boards.budgets import budgets_of
from bench.leaderboard.boards.columns import columns_of
from bench.leaderboard.boards.facts import facts_of, n_classes_of, split_by, test_ratio, too_few_rows, traits_of
from bench.leaderboard.boards.grouping import (
    RowRecords,
    flatten,
    group_rows,
    reference_of,
    split_settings,
    varying,
)
from bench.leaderboard.boards.model import Board, Budget, MetricColumn, Row
from bench.leaderboard.boards.sentences import shared_costs
from bench.leaderboard.boards.settled import settled
from bench.leaderboard.boards.subgroups import subgroups_of
from bench.leaderboard.statistics.design import Design, Unit, design_of
from bench.leaderboard.statistics.intervals import Interval, t_interval
from bench.leaderboard.statistics.verdicts import ROPE, judge
from bench.records.columns import PRIOR_EXACT, TRUTH, RecordTable, of_records
from bench.records.record import FAILURES, canonical

BASELINE: Final = "none"


def boards(
    records: RecordTable | pd.DataFrame,
    *,
    metric: str | None = None,
    include: Sequence[str] = (),
    baseline: str = BASELINE,
    rope: float = ROPE,
    aspects: bool = True,
) -> list[Board]:
    """One board for each (data, target, model) and group of equal settings, in alphabetical order.

    Records are averaged only if they differ in nothing but split and seed: other settings make another board, other
    hyperparameters of a strategy another row.

    Args:
        records: a table of records, or what `bench.records.store.load` returns (only its column `record` is read).
        metric: the column to order by, such as `raw/average_precision`; by default the designed one.
        include: more metric columns to show, such as `raw/brier`.
        baseline: the strategy, or stack (`a+b`), that differences are taken to. Rows of a stack without one of its
            strategies are then named by what they lack.
        rope: differences up to this are practically none.
        aspects: whether boards say what each strategy changes beside the metric, which takes longer than the rest.

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
    if not isinstance(records, RecordTable):
        records = of_records(records.get("record", ()))
    found = []
    for _, members in sorted(by_name(records).items()):
        siblings = split_settings(records, members)
        flat = {number: dict(flatten(json.loads(text))) for number, (text, _) in enumerate(siblings)}
        variants = varying(_told(records, flat, [positions for _, positions in siblings]))
        for number, (_, positions) in enumerate(siblings):
            if len(siblings) > 1 and all(records.tuned[i] for i in positions):
                variants[number] = {**variants[number], "tuned": True}
        found += [
            _board(
                records,
                siblings[number][1],
                flat[number],
                variants[number],
                metric=metric,
                include=include,
                baseline=baseline,
                rope=rope,
                aspects=aspects,
            )
            for number in sorted(flat, key=lambda number: _natural(variants[number]))
        ]
    return found


def _told(
    records: RecordTable, flat: Mapping[int, dict[str, Any]], siblings: Sequence[Sequence[int]]
) -> dict[int, dict[str, Any]]:
    """The settings of boards as people know them: what a generator was asked for instead of the table's fingerprint."""
    told = {}
    for number, settings in flat.items():
        coded = records.texts["traits"]
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


def by_name(records: RecordTable) -> dict[tuple[str, str, str], list[int]]:
    """Positions of the records of each data set, target and model."""
    columns = [records.texts[name] for name in ("data", "target", "model")]
    grouped: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, codes in enumerate(zip(*(c.codes.tolist() for c in columns), strict=True)):
        grouped[codes].append(i)
    return {
        (columns[0].values[d], columns[1].values[t], columns[2].values[m]): members
        for (d, t, m), members in grouped.items()
    }


def _board(
    records: RecordTable,
    positions: Sequence[int],
    settings: Mapping[str, Any],
    variant: Mapping[str, Any],
    *,
    metric: str | None,
    include: Sequence[str],
    baseline: str,
    rope: float,
    aspects: bool,
) -> Board:
    notes: list[str] = []
    groups = named_by_what_they_lack(group_rows(records, positions, notes), baseline)
    done = [i for group in groups for i in group.done.values()]
    traits = traits_of(records, done)
    n_classes = n_classes_of(records, done, traits)
    ranked_by = metric or ranking_metric(n_classes)
    if not metric_of(ranked_by).applies(n_classes):
        notes.append(
            f"{ranked_by} does not exist for {n_classes} classes; ranked by {ranking_metric(n_classes)} instead."
        )
        ranked_by = ranking_metric(n_classes)
    score, columns = columns_of(ranked_by, n_classes, include)
    columns = _existing(records, done, columns)
    units = sorted({unit for group in groups for unit in group.by_unit})
    finished = {unit for group in groups for unit in group.done}
    given = split_by(traits) != "drawn"
    design = design_of(finished, test_ratio(records, done), given=given)

    cells = CellValues(records, groups, design)
    scores = cells.by_unit(score.key, score.heading, notes)
    filled = {c.key: cells.median(c.key) if c.panel == "cost" else cells.means(c, notes) for c in columns}
    reference = reference_of(groups, baseline)
    few, unknown_rows = too_few_rows(traits, n_classes)
    higher = bool(score.higher_is_better)
    comparison = judge(scores, reference, higher_is_better=higher, design=design, rope=rope, allowed=not few)
    budgets, regrets = budgets_of(records, groups), _regrets(records, cells, design)
    rows = [
        _row(
            records,
            group,
            scores.get(group.label),
            {c.key: filled[c.key][i] for c in columns},
            design=design,
            budget=budgets.get(group.label),
            regrets=regrets.get(group.label, {}),
        )
        for i, group in enumerate(groups)
    ]
    usual = np.median([len(row.keys) for row in rows]) if rows else 0
    rows.sort(key=lambda row: (len(row.keys) < usual, *_order(row, higher)))
    notes += [unknown_rows] if unknown_rows else []
    notes += shared_costs(records.numbers["together"][done].tolist() if "together" in records.numbers else [])
    board = Board(
        data=records.text("data", positions[0]),
        target=records.text("target", positions[0]),
        model=records.text("model", positions[0]),
        variant=variant,
        settings=settings,
        score=score,
        baseline=reference,
        columns=columns,
        rows=tuple(rows),
        facts=facts_of(traits, score),
        sentence="",
        notes=(),
        remarks=tuple(notes),
        legend=(),
        few=few,
        wanted=baseline,
        failed=absent_cells(records, groups, FAILURES),
        skipped=absent_cells(records, groups, ("skipped",)),
        missing=missing_cells(groups, units),
        design=design,
        n_seeds=len({seed for _, seed in units}),
        n_units=len(units),
        n_classes=n_classes,
        traits=traits[0] if traits else {},
        comparison=comparison,
        subgroups=subgroups_of(records, groups, design, traits[0] if traits else {}),
        aspects=aspects_of(
            cells,
            reference,
            {score.key: comparison},
            design=design,
            n_classes=n_classes,
            rope=rope,
            allowed=not few,
        )
        if aspects
        else (),
    )
    return settled(board, comparison)


def _regrets(records: RecordTable, cells: CellValues, design: Design) -> dict[str, dict[str, Interval]]:
    """Regrets of each row by label and name (`raw/log_loss`): means and t intervals over units."""
    found: dict[str, dict[str, Interval]] = defaultdict(dict)
    for name in records.numbers:
        if name.startswith(TRUTH):
            for label, by_unit in cells.by_unit(name, name, []).items():
                if counted := design.values(by_unit):
                    found[label][name.removeprefix(TRUTH)] = t_interval(counted, inflation=design.inflation)
    return found


def _existing(records: RecordTable, done: Sequence[int], columns: Sequence[MetricColumn]) -> tuple[MetricColumn, ...]:
    """Columns that some finished record has, with a value or undefined with a reason."""
    index = np.array(done, np.int64)
    undefined = {
        name
        for i in set(records.texts["undefined"].codes[index].tolist())
        for name in json.loads(records.texts["undefined"].values[i])
    }
    return tuple(
        c
        for c in columns
        if c.key in undefined or (c.key in records.numbers and bool(np.isfinite(records.numbers[c.key][index]).any()))
    )


def _row(
    records: RecordTable,
    group: RowRecords,
    mine: Mapping[Unit, float] | None,
    values: Mapping[str, float | None],
    *,
    design: Design,
    budget: Budget | None,
    regrets: Mapping[str, Interval],
) -> Row:
    exact = records.numbers.get(PRIOR_EXACT)
    told = [] if exact is None else [exact[i] for i in group.done.values() if np.isfinite(exact[i])]
    counted = design.values(mine) if mine else []
    return Row(
        label=group.label,
        strategy=group.strategy,
        score=t_interval(counted, inflation=design.inflation) if counted else None,
        difference=None,
        values=values,
        n=len(group.done),
        uses_extra=any(records.uses_extra[i] for i in group.by_unit.values()),
        tuned=group.tuned,
        parameters=group.parameters,
        prior_exact=bool(all(told)) if told else None,
        budget=budget,
        keys=tuple((unit, records.keys[i]) for unit, i in group.done.items()),
        regrets=regrets,
    )


def _order(row: Row, higher_is_better: bool) -> tuple[float, str]:
    """By mean, the best first; rows without a mean last.

    Nobody stands below a lower mean, except rows with fewer runs than most: they were scored on other splits.
    """
    if row.score is None:
        return math.inf, row.label
    return -row.score.mean if higher_is_better else row.score.mean, row.label
