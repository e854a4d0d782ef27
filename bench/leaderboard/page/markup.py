"""Pieces of HTML that the parts of the page share: tables of texts, boxes that scroll, shades, what filters go by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.naming import is_tuned
from bench.leaderboard.formats.changes import MARKS
from bench.leaderboard.plots.parts.svg import escaped

_STEPS: Final = (0.005, 0.01, 0.02, 0.05, 0.1)
"""Gains from which on a shade is one step deeper; of metrics between 0 and 1, so that one shade means one size."""


def shade(gain: float | None, verdict: str = "") -> str:
    """The classes of a place whose number is a difference: which way, how far, and pale where nothing was shown."""
    if gain is None or not math.isfinite(gain):
        return ""
    depth = sum(abs(gain) >= step for step in _STEPS)
    if not depth:
        return ""
    pale = "" if verdict in ("better", "worse") else " pale"
    return f"{'g' if gain > 0 else 'l'}{depth}{pale}"


def mark(verdict: str) -> str:
    """The mark of a verdict, which always stands beside a colour, with its word for screen readers."""
    if verdict not in MARKS:
        return ""
    return f'<span class="mark" aria-hidden="true">{MARKS[verdict]}</span><span class="sr"> {verdict}</span>'


def classes(*names: str) -> str:
    """A class attribute, or nothing."""
    found = " ".join(filter(None, names))
    return f' class="{found}"' if found else ""


def filtered_by(board: Board) -> str:
    """The attributes that the page's filters go by."""
    tuned = "yes" if is_tuned(board) else "no"
    data = escaped(f"{board.data} {board.target}", 200)
    return f' data-set="{data}" data-model="{escaped(board.model, 80)}" data-tuned="{tuned}"'


def scrolling(label: str, content: str) -> str:
    """A box that scrolls sideways, by keyboard too; its script says where there is more."""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escaped(label)}">{content}</div>'
        '<p class="more small" hidden aria-hidden="true">More columns: scroll sideways →</p>'
    )


def broken(name: str, limit: int = 80) -> str:
    """A name that may break after an underscore, where its cell lets it."""
    return escaped(name, limit).replace("_", "_<wbr>")


def notes(lines: Iterable[str]) -> str:
    """A list of sentences; empty where there is none."""
    items = "".join(f"<li>{escaped(line, 2000)}</li>" for line in lines)
    return f'<ul class="notes">{items}</ul>' if items else ""


def plain_table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], last: str = "") -> str:
    """A table of texts, the first of each line its heading; `last` is the class of the last line."""
    heads = "".join(f'<th scope="col">{escaped(h, 80)}</th>' for h in headings)
    lines = "".join(
        f'<tr{f" class={last}" if last and line is rows[-1] else ""}><th scope="row">{broken(line[0])}'
        + "".join(f"<td>{escaped(text, 80)}" for text in line[1:])
        for line in rows
    )
    return f"<table><caption>{escaped(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
