r"""Boards as LaTeX tables (booktabs) for a paper, every name escaped: no command comes of a label."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats.changes import HEADING, changes
from bench.leaderboard.formats.entries import across, entries, legend
from bench.leaderboard.formats.terminal import chunks
from bench.leaderboard.text.words import clean

_SHORT = {  # a page is narrow; the caption says what they mean
    "Mean rank": "Rank",
    "Mean score": "Score",
    "wins/ties/losses": "W/T/L",
    "p (Wilcoxon-Holm)": "p",
    "Could be best": "Best?",
    "P(better)": "Better",
    "P(same)": "Same",
    "P(worse)": "Worse",
}
_WIDTH = 84  # characters and two a column: what an article is wide


def latex(boards: Sequence[Board], summaries: Sequence[AcrossDataSets] = ()) -> str:
    r"""Tables for `\input`: over several data sets, then one a board and one a metric of its groups.

    Needs `\usepackage{booktabs}` and nothing else; pdflatex, lualatex and xelatex read it.
    """
    lines = [
        "% Needs \\usepackage{booktabs}. Made by imbench publish; make it again instead of editing.",
        r"\providecommand{\imbenchchar}[2]{\ifdefined\Uchar #1\else\texttt{[#2]}\fi}",
        *(line for number, summary in enumerate(summaries) for line in _summary(summary, number)),
        *(line for board in boards for line in (*_board(board), *_changes(board), *_groups(board))),
        *(f"% {' '.join(clean(sentence).split())}" for sentence in legend(boards)),
    ]
    return "\n".join(lines) + "\n"


def _board(board: Board) -> Iterator[str]:
    headings, body = entries(board, "quality")
    lines = [[(cell.text, cell.bold) for cell in line] for line in body]
    caption = " ".join(filter(None, (f"{board.title}.", board.sentence, board.effects, f"{board.facts}.")))
    yield from _table(caption, board.slug, [_SHORT.get(heading, heading) for heading in headings], lines)


def _changes(board: Board) -> Iterator[str]:
    found = changes(board)
    if found.lines:
        lines = [[(label, False), *((change.text, change.decided) for change in line)] for label, line in found.lines]
        caption = (
            f"{HEADING}, {board.title}: differences to {board.baseline}; bold where better or worse was shown, each "
            "column by itself."
        )
        yield from _table(caption, f"{board.slug}-changes", [_narrow(h) for h in found.headings], lines)


def _narrow(heading: str) -> str:
    """`Decisions, tuned: Δ F1 ↑` as `tuned Δ F1 ↑`: what is before the comma can be told from the metric."""
    return heading.rpartition(", ")[2].replace(":", "").replace("recalibrated", "recal.")


def _groups(board: Board) -> Iterator[str]:
    notes = " ".join(board.subgroups.notes()) if board.subgroups else ""
    for number, (title, headings, body) in enumerate(board.group_tables()):
        lead = headings.index("Rows") + 1 + ("Positive" in headings)
        lines = [[(text, line is body[-1]) for text in line] for line in body]
        caption = f"{title}, {board.title}. {notes if number == 0 else ''}".strip()
        yield from _table(caption, f"{board.slug}-groups-{number + 1}", headings, lines, lead=lead)


def _summary(summary: AcrossDataSets, number: int) -> Iterator[str]:
    headings, body = across(summary)
    if body:
        meant = "W/T/L: wins, ties, losses; p: Wilcoxon-Holm; better, same, worse: posterior probabilities."
        sentences = (
            f"{summary.title}.",
            summary.sentence,
            summary.effects,
            *summary.notes,
            *([meant] if summary.baseline else []),
        )
        caption = " ".join(filter(None, sentences))
        lines = [[(text, False) for text in line] for line in body]
        yield from _table(caption, f"across-{number + 1}", [_SHORT.get(h, h) for h in headings], lines)


def _table(
    caption: str, label: str, headings: Sequence[str], lines: Sequence[Sequence[tuple[str, bool]]], *, lead: int = 1
) -> Iterator[str]:
    """A float; the first column is set left. Lines hold texts and whether they are bold.

    What is wider than a page is divided into several tabulars, each of which repeats the first `lead` columns.
    """
    widths = [max(map(len, (headings[i], *(line[i][0] for line in lines)))) + 2 for i in range(len(headings))]
    yield from ("", r"\begin{table}", r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}")
    yield from (f"  \\caption{{{latex_text(caption)}}}", f"  \\label{{tab:{label}}}")
    for at, columns in enumerate(chunks(widths, lead, _WIDTH)):
        yield r"  \par\medskip" if at else r"  \medskip"
        yield f"  \\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}"
        yield "    \\toprule"
        yield "    " + " & ".join(latex_text(headings[i]) for i in columns) + r" \\"
        yield "    \\midrule"
        yield from ("    " + " & ".join(_entry(*line[i]) for i in columns) + r" \\" for line in lines)
        yield "    \\bottomrule"
        yield "  \\end{tabular}"
    yield r"\end{table}"


def _entry(text: str, bold: bool) -> str:
    return rf"\textbf{{{latex_text(text)}}}" if bold else latex_text(text)


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    "−": r"$-$", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "Δ": r"$\Delta$",
    "–": "--", "·": r"$\cdot$", "†": r"\dag{}", "‡": r"\ddag{}", "…": r"\dots{}", "×": r"$\times$",
    "°": r"$^{\circ}$", "*": r"$^{*}$", "[": "{[}", "]": "{]}",
}  # fmt: skip


_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
_LETTERS = frozenset("ßæÆøØœŒłŁı")


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is: no command, group, comment, alignment or optional argument comes of it.

    What pdflatex has no letter for is printed by its code point there, and as it is by lualatex and xelatex.
    """
    return "".join(map(_character, unicodedata.normalize("NFC", clean(text))))


def _character(c: str) -> str:
    if c in _LATEX or c.isascii():
        return _LATEX.get(c, c)
    parts = unicodedata.normalize("NFD", c)
    base, marks = parts[0], parts[1:]
    simple = base.isascii() and base.isalpha() and len(marks) == 1 and marks in _MARKS and c < "\u0180"
    return c if simple or c in _LETTERS else rf"\imbenchchar{{{c}}}{{U+{ord(c):04X}}}"
