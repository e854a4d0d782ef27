"""What changed between two sets of records, and whether a rule for continuous integration is broken.

A rule is `WHAT[@STRATEGY] OPERATOR NUMBER[%]`; several are separated by `;`. It is about the change, after − before,
and *holds* if it is true of any row that both sides have; a rule that holds makes the exit code 1.

- WHAT: a metric column (`raw/average_precision`, `tuned/f1`), a metric that has one view only (`average_precision`,
  `auroc`), `score` (the metric that orders each board), a cost (`train_seconds`, `fits`, `steps`, `peak_mb`),
  `runs` (finished cells), or `missing` (rows of before that after lacks, counted on all boards; no @STRATEGY).
- STRATEGY: a row's name, `*` and `?` match as in a shell; without it every row counts.
- OPERATOR: `<` `<=` `>` `>=`.
- NUMBER: a change in the metric's own unit, or with `%` relative to before.

Examples: `average_precision<-0.01` · `score@focal<-0.02; missing>0` · `train_seconds>20%` · `tuned/macro_f1@*<-1%`.

Changes are plain differences of means on the cells that both sides have, so a rule decides the same way every time; the
table shows the paired interval beside them, which says what is noise.
"""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.evaluation.registry import METRICS, metric_of
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board, Row
from bench.leaderboard.reading import read_folder, say_left_out
from bench.leaderboard.statistics.design import Unit
from bench.leaderboard.statistics.design import compare as paired
from bench.leaderboard.statistics.intervals import Difference
from bench.leaderboard.text.numbers import decimals_for, number, signed, with_interval
from bench.leaderboard.text.words import clean, list_of, plural
from bench.records.columns import RecordTable
from bench.records.files import ResultsError

_COSTS: Final = ("train_seconds", "fits", "steps", "peak_mb")
_COUNTS: Final = ("runs", "missing", "score")
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_RULE: Final = re.compile(
    r"(?P<what>[\w/]+)(?:@(?P<strategy>[^<>=]+?))?\s*(?P<how>[<>]=?)\s*"
    r"(?P<size>[+-]?[\d.]+(?:e[+-]?\d+)?)(?P<percent>\s*%)?"
)


@dataclass(frozen=True)
class Rule:
    """One rule, read; `text` is how it was written."""

    text: str
    what: str
    strategy: str
    how: str
    size: float
    relative: bool

    def holds(self, before: float, after: float) -> bool:
        """Whether the change from before to after is what the rule forbids; a relative one of 0 never is."""
        change = after - before
        if self.relative:
            if before == 0:
                return False
            change = 100 * change / abs(before)
        return _OPERATORS[self.how](change, self.size)


def parse(text: str) -> list[Rule]:
    """Rules separated by `;`.

    Raises:
        ResultsError: a rule that cannot be read, or an unknown metric; says what was expected.
    """
    rules = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        found = _RULE.fullmatch(part)
        try:
            size = float(found["size"]) if found else 0.0
        except ValueError:
            found = None
        if found is None:
            raise ResultsError(
                f"board.fail_if: expected WHAT[@STRATEGY] < NUMBER[%], such as average_precision<-0.01, got {part!r}"
            )
        what = _column(found["what"])
        if what == "missing" and found["strategy"]:
            raise ResultsError(f"board.fail_if: `missing` counts rows of every strategy, got {part!r}; leave out the @")
        rules.append(Rule(part, what, (found["strategy"] or "*").strip(), found["how"], size, bool(found["percent"])))
    return rules


def _column(what: str) -> str:
    """The column that a rule means.

    Raises:
        ResultsError: unknown, or a metric with several views and none named.
    """
    if what in _COSTS or what in _COUNTS:
        return what
    if what in METRICS and len(METRICS[what].views) == 1:
        return f"{METRICS[what].views[0]}/{what}"
    try:
        metric_of(what)
    except ValueError as error:
        raise ResultsError(f"board.fail_if: {error} Or one of {list_of((*_COUNTS, *_COSTS))}.") from None
    return what


@dataclass(frozen=True)
class Match:
    """A row that both sides have, on boards of one title."""

    before_board: Board
    after_board: Board
    before: Row
    after: Row
    change: Difference | None


def compare(before: Path, after: Path, console: Console, *, rules: str = "", metric: str | None = None) -> int:
    """Print what changed, and the rules that hold. Returns 0, or 1 if one does.

    Raises:
        ResultsError: a folder holds no records, a rule cannot be read, or there is nothing that it is about.
    """
    parsed = parse(rules)
    sides = [read_folder(before), read_folder(after)]
    for side in sides:
        say_left_out(side, console)
    try:
        tables = [boards(side, metric=metric, aspects=False) for side in sides]
    except ValueError as error:
        raise ResultsError(f"board.metric: {error}") from None
    matches, lost, new = _matched(sides, tables)
    if not matches:
        raise ResultsError(
            f"{before} and {after} have no row in common (the same data, target, model, settings and strategy); "
            f"before: {list_of(b.title for b in tables[0]) or 'no boards'}; after: "
            f"{list_of(b.title for b in tables[1]) or 'no boards'}"
        )
    _print(matches, console)
    for heading, rows in (("Only before", lost), ("Only after", new)):
        if rows:
            console.print(Text(clean(f"{heading}: {list_of(rows)}")))
    broken = [line for rule in parsed for line in _broken(rule, matches, lost, sides)]
    for line in broken:
        console.print(Text(clean(f"FAIL {line}"), style="bold red"))
    if parsed and not broken:
        console.print(Text(f"{plural(len(parsed), 'rule')} checked, none holds"))
    return 1 if broken else 0


