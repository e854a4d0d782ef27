"""Small multiples, one panel a strategy with the baseline in grey: precision-recall, reliability, recall by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.curves import RECALLS, Curve, Evidence
from bench.leaderboard.plots.parts.svg import Drawing, Figure, Scale, tick_text
from bench.leaderboard.text import number, short

_COLUMNS = 4
_PANEL = (143.0, 118.0)
_GAP = (24.0, 44.0)
_LEFT, _TOP, _BOTTOM = 34.0, 42.0, 36.0


def _grid(n: int) -> tuple[float, Iterator[tuple[float, float]]]:
    """Height of the figure and the top left corner of each panel."""
    rows = math.ceil(n / _COLUMNS)
    height = _TOP + rows * _PANEL[1] + (rows - 1) * _GAP[1] + _BOTTOM
    step = _PANEL[0] + _GAP[0]
    corners = ((_LEFT + (i % _COLUMNS) * step, _TOP + (i // _COLUMNS) * (_PANEL[1] + _GAP[1])) for i in range(n))
    return height, corners


def _frame(drawing: Drawing, title: str, x: Scale, y: Scale, *, first: bool, ticks: Sequence[Sequence[float]]) -> None:
    """Title, grid and tick labels of one panel; heights are labelled at the left of a row only."""
    drawing.text((x.start, y.stop - 9), short(title, 22), "name")
    for value in ticks[1]:
        drawing.line((x.start, y(value)), (x.stop, y(value)), "grid")
        if first:
            drawing.text((x.start - 6, y(value) + 3.5), tick_text(value), "tick", "end")
    for number_of, value in enumerate(ticks[0]):
        anchor = "start" if number_of == 0 else "end" if number_of == len(ticks[0]) - 1 else "middle"
        drawing.text((x(value), y.start + 13), tick_text(value), "tick", anchor)
    drawing.line((x.start, y.start), (x.stop, y.start), "axis")


def _multiples(
    labels: Sequence[str], axes: tuple[str, str], scales: Callable[[float, float], tuple[Scale, Scale]],
    draw: Callable[[Drawing, str, Scale, Scale], None], ticks: Sequence[Sequence[float]],
) -> Drawing:  # fmt: skip
    height, corners = _grid(len(labels))
    drawing = Drawing(height)
    for i, (label, (left, top)) in enumerate(zip(labels, corners, strict=True)):
        x, y = scales(left, top)
        _frame(drawing, label, x, y, first=i % _COLUMNS == 0, ticks=ticks)
        draw(drawing, label, x, y)
    drawing.text((_LEFT, height - 4), axes[0], "axis-name")
    drawing.text((0, 9), axes[1], "axis-name")
    return drawing


def precision_recall(board: Board, evidence: Evidence) -> Figure | None:
    """Precision at each recall, with the line of prevalence: what a coin would reach."""
    found = evidence.precision
    labels = [row.label for row in evidence.shown if row.label in found and found[row.label].points]
    if not labels or evidence.prevalence is None:
        return None
    prevalence, base = evidence.prevalence, found.get(board.baseline or "")

    def scales(left: float, top: float) -> tuple[Scale, Scale]:
        return Scale(0, 1, left, left + _PANEL[0]), Scale(0, 1, top + _PANEL[1], top)

    def draw(drawing: Drawing, label: str, x: Scale, y: Scale) -> None:
        drawing.line((x.start, y(prevalence)), (x.stop, y(prevalence)), "dash")
        if base and label != board.baseline:
            drawing.path([(x(r), y(p)) for r, p in base.points], "r")
        drawing.path([(x(r), y(p)) for r, p in found[label].points], "a")

    axes = ("Recall →", "Precision ↑")
    drawing = _multiples(labels, axes, scales, draw, ((0, 0.5, 1), (0, 0.5, 1)))
    at = [RECALLS.index(r) for r in (0.1, 0.25, 0.5, 0.75, 0.9)]
    rows = tuple((label, *(number(found[label].points[i][1]) for i in at)) for label in labels)
    grey = f" Grey: {board.baseline}." if base else ""
    return _figure(
        board, "pr", drawing, title="Precision and recall",
        caption=f"Precision where each recall is first reached, mean of the seeds.{grey} Dashed: prevalence, "
        f"{number(prevalence)}.",
        headings=("Strategy", *(f"precision at recall {tick_text(RECALLS[i])}" for i in at)), rows=rows,
        description=_ranking_words(rows, "precision at recall .5", 3),
    )  # fmt: skip


def reliability(board: Board, evidence: Evidence) -> Figure | None:
    """Predicted against observed; on the diagonal, probabilities mean what they say."""
    found = evidence.reliability
    labels = [row.label for row in evidence.shown if row.label in found and found[row.label]["raw"].points]
    if not labels:
        return None
    binary = board.n_classes == 2
    values = [v for label in labels for c in found[label].values() for point in c.points for v in point if v > 0]
    low = 10.0 ** math.floor(math.log10(min(values, default=0.1))) if binary else 0.0

    def scales(left: float, top: float) -> tuple[Scale, Scale]:
        x = Scale(max(low, 1e-4) if binary else 0, 1, left, left + _PANEL[0], log=binary)
        return x, Scale(x.low, 1, top + _PANEL[1], top, log=binary)

    def draw(drawing: Drawing, label: str, x: Scale, y: Scale) -> None:
        drawing.line((x.start, y.start), (x.stop, y.stop), "dash")
        for kind, view in (("r", "raw"), ("a", "recalibrated")) if binary else (("a", "raw"),):
            points = [(x(p), y(o)) for p, o in found[label].get(view, Curve(())).points]
            drawing.path(points, kind)
            for point in points:
                drawing.dot(point, f"{kind}-dot", 1.8)

    marks = [m for m in (1e-4, 1e-3, 1e-2, 1e-1, 1.0) if m >= max(low, 1e-4)] if binary else [0, 0.5, 1]
    axes = ("Predicted →", "Observed ↑")
    drawing = _multiples(labels, axes, scales, draw, (marks, marks))
    rows = tuple(
        (label, view, number(p), number(o), f"{count:,.0f}")
        for label in labels for view, curve in found[label].items()
        for (p, o), count in zip(curve.points, curve.counts, strict=True)
    )  # fmt: skip
    words = (
        "Share of positives against the mean prediction, in bins with equally many positives, both on logarithmic "
        "scales. Grey: as trained; colour: recalibrated on validation. Below the diagonal: too high."
        if binary
        else "Accuracy against the probability of the predicted class, in ten bins of equally many rows, as trained."
    )
    headings = ("Strategy", "view", "predicted", "observed", "test rows per seed")
    return _figure(
        board, "reliability", drawing, title="Reliability", caption=words, headings=headings, rows=rows,
        description=words,
    )  # fmt: skip


def class_recall(board: Board, evidence: Evidence) -> Figure | None:
    """Recall of each class at the tuned rule, the commonest class first."""
    if board.n_classes <= 2 or len(evidence.counts) != board.n_classes:
        return None
    found = {label: r for label, r in evidence.recalls.items() if len(r) == board.n_classes}
    labels = [row.label for row in evidence.shown if row.label in found]
    if not labels:
        return None
    order = sorted(range(board.n_classes), key=lambda c: -evidence.counts[c])
    base = found.get(board.baseline or "")

    def scales(left: float, top: float) -> tuple[Scale, Scale]:
        return Scale(0, len(order) - 1, left + 4, left + _PANEL[0] - 4), Scale(0, 1, top + _PANEL[1], top)

    def points(label: str, x: Scale, y: Scale) -> list[tuple[float, float]]:
        return [(x(place), y(v)) for place, c in enumerate(order) if (v := found[label][c]) is not None]

    def draw(drawing: Drawing, label: str, x: Scale, y: Scale) -> None:
        other = dict(points(board.baseline, x, y)) if base and board.baseline and label != board.baseline else {}
        for across, own in points(label, x, y):
            if across in other:
                drawing.line((across, other[across]), (across, own), "a" if own < other[across] else "r")
            drawing.dot((across, own), "a-dot" if own <= other.get(across, own) else "r-dot", 2.4)
        drawing.text((x.start, y.start + 13), "head", "tick")
        drawing.text((x.stop, y.start + 13), "tail", "tick", "end")

    drawing = _multiples(labels, ("Classes, commonest first →", "Recall ↑"), scales, draw, ((), (0, 0.5, 1)))
    names = evidence.classes if len(evidence.classes) == board.n_classes else tuple(map(str, range(board.n_classes)))
    rows = tuple(
        (short(names[c], 60), f"{evidence.counts[c]:,.0f}", *(number(found[label][c]) for label in labels))
        for c in order
    )
    stems = (
        f" Stems lead from {board.baseline} to the strategy: colour where it gains, grey where it loses."
        if base
        else ""
    )
    words = f"Recall of each class at the rule tuned on validation, commonest class first, mean of the seeds.{stems}"
    headings = ("Class", "training rows", *labels)
    return _figure(
        board, "classes", drawing, title="Recall from head to tail", caption=words, headings=headings, rows=rows,
        description=words,
    )  # fmt: skip


def _figure(
    board: Board, kind: str, drawing: Drawing, *, title: str, caption: str, headings: Sequence[str],
    rows: Sequence[tuple[str, ...]], description: str,
) -> Figure:  # fmt: skip
    slug = f"{board.slug}-{kind}"
    svg = drawing.render(slug, f"{title}, {board.title}", description)
    return Figure(slug, title, caption, svg, tuple(headings), tuple(rows))


def _ranking_words(rows: Sequence[tuple[str, ...]], what: str, column: int) -> str:
    return f"{what[0].upper()}{what[1:]}: " + "; ".join(f"{row[0]} {row[column]}" for row in rows) + "."
