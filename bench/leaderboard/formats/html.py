"""One self-contained HTML page: works from the file system, fetches nothing, readable without scripts.

Every text from records passes through `escaped`. A content security policy allows exactly the page's own style and
script by their hashes, so that even a name that got through could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board, MetricColumn, Panel, Row
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.boards.sentences import budget_text
from bench.leaderboard.formats.entries import (
    BEST,
    across,
    bounds,
    describe_lines,
    legend,
    name,
    resampled,
    runs,
    value_text,
)
from bench.leaderboard.plots.parts.figure import Evidence, Picture
from bench.leaderboard.plots.parts.svg import asset, escaped
from bench.leaderboard.plots.registry import pictures
from bench.leaderboard.text.numbers import decimals_for, number, with_interval
from bench.leaderboard.text.words import plural

_GROUPS: Final[tuple[tuple[Panel, str, bool], ...]] = (
    ("quality", "Quality", True),
    ("decisions", "Decisions", False),
    ("probabilities", "Probabilities", False),
    ("cost", "Cost", True),
)


def page(
    boards: Sequence[Board],
    summaries: Sequence[AcrossDataSets],
    evidence: Mapping[str, Evidence],
    families: Sequence[Family] = (),
    *,
    title: str,
    facts: Sequence[str] = (),
    command: str = "",
) -> str:
    """The page, as text. `evidence` is by the boards' slugs; `facts` are lines about where the numbers come from."""
    style, script = f"{asset('plot.css')}\n{asset('page.css')}", asset("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    links = [(f"summary-{i}", s.title) for i, s in enumerate(summaries)]
    links += [(f.slug, f.title) for f in families] + [(b.slug, b.title) for b in boards]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
        f"<title>{escaped(title)}</title><style>{style}</style></head><body>",
        f"<header><h1>{escaped(title)}</h1>",
        '<p class="lead">Which treatment of class imbalance is worth using, by how much, and at what cost.</p>',
        *(f'<p class="small">{escaped(fact)}</p>' for fact in facts),
    ]
    if len(links) > 1:
        items = "".join(f'<li><a href="#{slug}">{escaped(text, 120)}</a></li>' for slug, text in links)
        parts.append(f'<nav aria-label="Boards"><ul>{items}</ul></nav>')
    parts.append("</header><main>")
    parts += [_summary(summary, f"summary-{i}") for i, summary in enumerate(summaries)]
    parts += [_regret(family) for family in families]
    parts += [_board(board, evidence.get(board.slug)) for board in boards]
    sentences = "".join(f"<li>{escaped(sentence, 2000)}</li>" for sentence in legend(boards))
    parts.append(f'</main><footer><h2>How to read this</h2><ul class="notes">{sentences}</ul>')
    if command:
        parts.append(f'<p class="small">Made with</p><pre>{escaped(command, 2000)}</pre>')
    parts.append(f"</footer><script>{script}</script></body></html>\n")
    return "".join(parts)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# --- boards ---------------------------------------------------------------------------------------------------------


def _board(board: Board, evidence: Evidence | None) -> str:
    return "".join(
        [
            f'<section id="{board.slug}" aria-labelledby="{board.slug}-h">',
            f'<h2 id="{board.slug}-h">{escaped(board.title)}</h2>',
            f'<p class="verdict">{escaped(board.sentence, 2000)}</p>',
            f'<p class="facts">{escaped(board.facts)}</p>',
            _tools(board),
            f'<div class="scroll" role="region" tabindex="0" aria-label="Table: {escaped(board.title)}">',
            _table(board),
            "</div>",
            _notes(board, evidence),
            _subgroups(board),
            _plots(board, board.slug, evidence),
            "</section>",
        ]
    )


def _plots(subject: Board | Family | AcrossDataSets, slug: str, evidence: Evidence | None = None) -> str:
    """The figures of a subject; empty where none applies."""
    found = "".join(_picture(picture) for _, picture in pictures(subject, slug, evidence))
    return f'<div class="plots">{found}</div>' if found else ""