def _matched(
    sides: Sequence[RecordTable], tables: Sequence[Sequence[Board]]
) -> tuple[list[Match], list[str], list[str]]:
    """Rows that both have, and the names of those that one has."""
    positions = [{key: i for i, key in enumerate(side.keys)} for side in sides]
    found = [{(b.title, r.label): (b, r) for b in side for r in b.rows if r.n} for side in tables]
    matches = []
    for name in found[0].keys() & found[1].keys():
        (before_board, before), (after_board, after) = found[0][name], found[1][name]
        old, new = (
            _values(side, at, row, after_board.score.key)
            for side, at, row in zip(sides, positions, (before, after), strict=True)
        )
        matches.append(Match(before_board, after_board, before, after, paired(new, old, after_board.design)))
    matches.sort(key=lambda m: (m.after_board.title, m.after_board.rows.index(m.after)))
    only = [[f"{label} ({title})" for title, label in sorted(a.keys() - b.keys())] for a, b in (found, found[::-1])]
    return matches, only[0], only[1]


def _values(side: RecordTable, at: Mapping[str, int], row: Row, column: str) -> dict[Unit, float]:
    pairs = ((unit, side.number(column, at[key])) for unit, key in row.keys)
    return {unit: value for unit, value in pairs if value is not None}


def _broken(rule: Rule, matches: Sequence[Match], lost: Sequence[str], sides: Sequence[RecordTable]) -> Iterator[str]:
    """What a rule that holds is about, a line for each row."""
    if rule.what == "missing":
        if rule.holds(0.0, float(len(lost))):
            yield f"{rule.text}: {plural(len(lost), 'row')} missing: {list_of(lost)}"
        return
    positions = [{key: i for i, key in enumerate(side.keys)} for side in sides]
    looked_at = 0
    for match in matches:
        if not fnmatch.fnmatchcase(match.after.label, rule.strategy):
            continue
        values = _of(rule.what, match, sides, positions)
        if values is None:
            continue
        looked_at += 1
        if rule.holds(*values):
            old, new = values
            yield (
                f"{rule.text}: {match.after.label} ({match.after_board.title}) went from {number(old, 4)} to "
                f"{number(new, 4)}, {signed(new - old, 4)}"
            )
    if not looked_at:
        raise ResultsError(
            f"board.fail_if: {rule.text!r} is about nothing that both sides have, so it could never fail; known rows: "
            f"{list_of(sorted({m.after.label for m in matches}))}"
        )


def _of(
    what: str, match: Match, sides: Sequence[RecordTable], positions: Sequence[Mapping[str, int]]
) -> tuple[float, float] | None:
    """Before and after of one row: of metrics the means on common cells, else what the boards show."""
    if what == "runs":
        return float(match.before.n), float(match.after.n)
    if what in _COSTS:
        costs = match.before.values.get(what), match.after.values.get(what)
        return None if costs[0] is None or costs[1] is None else (costs[0], costs[1])
    column = match.after_board.score.key if what == "score" else what
    rows = match.before, match.after
    old_values, new_values = (
        _values(side, at, row, column) for side, at, row in zip(sides, positions, rows, strict=True)
    )
    common = sorted(old_values.keys() & new_values.keys())
    if not common:
        return None
    return sum(old_values[u] for u in common) / len(common), sum(new_values[u] for u in common) / len(common)


def _print(matches: Sequence[Match], console: Console) -> None:
    for title in dict.fromkeys(m.after_board.title for m in matches):
        mine = [m for m in matches if m.after_board.title == title]
        board = mine[0].after_board
        console.print(Text(clean(title), style="bold"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("Strategy", overflow="fold")
        for heading in (f"vs {board.baseline}", "Before", "After", f"Change in {board.score.label}", "p"):
            table.add_column(Text(heading), justify="right")
        decimals = decimals_for([m.change for m in mine if m.change])
        for m in mine:
            verdicts = dict.fromkeys(r.verdict or "–" for r in (m.before, m.after))
            table.add_row(
                Text(clean(m.after.label)),
                " → ".join(verdicts),
                number(m.before.score.mean if m.before.score else None, decimals),
                number(m.after.score.mean if m.after.score else None, decimals),
                with_interval(m.change, decimals, sign=True),
                number(m.change.p if m.change else None, 3),
            )
        console.print(table)
    console.print(Text("± is a 95% t interval of the paired change on common seeds; p is not adjusted.", style="dim"))
