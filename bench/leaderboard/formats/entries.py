"""Formats that people read as text: rich tables and Markdown. Each escapes what its own reader would run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Absence, Board, MetricColumn, Panel, Row, describe
from bench.leaderboard.statistics.data_sets import Pair
from bench.leaderboard.statistics.intervals import Interval
from bench.leaderboard.text.numbers import decimals_for, number, signed, with_interval
from bench.leaderboard.text.words import plural, short

TABLES: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("", ("quality",)),
    ("Probabilities and cost", ("probabilities", "cost")),
)


@dataclass(frozen=True)
class Shown:
    """The text of one place in a table."""

    text: str
    bold: bool = False


def entries(board: Board, *panels: Panel) -> tuple[list[str], list[list[Shown]]]:
    """Headings and texts of one table of a board, unescaped: what every format for people shows."""
    columns = board.panel(*panels)
    lead = "quality" in panels
    headings = ["Strategy", *(_lead(board) if lead else ()), *(c.heading for c in columns)]
    score_decimals = decimals_for([r.score for r in board.rows if r.score])
    delta_decimals = decimals_for([r.difference for r in board.rows if r.difference])
    body = []
    for row in board.rows:
        if not lead and row.n == 0:
            continue  # said once, in the first table
        best = lead and board.stands_out(row)
        line = [Shown(name(row), best)]
        if lead:
            line += [Shown(runs(board, row)), Shown(with_interval(row.score, score_decimals), best)]
            if board.baseline is not None:
                own = row.label == board.baseline
                line.append(Shown("" if own else with_interval(row.difference, delta_decimals, sign=True)))
                line += [Shown(board.verdict_text(row))] if board.judged else []
            line += [Shown(row.best_text)] if board.judged else []
            if resampled(board):
                line.append(Shown(bounds(row.difference_rows, delta_decimals)))
        body.append(line + [Shown(value_text(c, row)) for c in columns])
    return headings, body


def _lead(board: Board) -> list[str]:
    """The headings between the strategy and its metrics."""
    found = ["Runs", board.score.heading]
    if board.baseline is not None:
        found += [f"Δ {board.baseline}", *([f"vs {board.baseline}"] if board.judged else [])]
    found += [BEST] if board.judged else []
    return [*found, *([ROWS] if resampled(board) else [])]


BEST = "Could be best"
"""Heading of whether somebody else was shown to be better."""


def runs(board: Board, row: Row) -> str:
    """Finished runs, `2/5` where some are missing."""
    return str(row.n) if row.n == board.n_units else f"{row.n}/{board.n_units}"


def resampled(board: Board) -> bool:
    """Whether differences have ranges over test rows of their own."""
    return any(row.difference_rows for row in board.rows)


ROWS = "Δ rows"
"""Heading of the bootstrap range of the difference over test rows."""


def bounds(interval: Interval | None, decimals: int) -> str:
    """`[−.012, +.031]`; empty where there is none."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"[{signed(interval.low, decimals)}, {signed(interval.high, decimals)}]"


def name(row: Row) -> str:
    """The label with its marks: * for extra labels or data, † for tuned, ‡ for tuned with another budget."""
    tuned = "‡" if row.budget and row.budget.odd else "†" if row.tuned else ""
    return f"{row.label}{'*' if row.uses_extra else ''}{tuned}"


def value_text(column: MetricColumn, row: Row) -> str:
    """One cell: whole numbers for what is counted, else three digits after the point, fewer for large values.

    A prior-corrected figure is marked ° where correction does not undo what the strategy does.
    """
    value = row.values[column.key]
    if column.key in ("fits", "steps", "peak_mb", "inference_rows_per_second"):
        return number(value, 0)
    inexact = row.prior_exact is False and column.key.startswith("corrected/") and value is not None
    return f"{number(value)}°" if inexact else number(value)


def legend(boards: Iterable[Board]) -> list[str]:
    """How to read the boards: each sentence once."""
    return list(dict.fromkeys(sentence for board in boards for sentence in board.legend))


def across(summary: AcrossDataSets) -> tuple[list[str], list[list[str]]]:
    """Headings and texts of the table over several data sets, unescaped; no rows where there is nothing to say."""
    headings = ["Strategy", "Mean rank", "Mean score" if summary.higher_is_better else "Mean score ↓"]
    if summary.baseline is not None:
        headings += [f"Δ {summary.baseline}", "wins/ties/losses", "p (Wilcoxon-Holm)"]
        headings += ["P(better)", "P(same)", "P(worse)"]
    sign = 1 if summary.higher_is_better else -1
    lines = []
    for standing in summary.blocks.standings if summary.blocks else ():
        line = [standing.name, f"{standing.mean_rank:.2f}", number(standing.mean_score)]
        lines.append([*line, *(_against(standing.against, sign) if summary.baseline is not None else [])])
    return headings, lines


def _against(pair: Pair | None, sign: int) -> list[str]:
    if pair is None or pair.posterior is None:
        return [""] * 6
    chances = (pair.posterior.first, pair.posterior.same, pair.posterior.second)
    p = "<.001" if pair.adjusted < 0.001 else number(pair.adjusted, 3)
    return [signed(sign * pair.mean, 3), f"{pair.wins}/{pair.ties}/{pair.losses}", p, *(number(c, 2) for c in chances)]


def describe_lines(absences: Sequence[Absence], limit: int = 20) -> Iterator[str]:
    """The lists of cells without numbers, cut where nobody would read on (the count of what is cut is said)."""
    yield from (short(describe(absence), 300) for absence in absences[:limit])
    if len(absences) > limit:
        yield f"… and {plural(len(absences) - limit, 'more line')}: imbench status lists every one"
