r"""Boards as LaTeX tables (booktabs) for a paper, every name escaped: no command comes of a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.leaderboard.numbers import clean
from bench.leaderboard.render import across, cells, chunks, legend
from bench.leaderboard.summary import Summary
from bench.leaderboard.table import Board

_WIDTH = 84  # characters of a line at most, before a table of groups is divided


def latex(boards: Sequence[Board], summaries: Sequence[Summary] = ()) -> str:
    r"""Tables for `\input`: over several data sets, then one a board and one a metric of its groups.

    Needs `\usepackage{booktabs}` and an engine of this century (UTF-8).
    """
    lines = [
        "% Needs \\usepackage{booktabs}. Made by imbench publish; make it again instead of editing.",
        *(line for number, summary in enumerate(summaries) for line in _summary(summary, number)),
        *(line for board in boards for line in (*_board(board), *_groups(board))),
        *(f"% {' '.join(clean(sentence).split())}" for sentence in legend(boards)),
    ]
    return "\n".join(lines) + "\n"


def _board(board: Board) -> Iterator[str]:
    headings, body = cells(board, "quality")
    caption = f"{latex_text(board.title)}: {latex_text(board.facts)}. {latex_text(board.notes[0])}"
    lines = [[rf"\textbf{{{latex_text(c.text)}}}" if c.bold else latex_text(c.text) for c in line] for line in body]
    yield from _table(caption, board.slug, [(headings, headings.index("Strategy"), lines)])


def _groups(board: Board) -> Iterator[str]:
    notes = " ".join(board.subgroups.notes()) if board.subgroups else ""
    for number, (title, headings, body) in enumerate(board.group_tables()):
        lead = headings.index("Rows") + 1 + ("Positive" in headings)
        widths = [max(len(line[i]) for line in [headings, *body]) + 2 for i in range(len(headings))]
        parts = [
            ([headings[i] for i in some], 0, [[latex_text(line[i]) for i in some] for line in body])
            for some in chunks(widths, lead, _WIDTH)
        ]
        caption = latex_text(f"{title}, {board.title}. {notes if number == 0 else ''}".strip())
        yield from _table(caption, f"{board.slug}-groups-{number + 1}", parts, total=True)


def _summary(summary: Summary, number: int) -> Iterator[str]:
    headings, body = across(summary)
    if body:
        lines = [[latex_text(text) for text in line] for line in body]
        caption = latex_text(f"{summary.title}. {' '.join(summary.notes)}")
        yield from _table(caption, f"across-{number + 1}", [(headings, 0, lines)])


def _table(
    caption: str,
    label: str,
    parts: Sequence[tuple[Sequence[str], int, Sequence[Sequence[str]]]],
    *,
    total: bool = False,
) -> Iterator[str]:
    """A float of one tabular for each part: headings, which of them is set left, and escaped texts.

    `total` sets the last line of each off.
    """
    yield from ("", r"\begin{table}", r"  \centering", f"  \\caption{{{caption}}}", f"  \\label{{tab:{label}}}")
    for at, (headings, left, lines) in enumerate(parts):
        yield from ([r"  \par\medskip"] if at else [])
        yield "  \\begin{tabular}{" + "".join("l" if i == left else "r" for i in range(len(headings))) + "}"
        yield "    \\toprule"
        yield "    " + " & ".join(latex_text(h) for h in headings) + r" \\"
        yield "    \\midrule"
        for number, line in enumerate(lines, 1):
            yield from (["    \\midrule"] if total and number == len(lines) else [])
            yield "    " + " & ".join(line) + r" \\"
        yield "    \\bottomrule"
        yield "  \\end{tabular}"
    yield r"\end{table}"


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    "−": r"$-$", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "Δ": r"$\Delta$",
    "–": "--", "·": r"$\cdot$", "†": r"\dag{}", "‡": r"\ddag{}", "…": r"\dots{}", "×": r"$\times$",
    "*": r"$^{*}$", "[": "{[}", "]": "{]}",
}  # fmt: skip


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is: no command, group, comment, alignment or optional argument comes of it."""
    return "".join(_LATEX.get(c, c) for c in clean(text))
