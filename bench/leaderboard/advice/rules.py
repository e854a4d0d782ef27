"""Rules that leave candidates out, each with its reason: need and budget against what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.leaderboard.advice.textbook import textbook
from bench.leaderboard.boards.columns import COST
from bench.leaderboard.boards.model import Board
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import plural
from bench.needs import Allowance, Need
from bench.records.columns import RecordTable


@dataclass(frozen=True)
class Step:
    """One rule: what it asks, and what it left out with the measured reason."""

    rule: str
    outcome: str


def on_device(records: RecordTable, device: str, steps: list[Step]) -> RecordTable:
    """Records measured on a device: costs of another one say nothing about it."""
    coded = records.texts["environment"]
    codes = [code for code, text in enumerate(coded.values) if f'"device":"{device}"' in text]
    kept = records.take(np.isin(coded.codes, codes))
    steps.append(Step(f"budget.device={device}: measured on it", f"{len(kept):,} of {len(records):,} records"))
    return kept


def similar(tables: list[Board], need: Need, steps: list[Step]) -> list[Board]:
    """Boards of data within a factor of the given traits."""
    factor = textbook().similar_within
    for trait, wanted in need.traits.items():
        kept = []
        for board in tables:
            value = board.traits.get(trait)
            if isinstance(value, int | float) and value > 0 and max(value / wanted, wanted / value) <= factor:
                kept.append(board)
        steps.append(
            Step(f"{trait} within a factor of {factor:g} of {wanted:,g} (assumed)", left(tables, kept, "board"))
        )
        tables = kept
    return tables


def unaffordable(board: Board, need: Need, allowance: Allowance) -> dict[str, str]:
    """Why rows of a board are left out, by label."""
    limits = (
        ("fits", allowance.fits, "budget.fits"),
        (COST, None if allowance.minutes is None else 60 * allowance.minutes, "budget.minutes"),
    )
    found: dict[str, str] = {}
    for row in board.rows:
        for key, limit, name in limits:
            value = row.values.get(key)
            if limit is not None and value is not None and value > limit:
                unit = " s" if key == COST else ""
                found[row.label] = f"{name}: {number(value)}{unit} measured, {limit:,g}{unit} allowed"
        speed = row.values.get("inference_rows_per_second")
        if need.latency is not None and (speed is None or speed < need.latency):
            found[row.label] = f"need.latency: {number(speed, 0)} rows/s measured, {need.latency:,g} needed"
        if not need.extra and row.uses_extra:
            found[row.label] = "need.extra=false: it learns from labels or data that the others do not have"
    return found


def reasons_of(tables: Sequence[Board], survivors: Mapping[int, Mapping[str, str]]) -> list[Step]:
    """One step for each strategy and kind of reason, with the first measurement as the example."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for board in tables:
        for label, reason in survivors[id(board)].items():
            found[label, reason.partition(":")[0]].append(reason)
    return [
        Step(f"{name} leaves out {label}", f"on {plural(len(all_), 'board')}; {all_[0].partition(': ')[2]}")
        for (label, name), all_ in sorted(found.items())
    ]


def left(before: Sequence[object], after: Sequence[object], noun: str) -> str:
    """`3 of 5 boards left`."""
    return f"{len(after)} of {plural(len(before), noun)} left"
