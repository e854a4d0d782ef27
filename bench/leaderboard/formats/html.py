"""One self-contained HTML page: works from the file system, fetches nothing, readable without scripts.

Every text from records passes through `escaped`. A content security policy allows exactly the page's own style and
script by their hashes, so that even a name that got through could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from bench.evaluation.registry import metric_of
from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.naming import is_tuned, names_of
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.formats.entries import legend
from bench.leaderboard.page.answers import DESIGNED, FEW, headlines, matrices
from bench.leaderboard.page.sections import across_section, board_section, family_section
from bench.leaderboard.plots.parts.figure import Evidence
from bench.leaderboard.plots.parts.svg import asset, escaped
from bench.leaderboard.text.words import list_of

_LEAD: Final = "Which treatment of class imbalance is worth using, by how much, and at what cost."


def page(
    boards: Sequence[Board],
    summaries: Sequence[AcrossDataSets],
    evidence: Mapping[str, Evidence],
    families: Sequence[Family] = (),
    *,
    title: str,
    facts: Sequence[str] = (),
    command: str = "",
    by_metric: Mapping[str, Sequence[Board]] | None = None,
) -> str:
    """The page, as text.

    `evidence` is by the boards' slugs; `facts` are lines about where the numbers come from; `by_metric` holds the
    boards ranked by other metrics, under the same slugs: only those that have the metric.
    """
    others, names = by_metric or {}, names_of(boards)
    style, script = "\n".join(map(asset, ("plot.css", "page.css", "answers.css"))), asset("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    slugs = [f"summary-{i}" for i in range(len(summaries))]
    labels = {metric: _label(metric, found) for metric, found in others.items()}
    ranked = list_of(dict.fromkeys(board.score.label for board in boards)) or "none"
    designed = f"as designed ({ranked})"
    kinds = {DESIGNED: (designed, boards), **{m: (labels[m], found) for m, found in others.items()}}
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
            f"<title>{escaped(title)}</title><style>{style}</style></head><body>",
            f'<header><h1>{escaped(title)}</h1><p class="lead">{_LEAD}</p>',
            *(f'<p class="small">{escaped(fact)}</p>' for fact in facts),
            "</header><main>",
            '<section id="answers" aria-label="Answers">',
            headlines(boards, names, summaries, slugs, families),
            _filters(boards, {DESIGNED: designed, **labels}),
            matrices(kinds, names),
            "</section>",
            *(across_section(summary, slug) for summary, slug in zip(summaries, slugs, strict=True)),
            *(family_section(family) for family in families),
            *(
                board_section(b, names[b.slug], evidence.get(b.slug), _same(b, others), folded=len(boards) > FEW)
                for b in boards
            ),
            f"</main>{_foot(boards, command)}<script>{script}</script></body></html>\n",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _label(metric: str, boards: Sequence[Board]) -> str:
    """`Log loss recalibrated ↓`."""
    return boards[0].score.heading if boards else metric_of(metric).label


def _same(board: Board, others: Mapping[str, Sequence[Board]]) -> dict[str, Board]:
    """The same board by other metrics."""
    found = {metric: next((b for b in members if b.slug == board.slug), None) for metric, members in others.items()}
    return {metric: other for metric, other in found.items() if other is not None}


def _filters(boards: Sequence[Board], metrics: Mapping[str, str]) -> str:
    """Controls over the whole page, shown by its script; those that would choose among one thing are left out."""
    parts = []
    if len(boards) > 1:
        parts.append(
            '<label>Data sets <input type="search" id="find" autocomplete="off" placeholder="part of a name"></label>'
        )
    models = sorted({board.model for board in boards})
    if len(models) > 1:
        parts.append(_choice("model", "Model", {"": "all", **{model: model for model in models}}))
    if any(map(is_tuned, boards)) and any(not row.tuned for board in boards for row in board.rows):
        parts.append(_choice("tuned", "Tuned", {"": "all", "yes": "tuned only", "no": "untuned only"}))
    if len(metrics) > 1:
        parts.append(_choice("metric", "Rank by", metrics))
    if not parts:
        return ""
    said = '<span class="small" role="status"></span>'
    return f'<div class="tools" id="filters" role="search" aria-label="Boards" hidden>{"".join(parts)}{said}</div>'


def _choice(name: str, label: str, options: Mapping[str, str]) -> str:
    listed = "".join(f'<option value="{escaped(value)}">{escaped(text, 80)}' for value, text in options.items())
    return f'<label>{label} <select id="{name}">{listed}</select></label>'


def _foot(boards: Sequence[Board], command: str) -> str:
    sentences = "".join(f"<li>{escaped(sentence, 2000)}</li>" for sentence in legend(boards))
    made = f'<p class="small">Made with</p><pre>{escaped(command, 2000)}</pre>' if command else ""
    return f'<footer><h2>How to read this</h2><ul class="notes">{sentences}</ul>{made}</footer>'
