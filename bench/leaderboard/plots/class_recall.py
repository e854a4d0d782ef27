"""Recall of each class at the tuned rule, one panel a strategy, the commonest class first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Runs, Words
from bench.leaderboard.plots.parts.panels import PANEL, multiples
from bench.leaderboard.plots.parts.svg import Drawing, Scale
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import short
from bench.records.record import Record

Recalls = tuple[float | None, ...]


@dataclass(frozen=True)
class Stems:
    """By label, the recalls of the classes from the commonest to the rarest; those of the baseline, if it has any."""

    words: Words
    labels: tuple[str, ...]
    recalls: Mapping[str, Recalls]
    baseline: str | None


class ClassRecall(Figure[Board, Stems]):
    """Of more than two classes, the mean of the runs."""

    name = "class_recall"
    of = Board
    order = 40
    optional = True

    def measure(self, runs: Runs) -> Recalls | None:
        """The recalls that the records hold."""
        return _mean_recalls(runs.records) or None

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Stems]:
        classes, n = tuple(str(name) for name in subject.traits.get("classes") or ()), subject.n_classes
        counts = tuple(float(rows) for rows in subject.traits.get("train_counts") or ())
        found = {s: r for s, r in evidence.measured.get(self.name, {}).items() if len(r) == n}
        labels = tuple(row.label for row in evidence.shown if row.label in found)
        if n <= 2 or len(counts) != n or not labels:
            return
        order = sorted(range(n), key=lambda c: -counts[c])
        baseline = subject.baseline if subject.baseline in found else None
        stems = (
            f" Stems lead from {baseline} to the strategy: colour where it gains, grey where it loses."
            if baseline
            else ""
        )
        told = f"Recall of each class at the rule tuned on validation, commonest class first, mean of the seeds.{stems}"
        names = classes if len(classes) == n else tuple(map(str, range(n)))
        words = Words(
            slug="classes",
            title="Recall from head to tail",
            about=subject.title,
            caption=told,
            headings=("Class", "training rows", *labels),
            rows=tuple(
                (short(names[c], 60), f"{counts[c]:,.0f}", *(number(found[label][c]) for label in labels))
                for c in order
            ),
            description=told,
        )
        yield Stems(words, labels, {s: tuple(r[c] for c in order) for s, r in found.items()}, baseline)

    def draw(self, data: Stems) -> Drawing:
        classes, base = len(data.words.rows), data.baseline

        def scales(left: float, top: float) -> tuple[Scale, Scale]:
            return Scale(0, classes - 1, left + 4, left + PANEL[0] - 4), Scale(0, 1, top + PANEL[1], top)

        def points(label: str, x: Scale, y: Scale) -> list[tuple[float, float]]:
            return [(x(place), y(v)) for place, v in enumerate(data.recalls[label]) if v is not None]

        def panel(drawing: Drawing, label: str, x: Scale, y: Scale) -> None:
            other = dict(points(base, x, y)) if base and label != base else {}
            for across, own in points(label, x, y):
                if across in other:
                    drawing.line((across, other[across]), (across, own), "a" if own < other[across] else "r")
                drawing.dot((across, own), "a-dot" if own <= other.get(across, own) else "r-dot", 2.4)
            drawing.text((x.start, y.start + 13), "head", "tick")
            drawing.text((x.stop, y.start + 13), "tail", "tick", "end")

        axes = ("Classes, commonest first →", "Recall ↑")
        return multiples(data.labels, axes, scales, panel, ((), (0, 0.5, 1)))


def _mean_recalls(records: Sequence[Record]) -> Recalls:
    """Recall of each class at the tuned rule, averaged over the runs where it is defined."""
    tables: list[Sequence[Any]] = [r.per_class.get("tuned/recall") or () for r in records]
    size = max(map(len, tables), default=0)
    found: list[float | None] = []
    for c in range(size):
        values = [t[c] for t in tables if len(t) > c and t[c] is not None]
        found.append(float(np.mean(values)) if values else None)
    return tuple(found)
