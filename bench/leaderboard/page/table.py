"""The table of a board: strategy and score first, then what it shows, then groups of columns that can be hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.leaderboard.boards.matrix import gain
from bench.leaderboard.boards.model import Board, MetricColumn, Panel, Row
from bench.leaderboard.boards.sentences import budget_text
from bench.leaderboard.formats.changes import MARKS
from bench.leaderboard.formats.entries import BEST, bounds, name, resampled, runs, value_text
from bench.leaderboard.page.markup import broken, classes, mark, scrolling, shade
from bench.leaderboard.plots.parts.svg import escaped
from bench.leaderboard.text.numbers import decimals_for, number, with_interval
from bench.leaderboard.text.words import list_of

_SWITCHED: Final = 100
"""Tables of more rows cannot be ranked by another metric: every metric would make the page longer by a table."""

_PANELS: Final[tuple[tuple[Panel, str, bool], ...]] = (
    ("quality", "Quality", True),
    ("decisions", "Decisions", False),
    ("probabilities", "Probabilities", False),
    ("cost", "Cost", True),
)


@dataclass(frozen=True)
class _Cell:
    """A place of the table: its text as HTML, and its classes."""

    html: str
    kind: str = ""


@dataclass(frozen=True)
class _Group:
    """Columns that are shown or hidden together: (heading, whether the first press sorts upwards, cells)."""

    label: str
    shown: bool
    columns: tuple[tuple[str, bool, tuple[_Cell, ...]], ...]


def board_table(board: Board, name_of_board: str, others: Mapping[str, Board]) -> str:
    """The table with its tools; `others` are the same board ranked by other metrics."""
    groups = [group for group in _groups(board) if group.columns]
    boxes = "".join(
        f'<label><input type="checkbox" value="{i}"{" checked" if group.shown else ""}>{group.label}</label>'
        for i, group in enumerate(groups)
        if group.label
    )
    tools = (
        '<div class="tools" hidden><label>Strategies <input type="search" autocomplete="off" placeholder="focal, '
        f'sample"></label><fieldset><legend>Columns</legend>{boxes}</fieldset><span class="small" role="status"></span>'
        "</div>"
    )
    return tools + scrolling(f"Table: {name_of_board}", _table(board, groups, name_of_board, others))


def _table(board: Board, groups: Sequence[_Group], caption: str, others: Mapping[str, Board]) -> str:
    top = "".join(
        f'<th scope="colgroup" colspan="{len(g.columns)}" data-span="{len(g.columns)}">{g.label}</th>' for g in groups
    )
    columns = [column for group in groups for column in group.columns]
    heads = "".join(
        f'<th scope="col"{" data-first=low" if low else ""}><button type="button">{broken(text)}</button></th>'
        for text, low, _ in columns
    )
    lines = "".join(
        f"<tr{classes('best' if board.stands_out(row) else '', 'base' if row.label == board.baseline else '')}"
        f'{" data-tuned=yes" if row.tuned else ""}><th scope="row">{columns[0][2][i].html}'
        + "".join(f"<td{classes(cells[i].kind)}>{cells[i].html}" for _, _, cells in columns[1:])
        for i, row in enumerate(board.rows)
    )
    return (
        f"<table data-board data-sort{_switch(board, others)}><caption>{escaped(caption)}: {escaped(board.facts)}. "
        f'Headings sort.</caption><thead><tr class="groups">{top}</tr><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _groups(board: Board) -> list[_Group]:
    rows = board.rows
    lead = [
        ("Strategy", True, tuple(_Cell(broken(name(row), 200)) for row in rows)),
        *_found(board),
        ("Runs", True, tuple(_Cell(runs(board, row)) for row in rows)),
    ]
    evidence = _evidence(board)
    if any(row.budget for row in rows):
        texts = tuple(_Cell(budget_text(row.budget).strip("()") if row.budget else "") for row in rows)
        evidence.append(("Tuning budget", True, texts))
    panels = [
        _Group(label, shown, tuple(_metric(board, column) for column in board.panel(panel, detail=True)))
        for panel, label, shown in _PANELS
    ]
    return [_Group("", True, tuple(lead)), *panels, _Group("Evidence", False, tuple(evidence))]


def _found(board: Board) -> list[tuple[str, bool, tuple[_Cell, ...]]]:
    """The score, the difference to the baseline, its verdict, and who could be best."""
    lower, cells = not board.score.higher_is_better, [_answer(board, row) for row in board.rows]
    found = [(board.score.heading, lower, tuple(line[0] for line in cells))]
    if board.baseline is not None:
        found.append((f"Δ {board.baseline}", lower, tuple(line[1] for line in cells)))
        if board.judged:
            found.append((f"vs {board.baseline}", False, tuple(line[2] for line in cells)))
    return [*found, (BEST, False, tuple(line[3] for line in cells))] if board.judged else found


def _answer(board: Board, row: Row) -> tuple[_Cell, _Cell, _Cell, _Cell]:
    """Score, difference, verdict and whether it could be best; the difference is shaded by how good it is."""
    scores = decimals_for([r.score for r in board.rows if r.score])
    differences = decimals_for([r.difference for r in board.rows if r.difference])
    text = with_interval(row.difference, differences, sign=True) if row.label != board.baseline else ""
    good = gain(board.score, row.difference.mean) if row.difference is not None else None
    verdict = board.verdict_text(row)
    return (
        _Cell(with_interval(row.score, scores)),
        _Cell(text, shade(good, verdict)),
        _Cell(f"{escaped(verdict)}{_glyph(verdict)}", {"better": "up", "worse": "down"}.get(verdict, "")),
        _Cell(row.best_text),
    )


def _glyph(verdict: str) -> str:
    """The mark alone, where something was shown: the word stands beside it."""
    return "" if verdict == "undecided" else mark(verdict).partition('<span class="sr">')[0]


def _evidence(board: Board) -> list[tuple[str, bool, tuple[_Cell, ...]]]:
    """p values, posterior probabilities and ranges over test rows."""
    found: list[tuple[str, bool, tuple[_Cell, ...]]] = []
    if board.judged and board.baseline is not None:
        found.append(("p (Holm)", True, tuple(_Cell(_p(row.adjusted_p)) for row in board.rows)))
        found.append(("P(better, same, worse)", False, tuple(_Cell(_chances(row)) for row in board.rows)))
    if resampled(board) and board.baseline is not None:
        decimals = decimals_for([r.difference for r in board.rows if r.difference])
        found.append(("Δ over test rows", False, tuple(_Cell(bounds(r.difference_rows, decimals)) for r in board.rows)))
    return found


def _chances(row: Row) -> str:
    """`.93, .05, .02`: the correlated Bayesian t test, which is no verdict."""
    found = row.chances
    return "" if found is None else list_of(number(p, 2) for p in (found.first, found.same, found.second))


def _p(value: float | None) -> str:
    return "" if value is None else "&lt;.001" if value < 0.001 else number(value, 3)


def _metric(board: Board, column: MetricColumn) -> tuple[str, bool, tuple[_Cell, ...]]:
    """A column of means: shaded palely by the difference to the baseline; costs with bars from zero."""
    values = [row.values[column.key] for row in board.rows]
    base = next((row.values[column.key] for row in board.rows if row.label == board.baseline), None)
    most = max((v for v in values if v is not None), default=0.0)
    cells = []
    for row, value in zip(board.rows, values, strict=True):
        kind = ""
        if column.panel == "cost":
            kind = f"bar b{round(10 * value / most)}" if value is not None and most > 0 else ""
        elif value is not None and base is not None and row.label != board.baseline:
            kind = shade(_better_by(column, value, base))
        cells.append(_Cell(value_text(column, row), kind))
    return column.heading, column.higher_is_better is not True, tuple(cells)


def _better_by(column: MetricColumn, value: float, base: float) -> float:
    if column.ideal is not None and column.higher_is_better is None:
        return abs(base - column.ideal) - abs(value - column.ideal)
    return gain(column, value - base)


def _switch(board: Board, others: Mapping[str, Board]) -> str:
    """What the first columns say by other metrics, for the script that switches: by metric, heading and cells."""
    if not others or len(board.rows) > _SWITCHED:
        return ""
    names = [row.label for row in board.rows]
    found: dict[str, Any] = {}
    for metric, other in others.items():
        by_label = {row.label: row for row in other.rows}
        found[metric] = {
            "heading": other.score.heading,
            "low": not other.score.higher_is_better,
            "cells": [_switched(other, by_label.get(label), judged=board.judged) for label in names],
        }
    return f' data-by="{escaped(json.dumps(found, ensure_ascii=True, separators=(",", ":")), 10**7)}"'


def _switched(board: Board, row: Row | None, *, judged: bool) -> list[list[str]]:
    """(text, classes) of the cells after the strategy, as `_found` orders them."""
    if row is None:
        return []
    score, difference, _, best = _answer(board, row)
    cells = [[score.html, score.kind]]
    if board.baseline is not None:
        cells.append([difference.html, difference.kind])
        if judged:
            verdict = board.verdict_text(row)
            cells.append([f"{verdict}{_sign(verdict)}", {"better": "up", "worse": "down"}.get(verdict, "")])
    return [*cells, [best.html, ""]] if judged else cells


def _sign(verdict: str) -> str:
    return f" {MARKS[verdict]}" if _glyph(verdict) else ""
