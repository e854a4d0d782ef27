"""Formats that people read as text: rich tables and Markdown. Each escapes what its own reader would run."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.leaderboard.blocks import Pair
from bench.leaderboard.numbers import ABSENT, clean, decimals_for, number, plural, short, signed, with_interval
from bench.leaderboard.statistics import Interval
from bench.leaderboard.summary import Summary
from bench.leaderboard.table import Absence, Board, Column, Panel, Row, describe

_TABLES: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("", ("quality",)),
    ("Probabilities and cost", ("probabilities", "cost")),
)


@dataclass(frozen=True)
class _Cell:
    text: str
    bold: bool = False


def cells(board: Board, *panels: Panel) -> tuple[list[str], list[list[_Cell]]]:
    """Headings and texts of one table of a board, unescaped: what every format for people shows."""
    columns = board.panel(*panels)
    lead = "quality" in panels
    resampled = lead and any(row.difference_rows for row in board.rows)
    headings = ["Strategy", *(c.heading for c in columns)]
    if lead:
        extra = [ROWS] if resampled else []
        headings = ["Rank", "Strategy", "Runs", board.score.heading, *_delta(board), *extra]
        headings += [c.heading for c in columns]
    score_decimals = decimals_for([r.score for r in board.rows if r.score])
    delta_decimals = decimals_for([r.difference for r in board.rows if r.difference])
    body = []
    for row in board.rows:
        if not lead and row.n == 0:
            continue  # said once, in the first table
        line = [_Cell(name(row))]
        if lead:
            best = board.separates and row.rank == 1
            line = [
                _Cell(ABSENT if row.rank is None else str(row.rank)),
                _Cell(name(row), best),
                _Cell(str(row.n) if row.n == board.n_units else f"{row.n}/{board.n_units}"),
                _Cell(with_interval(row.score, score_decimals), best),
            ]
            if board.baseline is not None:
                own = row.label == board.baseline
                line.append(_Cell("" if own else with_interval(row.difference, delta_decimals, sign=True)))
            if resampled:
                line.append(_Cell(bounds(row.difference_rows, delta_decimals)))
        body.append(line + [_Cell(value_text(c, row)) for c in columns])
    return headings, body


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


def _delta(board: Board) -> list[str]:
    return [f"Δ {board.baseline}"] if board.baseline is not None else []


def value_text(column: Column, row: Row) -> str:
    """One cell: whole numbers for what is counted, else three digits after the point, fewer for large values."""
    value = row.cells[column.key]
    if column.key in ("fits", "steps", "peak_mb", "inference_rows_per_second"):
        return number(value, 0)
    return number(value)


# --- terminal -------------------------------------------------------------------------------------------------------


def terminal(board: Board, width: int = 100) -> RenderableType:
    """One board for a terminal of some width; columns that do not fit go to a further table instead of being cut.

    Text objects throughout: no name is read as markup.
    """
    parts: list[RenderableType] = [Text(clean(board.title), style="bold"), Text(clean(board.facts), style="dim")]
    headings, body = cells(board, "quality", "probabilities", "cost")
    headings = [_lines_of(clean(heading)) for heading in headings]
    optional = len(board.panel("quality", "probabilities", "cost"))
    first, *others = _packed(headings, body, len(headings) - optional, len(board.panel("quality")), width)
    parts.append(_table(headings, body, first))
    finished = [line for line, row in zip(body, board.rows, strict=True) if row.n]  # the others are said to be absent
    parts += [_table(headings, finished, indices) for indices in others if finished]
    parts.append(Padding(Text(clean(board.notes[0])), (1, 0)))
    parts += [Text(clean(note), style="dim") for note in board.notes[1:]]
    parts += _terminal_groups(board, width)
    for heading, remedy, absences in board.absences():
        parts.append(Text(f"\n{heading} ({remedy})", style="bold"))
        parts += [Text(f"  {line}") for line in describe_lines(absences)]
    return Group(*parts, Text())


def _terminal_groups(board: Board, width: int) -> Iterator[RenderableType]:
    for title, headings, lines in board.group_tables():
        yield Text(f"\n{title}", style="bold")
        lead = headings.index("Rows") + 1 + ("Positive" in headings)
        widths = [max(cell_len(clean(line[i])) for line in [headings, *lines]) + _GAP for i in range(len(headings))]
        for indices in chunks(widths, lead, width):
            table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
            for i in indices:
                table.add_column(Text(clean(headings[i])), justify="right" if i else "left", overflow="fold")
            for line in lines:
                table.add_row(*(Text(clean(line[i])) for i in indices), style="bold" if line is lines[-1] else "")
            yield table
    for note in board.subgroups.notes() if board.subgroups else ():
        yield Text(clean(note), style="dim")


def chunks(widths: Sequence[int], lead: int, width: int) -> list[list[int]]:
    """Columns in as few tables as hold them side by side, each repeating the first `lead` ones."""
    room, first = width - sum(widths[:lead]), list(range(lead))
    tables, taken = [list(first)], 0
    for i in range(lead, len(widths)):
        if len(tables[-1]) > lead and taken + widths[i] > room:
            tables.append(list(first))
            taken = 0
        tables[-1].append(i)
        taken += widths[i]
    return tables


def _packed(
    headings: Sequence[str], body: Sequence[Sequence[_Cell]], lead: int, quality: int, width: int
) -> list[list[int]]:
    """Which columns stand in each table.

    The first leads with rank, strategy, runs, the ranking metric and the difference, and takes the other quality
    columns if all of them fit. What is left is spread evenly over as few tables as hold it.
    """
    widths = [_width(headings, body, i) + _GAP for i in range(len(headings))]
    first, rest = list(range(lead)), list(range(lead, len(headings)))
    if sum(widths[: lead + quality]) <= width:
        first, rest = first + rest[:quality], rest[quality:]
    name, room = headings.index("Strategy"), width - widths[headings.index("Strategy")]
    tables: list[list[int]] = []
    for count in range(1, len(rest) + 1):
        tables, taken = [[]], 0
        for index in rest:
            # A table is closed when it holds its share, so that the last one is not a single column.
            share = sum(widths[i] for i in rest) / count
            full = taken >= share - widths[index] / 2 and len(tables) < count
            if tables[-1] and (taken + widths[index] > room or full):
                tables.append([])
                taken = 0
            tables[-1].append(index)
            taken += widths[index]
        if len(tables) <= count:
            break
    return [first, *([name, *indices] for indices in tables if indices)]


def _width(headings: Sequence[str], body: Sequence[Sequence[_Cell]], index: int) -> int:
    """How wide a column must be: whole numbers, but a strategy's name may break between words or after 24 letters."""
    texts = [clean(line[index].text) for line in body]
    if headings[index] == "Strategy":
        return max(8, min(24, max((cell_len(word) for text in texts for word in text.split()), default=0)))
    return max(cell_len(text) for text in (*headings[index].split("\n"), *texts))


