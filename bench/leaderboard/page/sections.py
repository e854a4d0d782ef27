"""A section for each board, each family of a generator's settings, and each set of data sets."""

from __future__ import annotations

from collections.abc import Mapping

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.naming import configuration
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.formats.changes import HEADING, Change, Changes, changes, changes_across
from bench.leaderboard.formats.entries import across, describe_lines
from bench.leaderboard.page.markup import broken, classes, filtered_by, mark, notes, plain_table, scrolling, shade
from bench.leaderboard.page.table import board_table
from bench.leaderboard.plots.parts.figure import Evidence, Picture
from bench.leaderboard.plots.parts.svg import escaped
from bench.leaderboard.plots.registry import pictures
from bench.leaderboard.text.words import plural


def board_section(
    board: Board, name: str, evidence: Evidence | None, others: Mapping[str, Board], *, folded: bool
) -> str:
    """One board under its human name: the answer, the table, what it rests on, the figures, its configuration.

    `folded`: the figures lie behind a fold, where there are many boards.
    """
    plots = _plots(board, board.slug, evidence)
    if folded and plots:
        plots = f"<details class=figures><summary>Figures</summary>{plots}</details>"
    return "".join(
        [
            f'<section id="{board.slug}" aria-labelledby="{board.slug}-h"{filtered_by(board)}>',
            f'<h2 id="{board.slug}-h">{escaped(name)}</h2>',
            f'<p class="verdict">{escaped(board.sentence, 2000)}</p>',
            f"<p>{escaped(board.effects, 2000)}</p>" if board.effects else "",
            f'<p class="facts">{escaped(board.facts)}</p>',
            board_table(board, name, others),
            _changes(name, changes(board)),
            _rests_on(board, evidence),
            _subgroups(board),
            plots,
            _configuration(board),
            "</section>",
        ]
    )


def _rests_on(board: Board, evidence: Evidence | None) -> str:
    found = list(board.notes)
    found += [f"Plots: {problem}" for problem in (evidence.problems if evidence else ())]
    for heading, remedy, absences in board.absences():
        found += [f"{heading} ({remedy}): {line}" for line in describe_lines(absences)]
    power = notes(board.further)
    fold = f"<details><summary>Which differences would be found</summary>{power}</details>" if power else ""
    return notes(found) + fold


def _configuration(board: Board) -> str:
    """What all records of the board share, and how to put the board away."""
    settings = configuration(board)
    table = plain_table("Settings that all records of this board share", ("Setting", "Value"), settings)
    return (
        f"<details class=configuration><summary>Configuration ({plural(len(settings), 'setting')})</summary>"
        f"{scrolling('Configuration', table)}<p class=small>A board made by mistake is put away, and taken back, with"
        f"</p><pre>imbench results retire {escaped(board.slug)}\nimbench results retire {escaped(board.slug)} back=true"
        "</pre></details>"
    )


def _changes(name: str, found: Changes) -> str:
    """The table of aspects: shaded by how good a difference is, its verdict as a mark; empty where there is none."""
    if not found.lines:
        return ""
    texts = (broken(text).replace(": ", ":<br>") for text in found.headings)
    heads = "".join(f'<th scope="col"><button type="button">{text}</button></th>' for text in texts)
    body = "".join(
        f'<tr><th scope="row">{broken(label, 200)}{"".join(map(_change, line))}' for label, line in found.lines
    )
    table = (
        f"<table data-sort><caption>{HEADING}, {escaped(name)}: differences to the baseline, each column judged by "
        f"itself.</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )
    return f"<h3>{HEADING}</h3>{scrolling(f'Table: {HEADING.lower()}, {name}', table)}"


def _change(change: Change) -> str:
    return f"<td{classes(shade(change.gain, change.verdict))}>{escaped(change.text)}{mark(change.verdict)}"


def _subgroups(board: Board) -> str:
    if board.subgroups is None:
        return ""
    found = "".join(
        f"<div><h3>{escaped(title)}</h3>"
        + scrolling(
            f"Table: {title}, {board.title}", plain_table(f"{title}, {board.title}", headings, lines, last="total")
        )
        + "</div>"
        for title, headings, lines in board.group_tables()
    )
    return f'<div class="subgroups">{found}</div>{notes(board.subgroups.notes())}'


def _plots(subject: Board | Family | AcrossDataSets, slug: str, evidence: Evidence | None = None) -> str:
    """The figures of a subject; empty where none applies."""
    found = "".join(_picture(picture) for _, picture in pictures(subject, slug, evidence))
    return f'<div class="plots">{found}</div>' if found else ""


def _picture(picture: Picture) -> str:
    table = plain_table(picture.title, picture.headings, picture.rows)
    return (
        f'<figure aria-label="{escaped(picture.title)}">'
        f"<figcaption><h3>{escaped(picture.title)}</h3><p class=caption>{escaped(picture.caption, 2000)}</p>"
        f'</figcaption><div class="drawn">{picture.svg}</div><details><summary>Data of this plot</summary>'
        f"{scrolling(f'Data: {picture.title}', table)}</details></figure>"
    )


def family_section(family: Family) -> str:
    """Several settings of a generator."""
    return (
        f'<section id="{family.slug}" aria-labelledby="{family.slug}-h"><h2 id="{family.slug}-h">'
        f"{escaped(family.title)}</h2>{_plots(family, family.slug)}</section>"
    )


def across_section(summary: AcrossDataSets, slug: str) -> str:
    """Several data sets of one model."""
    parts = [
        f'<section id="{slug}" aria-labelledby="{slug}-h" data-model="{escaped(summary.model, 80)}">'
        f'<h2 id="{slug}-h">{escaped(summary.title)}</h2>',
        f'<p class="verdict">{escaped(summary.sentence, 2000)}</p>',
        f"<p>{escaped(summary.effects, 2000)}</p>" if summary.effects else "",
    ]
    blocks = summary.blocks
    if blocks is not None:
        n = plural(len(blocks.names), "data set")
        parts.append(
            f'<p class="facts">{escaped(n)}, mean ranks and differences to {escaped(str(summary.baseline))}</p>'
        )
        headings, rows = across(summary)
        parts.append(scrolling(f"Table: {summary.title}", plain_table(summary.title, headings, rows)))
        parts.append(_changes(summary.title, changes_across(summary)))
    return "".join([*parts, notes(summary.notes), _plots(summary, slug), "</section>"])
