"""Boards as Markdown; text is escaped for its readers."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats.changes import HEADING, Changes, changes, changes_across
from bench.leaderboard.formats.entries import TABLES, across, describe_lines, entries, legend
from bench.leaderboard.text.words import clean


def markdown(boards: Iterable[Board], summaries: Iterable[AcrossDataSets] = ()) -> str:
    """A page of boards in GitHub's Markdown, the same for the same records to the byte; summaries come first."""
    boards = list(boards)
    tables = "".join("\n" + "\n".join(_markdown_summary(summary)) + "\n" for summary in summaries)
    tables += "".join("\n" + "\n".join(_markdown_board(board)) + "\n" for board in boards)
    sentences = "".join(f"- {_markdown_text(sentence)}\n" for sentence in legend(boards))
    return f"# Leaderboard\n{tables}\n## How to read this\n\n{sentences}"


def _markdown_board(board: Board) -> Iterator[str]:
    yield f"## {_markdown_text(board.title)}"
    yield f"\n**{_markdown_text(board.sentence)}**"
    if board.effects:
        yield f"\n{_markdown_text(board.effects)}"
    yield f"\n{_markdown_text(board.facts)}"
    for title, panels in TABLES:
        headings, body = entries(board, *panels)
        if len(headings) == 1:
            continue
        yield f"\n**{title}**\n" if title else ""
        yield _markdown_line([_markdown_text(h) for h in headings])
        yield _markdown_line([":---" if h == "Strategy" else "---:" for h in headings])
        for line in body:
            texts = [_markdown_text(cell.text) for cell in line]
            yield _markdown_line([f"**{t}**" if c.bold else t for t, c in zip(texts, line, strict=True)])
    yield from _markdown_changes(changes(board))
    yield ""
    yield from (f"- {_markdown_text(note)}" for note in board.notes)
    if board.further:
        yield "\n<details><summary>Which differences would be found</summary>\n"
        yield from (f"- {_markdown_text(note)}" for note in board.further)
        yield "\n</details>"
    for title, headings, lines in board.group_tables():
        yield f"\n**{_markdown_text(title)}**\n"
        yield from _markdown_table(headings, lines)
    if board.subgroups is not None:
        yield ""
        yield from (f"- {_markdown_text(note)}" for note in board.subgroups.notes())
    for heading, remedy, absences in board.absences():
        yield f"\n{heading} ({remedy}):\n"
        yield from (f"- {_markdown_text(line)}" for line in describe_lines(absences))


def _markdown_summary(summary: AcrossDataSets) -> Iterator[str]:
    yield f"## {_markdown_text(summary.title)}\n"
    yield f"**{_markdown_text(summary.sentence)}**\n"
    if summary.effects:
        yield f"{_markdown_text(summary.effects)}\n"
    headings, lines = across(summary)
    if lines:
        yield from _markdown_table(headings, lines)
        yield from _markdown_changes(changes_across(summary))
        yield ""
    yield from (f"- {_markdown_text(note)}" for note in summary.notes)


def _markdown_changes(found: Changes) -> Iterator[str]:
    if found.lines:
        yield f"\n**{HEADING}**\n"
        yield from _markdown_table(found.headings, found.texts())


def _markdown_table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of texts; what stands first in a line leads it."""
    yield _markdown_line([_markdown_text(h) for h in headings])
    yield _markdown_line([":---", *["---:"] * (len(headings) - 1)])
    yield from (_markdown_line([_markdown_text(text) for text in line]) for line in lines)


def _markdown_line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _markdown_text(text: str) -> str:
    """Text that Markdown shows as it is: no table cell, emphasis, code, link, mention or HTML tag comes of it."""
    escaped = html.escape(clean(text), quote=False)
    escaped = re.sub(r"([\\`*\[\]|~$])", r"\\\1", escaped)
    # An underscore inside a word never opens emphasis; leaving it keeps `one_star` readable and searchable.
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)
    escaped = re.sub(r"(?<!\w)@|@(?=[\w.+-]*\.)", "&#64;", escaped)
    # GitHub links bare addresses and mentions; a character reference stops it.
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