def _table(headings: Sequence[str], body: Sequence[Sequence[_Cell]], indices: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for index in indices:
        if headings[index] == "Strategy":
            table.add_column("Strategy", overflow="fold", min_width=_width(headings, body, index))
        else:
            table.add_column(Text(headings[index]), justify="right", no_wrap=True)
    for line in body:
        table.add_row(*(Text(clean(line[i].text), style="bold" if line[i].bold else "") for i in indices))
    return table


def _lines_of(heading: str) -> str:
    """What fits over a number: the view, abbreviated, and units on a line of their own."""
    for long, lines in _BROKEN.items():
        heading = heading.replace(long, lines)
    return heading


_GAP = 2
_BROKEN = {
    " corrected ": "\ncorr. ",
    " recalibrated ": "\nrecal. ",
    " raw ": "\nraw ",
    " default ": "\ndefault ",
    " tuned ": "\ntuned ",
    "Pred./obs.": "Pred./\nobs.",
    "Train s": "Train\ns",
    "Peak MB": "Peak\nMB",
}


def legend(boards: Iterable[Board]) -> list[str]:
    """How to read the boards: each sentence once."""
    return list(dict.fromkeys(sentence for board in boards for sentence in board.legend))


# --- Markdown -------------------------------------------------------------------------------------------------------


def markdown(boards: Iterable[Board], summaries: Iterable[Summary] = ()) -> str:
    """A page of boards in GitHub's Markdown, the same for the same records to the byte; summaries come first."""
    boards = list(boards)
    tables = "".join("\n" + "\n".join(_markdown_summary(summary)) + "\n" for summary in summaries)
    tables += "".join("\n" + "\n".join(_markdown_board(board)) + "\n" for board in boards)
    sentences = "".join(f"- {markdown_text(sentence)}\n" for sentence in legend(boards))
    return f"# Leaderboard\n{tables}\n## How to read this\n\n{sentences}"


def _markdown_board(board: Board) -> Iterator[str]:
    yield f"## {markdown_text(board.title)}"
    yield f"\n{markdown_text(board.facts)}"
    for title, panels in _TABLES:
        headings, body = cells(board, *panels)
        if len(headings) == 1:
            continue
        yield f"\n**{title}**\n" if title else ""
        yield _markdown_line([markdown_text(h) for h in headings])
        yield _markdown_line([":---" if h == "Strategy" else "---:" for h in headings])
        for line in body:
            texts = [markdown_text(cell.text) for cell in line]
            yield _markdown_line([f"**{t}**" if c.bold else t for t, c in zip(texts, line, strict=True)])
    yield f"\n**{markdown_text(board.notes[0])}**\n"
    yield from (f"- {markdown_text(note)}" for note in board.notes[1:])
    for title, headings, lines in board.group_tables():
        yield f"\n**{markdown_text(title)}**\n"
        yield _markdown_line([markdown_text(h) for h in headings])
        yield _markdown_line([":---", *["---:"] * (len(headings) - 1)])
        yield from (_markdown_line([markdown_text(text) for text in line]) for line in lines)
    if board.subgroups is not None:
        yield ""
        yield from (f"- {markdown_text(note)}" for note in board.subgroups.notes())
    for heading, remedy, absences in board.absences():
        yield f"\n{heading} ({remedy}):\n"
        yield from (f"- {markdown_text(line)}" for line in describe_lines(absences))


def across(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Headings and texts of the table over several data sets, unescaped; no rows where there is nothing to say."""
    headings = ["Strategy", "Mean rank", "Mean score"]
    if summary.baseline is not None:
        headings += [f"Δ {summary.baseline}", "wins/ties/losses", "p (Wilcoxon-Holm)"]
        headings += ["P(better)", "P(same)", "P(worse)"]
    lines = []
    for standing in summary.blocks.standings if summary.blocks else ():
        line = [standing.name, f"{standing.mean_rank:.2f}", number(standing.mean_score)]
        lines.append([*line, *(_against(standing.against) if summary.baseline is not None else [])])
    return headings, lines


def _against(pair: Pair | None) -> list[str]:
    if pair is None or pair.posterior is None:
        return [""] * 6
    chances = (pair.posterior.first, pair.posterior.same, pair.posterior.second)
    p = "<.001" if pair.adjusted < 0.001 else number(pair.adjusted, 3)
    return [signed(pair.mean, 3), f"{pair.wins}/{pair.ties}/{pair.losses}", p, *(number(c, 2) for c in chances)]


def _markdown_summary(summary: Summary) -> Iterator[str]:
    yield f"## {markdown_text(summary.title)}\n"
    headings, lines = across(summary)
    if lines:
        yield _markdown_line([markdown_text(h) for h in headings])
        yield _markdown_line([":---" if h == "Strategy" else "---:" for h in headings])
        yield from (_markdown_line([markdown_text(text) for text in line]) for line in lines)
        yield ""
    yield from (f"- {markdown_text(note)}" for note in summary.notes)


def _markdown_line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no table cell, emphasis, code, link, mention or HTML tag comes of it."""
    escaped = html.escape(clean(text), quote=False)
    escaped = re.sub(r"([\\`*\[\]|~$])", r"\\\1", escaped)
    # An underscore inside a word never opens emphasis; leaving it keeps `one_star` readable and searchable.
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)
    escaped = re.sub(r"(?<!\w)@|@(?=[\w.+-]*\.)", "&#64;", escaped)
    # GitHub links bare addresses and mentions; a character reference stops it.
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")


def describe_lines(absences: Sequence[Absence], limit: int = 20) -> Iterator[str]:
    """The lists of cells without numbers, cut where nobody would read on (the count of what is cut is said)."""
    yield from (short(describe(absence), 300) for absence in absences[:limit])
    if len(absences) > limit:
        yield f"… and {plural(len(absences) - limit, 'more line')}: imbench status lists every one"
