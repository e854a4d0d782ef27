"""Boards as rich tables for a terminal of any width; no name is read as markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats.changes import HEADING, changes
from bench.leaderboard.formats.entries import Shown, describe_lines, entries
from bench.leaderboard.text.words import clean


def terminal(board: Board, width: int = 100) -> RenderableType:
    """One board for a terminal of some width; columns that do not fit go to a further table instead of being cut.

    Text objects throughout: no name is read as markup.
    """
    parts: list[RenderableType] = [
        Text(clean(board.title), style="bold"),
        Padding(Text(clean(board.sentence)), (1, 0)),
    ]
    if board.effects:
        parts.append(Padding(Text(clean(board.effects)), (0, 0, 1, 0)))
    parts.append(Text(clean(board.facts), style="dim"))
    headings, body = entries(board, "quality", "probabilities", "cost")
    headings = [_lines_of(clean(heading)) for heading in headings]
    optional = len(board.panel("quality", "probabilities", "cost"))
    first, *others = _packed(headings, body, len(headings) - optional, len(board.panel("quality")), width)
    parts.append(_table(headings, body, first))
    finished = [line for line, row in zip(body, board.rows, strict=True) if row.n]  # the others are said to be absent
    parts += [_table(headings, finished, indices) for indices in others if finished]
    parts += _terminal_changes(board, width)
    parts += [Text(clean(note), style="dim") for note in (*board.notes, *board.further)]
    parts += _terminal_groups(board, width)
    for heading, remedy, absences in board.absences():
        parts.append(Text(f"\n{heading} ({remedy})", style="bold"))
        parts += [Text(f"  {line}") for line in describe_lines(absences)]
    return Group(*parts, Text())


def _terminal_changes(board: Board, width: int) -> Iterator[RenderableType]:
    """The table of aspects; nothing where there is none."""
    found = changes(board)
    if not found.lines:
        return
    headings = [heading.replace(", ", "\n").replace(": ", "\n") for heading in found.headings]
    body = [[Shown(label), *(Shown(change.marked, change.decided) for change in line)] for label, line in found.lines]
    widths = [_width(headings, body, i) + _GAP for i in range(len(headings))]
    yield Text(HEADING, style="bold")
    yield from (_table(headings, body, indices) for indices in chunks(widths, 1, width))


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
    headings: Sequence[str], body: Sequence[Sequence[Shown]], lead: int, quality: int, width: int
) -> list[list[int]]:
    """Which columns stand in each table.

    The first leads with strategy, runs, the ranking metric, the difference and its verdict, and takes the other quality
    columns if all of them fit. What is left is spread evenly over as few tables as hold it.
    """
    widths = [_width(headings, body, i) + _GAP for i in range(len(headings))]
    fitting = max((n for n in range(_LEAST, lead + 1) if sum(widths[:n]) <= width), default=_LEAST)
    if sum(widths[: lead + quality]) <= width:
        fitting = lead + quality
    first, rest = list(range(fitting)), list(range(fitting, len(headings)))
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


def _width(headings: Sequence[str], body: Sequence[Sequence[Shown]], index: int) -> int:
    """How wide a column must be: whole numbers, but a strategy's name may break between words or after 24 letters."""
    texts = [clean(line[index].text) for line in body]
    if headings[index] == "Strategy":
        return max(8, min(24, max((cell_len(word) for text in texts for word in text.split()), default=0)))
    return max(cell_len(text) for text in (*headings[index].split("\n"), *texts))


def _table(headings: Sequence[str], body: Sequence[Sequence[Shown]], indices: Sequence[int]) -> Table:
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
_LEAST = 3  # strategy, runs and the ranking metric stay together on the narrowest terminal

_BROKEN = {
    " corrected ": "\ncorr. ",
    " recalibrated ": "\nrecal. ",
    " raw ": "\nraw ",
    " default ": "\ndefault ",
    " tuned ": "\ntuned ",
    "./": "./\n",
    "Train s": "Train\ns",
    "Peak MB": "Peak\nMB",
    "Could be best": "Could\nbe best",
}