def _tools(board: Board) -> str:
    groups = _present(board)
    boxes = "".join(
        f'<label><input type="checkbox" value="{i + 1}"{" checked" if shown else ""}>{label}</label>'
        for i, (_, label, shown, _) in enumerate(groups)
    )
    return (
        '<div class="tools" hidden><label>Filter '
        '<input type="search" autocomplete="off" placeholder="strategy"></label><fieldset>'
        f"<legend>Columns</legend>{boxes}</fieldset>"
        '<span class="small" role="status"></span></div>'
    )


def _present(board: Board) -> list[tuple[Panel, str, bool, tuple[MetricColumn, ...]]]:
    found = [(p, label, shown, board.panel(p, detail=True)) for p, label, shown in _GROUPS]
    return [group for group in found if group[3]]


def _table(board: Board) -> str:
    way = "" if board.score.higher_is_better else "low"
    lead: list[tuple[str, str]] = [("Strategy", ""), ("Runs", ""), (board.score.heading, way)]
    if board.baseline is not None:
        lead.append((f"Δ {board.baseline}", way))
        lead += [(f"vs {board.baseline}", ""), ("p (Holm)", "low"), (_CHANCES, "")] if board.judged else []
        lead += [("over test rows", "")] if resampled(board) else []
    lead += [(BEST, "")] if board.judged else []
    tuned = any(row.budget for row in board.rows)
    lead += [("Tuning budget", "")] if tuned else []
    groups = _present(board)
    spans = [("", len(lead)), *((label, len(columns)) for _, label, _, columns in groups)]
    top = "".join(f'<th scope="colgroup" colspan="{n}" data-span="{n}">{label}</th>' for label, n in spans)
    headings = lead + [(c.heading, "low" if c.higher_is_better is not True else "") for g in groups for c in g[3]]
    heads = "".join(
        f'<th scope="col"{f" data-first={first}" if first else ""}>'
        f'<button type="button">{escaped(text, 80)}</button></th>'
        for text, first in headings
    )
    columns = [c for group in groups for c in group[3]]
    score_decimals = decimals_for([r.score for r in board.rows if r.score])
    delta_decimals = decimals_for([r.difference for r in board.rows if r.difference])
    lines = []
    for row in board.rows:
        line = [
            f'<tr{" class=best" if board.stands_out(row) else ""}><th scope="row">{escaped(name(row))}',
            f"<td>{runs(board, row)}",
            f"<td>{with_interval(row.score, score_decimals)}",
        ]
        if board.baseline is not None:
            text = with_interval(row.difference, delta_decimals, sign=True) if row.label != board.baseline else ""
            line.append(f"<td{_colour(row)}>{text}")
            if board.judged:
                line += [
                    f"<td{_colour(row)}>{board.verdict_text(row)}",
                    f"<td>{_p(row.adjusted_p)}",
                    f"<td>{_chances(row)}",
                ]
            line += [f"<td>{bounds(row.difference_rows, delta_decimals)}"] if resampled(board) else []
        line += [f"<td>{row.best_text}"] if board.judged else []
        if tuned:
            line.append(f"<td>{budget_text(row.budget).strip('()') if row.budget else ''}")
        line += [f"<td>{value_text(c, row)}" for c in columns]
        lines.append("".join(line))
    return (
        f"<table data-board><caption>{escaped(board.title)}: {escaped(board.facts)}. Headings sort.</caption>"
        f'<thead><tr class="groups">{top}</tr><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )


_CHANCES: Final = "P(better, same, worse)"


def _colour(row: Row) -> str:
    """The class of a verdict; colour repeats what the word beside it says."""
    return {"better": " class=up", "worse": " class=down"}.get(row.verdict or "", "")


def _chances(row: Row) -> str:
    """`.93, .05, .02`: the correlated Bayesian t test, which is no verdict."""
    found = row.chances
    return "" if found is None else ", ".join(number(p, 2) for p in (found.first, found.same, found.second))


def _p(value: float | None) -> str:
    return "" if value is None else "&lt;.001" if value < 0.001 else number(value, 3)


def _notes(board: Board, evidence: Evidence | None) -> str:
    found = list(board.notes)
    found += [f"Plots: {problem}" for problem in (evidence.problems if evidence else ())]
    for heading, remedy, absences in board.absences():
        found += [f"{heading} ({remedy}): {line}" for line in describe_lines(absences)]
    items = "".join(f"<li>{escaped(note, 2000)}</li>" for note in found)
    power = "".join(f"<li>{escaped(note, 2000)}</li>" for note in board.further)
    fold = f'<details><summary>Which differences would be found</summary><ul class="notes">{power}</ul></details>'
    return (f'<ul class="notes">{items}</ul>' if items else "") + (fold if power else "")


def _subgroups(board: Board) -> str:
    if board.subgroups is None:
        return ""
    found = "".join(
        f'<div><h3>{escaped(title)}</h3><div class="scroll" role="region" tabindex="0" '
        f'aria-label="Table: {escaped(title)}, {escaped(board.title)}">'
        f"{_plain_table(f'{title}, {board.title}', headings, lines, last='total')}</div></div>"
        for title, headings, lines in board.group_tables()
    )
    items = "".join(f"<li>{escaped(note, 2000)}</li>" for note in board.subgroups.notes())
    return f'<div class="subgroups">{found}</div><ul class="notes">{items}</ul>'


def _picture(picture: Picture) -> str:
    return (
        f"<figure><figcaption><h3>{escaped(picture.title)}</h3><p class=caption>{escaped(picture.caption, 2000)}</p>"
        f"</figcaption>{picture.svg}<details><summary>Data of this plot</summary><div class=scroll>"
        f"{_plain_table(picture.title, picture.headings, picture.rows)}</div></details></figure>"
    )


def _plain_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], last: str = "") -> str:
    """A table of texts, the first of each line its heading; `last` is the class of the last line."""
    heads = "".join(f'<th scope="col">{escaped(h, 80)}</th>' for h in headings)
    lines = "".join(
        f'<tr{f" class={last}" if last and line is rows[-1] else ""}><th scope="row">{escaped(line[0])}'
        + "".join(f"<td>{escaped(text, 80)}" for text in line[1:])
        for line in rows
    )
    return f"<table><caption>{escaped(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


