"""The first screen: a sentence for each data set, then data sets × strategies as a matrix, by each metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench.leaderboard.boards.across import AcrossDataSets
from bench.leaderboard.boards.headline import headline
from bench.leaderboard.boards.matrix import Matrix, Place, matrix_of
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.regret import Family
from bench.leaderboard.page.markup import broken, classes, filtered_by, mark, scrolling, shade
from bench.leaderboard.plots.parts.svg import escaped
from bench.leaderboard.text.numbers import number, signed
from bench.leaderboard.text.words import opponent, plural

FEW: Final = 6
"""So many boards have whole headlines and open figures; more have brief ones, and figures behind a fold."""

DESIGNED: Final = "designed"
"""What the page calls the metrics that boards are made for: average precision, macro-F1."""


def headlines(
    boards: Sequence[Board],
    names: Mapping[str, str],
    summaries: Sequence[AcrossDataSets],
    slugs: Sequence[str],
    families: Sequence[Family] = (),
) -> str:
    """A line for each summary and each data set; data sets of which nothing can be said share a line at the end."""
    lines = [
        f'<li data-model="{escaped(s.model, 80)}"><a href="#{slug}">{escaped(s.title)}</a> {escaped(s.answer, 1200)}'
        for s, slug in zip(summaries, slugs, strict=True)
    ]
    lines += [
        f'<li data-model="{escaped(f.model, 80)}"><a href="#{f.slug}">{escaped(f.title)}</a> '
        f"{escaped(f.sentence or 'How far each strategy stays from the best possible model.', 1200)}"
        for f in families
    ]
    by_data: dict[str, list[Board]] = defaultdict(list)
    for board in boards:
        by_data[board.data].append(board)
    silent: dict[str, list[Board]] = defaultdict(list)
    brief = len(boards) > FEW
    for data, members in by_data.items():
        said = {headline(board, brief=brief) for board in members}
        if len(said) == 1 and not any(board.judged for board in members):
            silent[said.pop()] += members
        elif len(members) == 1:
            lines.append(f"<li>{_clause(said.pop(), [(members[0], names[members[0].slug])])}")
        else:
            lines.append(f"<li><b>{escaped(data, 80)}</b> {' '.join(_clauses(data, members, names, brief=brief))}")
    lines += [f"<li>{_silence(text, members, names)}" for text, members in silent.items()]
    return f'<ul class="answers{" many" if brief else ""}">{"".join(lines)}</ul>' if lines else ""


def _clauses(data: str, boards: Sequence[Board], names: Mapping[str, str], *, brief: bool) -> Iterator[str]:
    """What the boards of one data set say, each text once."""
    said: dict[str, list[Board]] = defaultdict(list)
    for board in boards:
        said[headline(board, brief=brief)].append(board)
    for text, members in said.items():
        yield _clause(text, [(board, _without(data, names[board.slug])) for board in members])


def _clause(text: str, boards: Sequence[tuple[Board, str]]) -> str:
    links = " ".join(f'<a href="#{b.slug}"{filtered_by(b)}>{escaped(name)}</a>' for b, name in boards)
    return f"<span class=clause>{links}: {escaped(f'{text}.', 600)}</span>"


def _silence(text: str, boards: Sequence[Board], names: Mapping[str, str]) -> str:
    """Data sets of which the same is said, each with links to its boards."""
    by_data: dict[str, list[Board]] = defaultdict(list)
    for board in boards:
        by_data[board.data].append(board)
    parts = []
    for data, members in by_data.items():
        own = {b.slug: _without(data, names[b.slug]) if len(members) > 1 else names[b.slug] for b in members}
        links = " ".join(f'<a href="#{b.slug}"{filtered_by(b)}>{escaped(own[b.slug])}</a>' for b in members)
        before = f"<b>{escaped(data, 80)}</b> " if len(members) > 1 else ""
        parts.append(f"<span class=clause>{before}{links}</span>")
    return f"{' '.join(parts)}: {escaped(text, 600)}."


def _without(data: str, name: str) -> str:
    """The name of a board where its data set has just been named."""
    return name.partition(" · ")[2] or name


def matrices(by_metric: Mapping[str, tuple[str, Sequence[Board]]], names: Mapping[str, str]) -> str:
    """The matrix of each metric under its heading; scripts show one of them at a time."""
    found = []
    for metric, (label, boards) in by_metric.items():
        matrix = matrix_of(boards)
        if matrix.labels:
            shown = "Δ is in the metric that each data set is ranked by" if metric == DESIGNED else f"Δ is in {label}"
            against = _against(boards)
            caption = f"Difference to {against}, by data set and strategy. {shown}."
            heading = f"<h3>Difference to {escaped(against, 80)}, {escaped(label, 80)}</h3>"
            found.append(
                f'<div class="by" data-metric="{escaped(metric)}">{heading}'
                f"{scrolling(caption, _matrix(matrix, names, caption))}{_cut(matrix)}</div>"
            )
    every = [board for _, boards in by_metric.values() for board in boards]
    return f'<div class="matrix">{_legend(_against(every))}{"".join(found)}</div>' if found else ""


def _against(boards: Sequence[Board]) -> str:
    """What the differences of all these boards are to, in words; `the baseline` where that is not the same."""
    found = {board.baseline for board in boards if board.baseline is not None}
    return opponent(str(next(iter(found)))) if len(found) == 1 else "the baseline"


def _legend(against: str) -> str:
    """What colours and marks mean."""
    return (
        '<p class="key"><span class="chip g4">better</span> <span class="chip l4">worse</span> than '
        f"{escaped(against)}, deeper where the difference is larger (from .005, .01, .02, .05, .1); pale: not shown. "
        '<span class="nobreak">▲ better</span> <span class="nobreak">▼ worse</span> '
        '<span class="nobreak">= practically the same</span> <span class="nobreak">· undecided;</span> no mark: nobody '
        "was judged; –: no value.</p>"
    )


def _matrix(matrix: Matrix, names: Mapping[str, str], caption: str) -> str:
    heads = "".join(
        f'<th scope="col"><button type="button">{broken(text)}</button></th>'
        for text in ("Data set", _own(matrix), *matrix.labels)
    )
    lines = "".join(
        f'<tr{filtered_by(board)}><th scope="row"><a href="#{board.slug}">{escaped(names[board.slug])}</a>'
        f'<td title="{escaped(board.score.heading)}">{_baseline(board)}'
        f"{''.join(_place(places.get(label)) for label in matrix.labels)}"
        for board, places in matrix.lines
    )
    return f"<table data-sort><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def _own(matrix: Matrix) -> str:
    """The heading of the baseline's column: its label, where all boards have one."""
    found = {board.baseline for board, _ in matrix.lines}
    return str(next(iter(found))) if len(found) == 1 else "baseline"


def _baseline(board: Board) -> str:
    found = next((row.score for row in board.rows if row.label == board.baseline), None)
    return number(found.mean if found else None, 3)


def _place(place: Place | None) -> str:
    if place is None:
        return '<td class="none">–<span class="sr"> not run</span>'
    if place.difference is None:
        return f'<td class="none" title="{escaped(place.absent)}">–<span class="sr"> {escaped(place.absent)}</span>'
    judged = place.verdict in ("better", "worse")
    text = f"{signed(place.difference, 3)}{mark(place.verdict)}"
    return f"<td{classes(shade(place.gain, place.verdict), 'decided' if judged else '')}>{text}"


def _cut(matrix: Matrix) -> str:
    return f'<p class="small">{plural(matrix.cut, "further column")} in the tables below.</p>' if matrix.cut else ""
