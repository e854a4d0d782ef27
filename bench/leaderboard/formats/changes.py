"""The table of what each strategy changes, for every format: differences to the baseline by aspect, with verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.aspects import TITLES
from bench.leaderboard.boards.matrix import gain
from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats.entries import name
from bench.leaderboard.text.numbers import ABSENT, decimals_for, signed, with_interval

HEADING: Final = "What each changes"

MARKS: Final = {"better": "▲", "worse": "▼", "same": "=", "identical": "=", "undecided": "·"}
"""Verdicts in a character, where a word has no room."""


@dataclass(frozen=True)
class Change:
    """A difference as text, how good it is (above 0 is better) and its verdict."""

    text: str
    gain: float | None = None
    verdict: str = ""

    @property
    def marked(self) -> str:
        """The text with the mark of its verdict."""
        return f"{self.text} {MARKS[self.verdict]}" if self.verdict in MARKS else self.text

    @property
    def decided(self) -> bool:
        """Whether it was shown to be better or worse."""
        return self.verdict in ("better", "worse")


@dataclass(frozen=True)
class Changes:
    """The table: headings, and for each strategy its name and a change for each further heading."""

    headings: tuple[str, ...] = ()
    lines: tuple[tuple[str, tuple[Change, ...]], ...] = ()

    def texts(self) -> list[list[str]]:
        """The lines as texts with marks."""
        return [[label, *(change.marked for change in line)] for label, line in self.lines]


def changes(board: Board) -> Changes:
    """What the strategies of a board change; empty without a baseline, or where fewer than two aspects are known."""
    shown = [a for a in board.aspects if any(label != board.baseline for label in a.comparison.differences)]
    if board.baseline is None or len(shown) < 2:
        return Changes()
    decimals = [decimals_for(list(aspect.comparison.differences.values())) for aspect in shown]
    lines = []
    for row in board.rows:
        if row.label == board.baseline or row.n == 0:
            continue
        line = []
        for aspect, digits in zip(shown, decimals, strict=True):
            found = aspect.comparison.differences.get(row.label)
            good = None if found is None else gain(aspect.column, found.mean)
            verdict = aspect.comparison.verdicts.get(row.label, "")
            line.append(Change(with_interval(found, digits, sign=True), good, verdict))
        lines.append((name(row), tuple(line)))
    return Changes(_headings((a.name, a.column.label, bool(a.column.higher_is_better)) for a in shown), tuple(lines))


def changes_across(summary: AcrossDataSets) -> Changes:
    """The same over data sets: mean differences, and whether they were shown (Wilcoxon, Holm, 5%)."""
    blocks = summary.blocks
    if blocks is None or len(summary.aspects) < 2:
        return Changes()
    lines = []
    for standing in blocks.standings:
        if standing.name == summary.baseline:
            continue
        line = []
        for aspect in summary.aspects:
            pair = aspect.against.get(standing.name)
            if pair is None:
                line.append(Change(ABSENT))
                continue
            text = signed(pair.mean if aspect.higher_is_better else -pair.mean, 3)
            line.append(Change(text, pair.mean, pair.verdict))
        lines.append((standing.name, tuple(line)))
    return Changes(_headings((a.name, a.label, a.higher_is_better) for a in summary.aspects), tuple(lines))


def _headings(aspects: Iterable[tuple[str, str, bool]]) -> tuple[str, ...]:
    return ("Strategy", *(f"{TITLES[aspect]}: Δ {label} {'↑' if up else '↓'}" for aspect, label, up in aspects))