# --- several settings of a generator ---------------------------------------------------------------------------------


def _regret(family: Family) -> str:
    return (
        f'<section id="{family.slug}" aria-labelledby="{family.slug}-h"><h2 id="{family.slug}-h">'
        f"{escaped(family.title)}</h2>{_plots(family, family.slug)}</section>"
    )


# --- several data sets ----------------------------------------------------------------------------------------------


def _summary(summary: AcrossDataSets, slug: str) -> str:
    parts = [
        f'<section id="{slug}" aria-labelledby="{slug}-h"><h2 id="{slug}-h">{escaped(summary.title)}</h2>',
        f'<p class="verdict">{escaped(summary.sentence, 2000)}</p>',
    ]
    blocks = summary.blocks
    if blocks is not None:
        n = plural(len(blocks.names), "data set")
        parts.append(
            f'<p class="facts">{escaped(n)}, mean ranks and differences to {escaped(str(summary.baseline))}</p>'
        )
        headings, rows = across(summary)
        parts.append(
            f'<div class="scroll" role="region" tabindex="0" aria-label="Table: {escaped(summary.title)}">'
            f"{_plain_table(summary.title, headings, rows)}</div>"
        )
    items = "".join(f"<li>{escaped(note, 2000)}</li>" for note in summary.notes)
    parts.append(f'<ul class="notes">{items}</ul>')
    parts.append(_plots(summary, slug))
    return "".join([*parts, "</section>"])
