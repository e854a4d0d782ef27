"""Recall of each class at the tuned rule, commonest class first: a mark for each strategy, a bar for the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.leaderboard.boards.model import Board
from bench.leaderboard.plots.parts.figure import Evidence, Figure, Runs, Words
from bench.leaderboard.plots.parts.marks import draw_marks
from bench.leaderboard.plots.parts.overlay import Overlay, across, numbered, upwards
from bench.leaderboard.plots.parts.svg import Drawing
from bench.leaderboard.text.numbers import number
from bench.leaderboard.text.words import short
from bench.records.record import Record

Recalls = tuple[float | None, ...]


@dataclass(frozen=True)
class Recalled:
    """By label, the recalls of the classes from the commonest to the rarest; those of the baseline, if it has any."""

    words: Words
    labels: tuple[str, ...]
    recalls: Mapping[str, Recalls]
    baseline: str | None


class ClassRecall(Figure[Board, Recalled]):
    """Of more than two classes, the mean of the runs."""

    name = "class_recall"
    of = Board
    order = 40
    optional = True

    def measure(self, runs: Runs) -> Recalls | None:
        """The recalls that the records hold."""
        return _mean_recalls(runs.records) or None

    def data(self, subject: Board, evidence: Evidence) -> Iterator[Recalled]:
        classes, n = tuple(str(name) for name in subject.traits.get("classes") or ()), subject.n_classes
        counts = tuple(float(rows) for rows in subject.traits.get("train_counts") or ())
        found = {s: r for s, r in evidence.measured.get(self.name, {}).items() if len(r) == n}
        labels = tuple(row.label for row in evidence.shown if row.label in found)
        if n <= 2 or len(counts) != n or not labels:
            return
        order = sorted(range(n), key=lambda c: -counts[c])
        baseline = subject.baseline if subject.baseline in found else None
        told = (
            "Recall of each class at the rule tuned on validation, commonest class first, mean of the runs: a mark for "
            f"each strategy{f', a level bar for {baseline}' if baseline else ''}."
        )
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
        yield Recalled(words, labels, {s: tuple(r[c] for c in order) for s, r in found.items()}, baseline)

    def draw(self, data: Recalled) -> Drawing:
        classes = len(data.words.rows)
        x, y = across(-0.5, classes - 0.5), upwards(0, 1)
        plot = Overlay(data.labels, data.baseline, x, y, ("Classes, commonest first →", "Recall ↑"))
        ends = [(0.0, "head"), (classes - 1.0, "tail")]
        plot.grid((ends, numbered([0, 0.25, 0.5, 0.75, 1])))
        draw_marks(plot, {label: data.recalls[label] for label in data.labels}, data.baseline)
        return plot.drawing


def _mean_recalls(records: Sequence[Record]) -> Recalls:
    """Recall of each class at the tuned rule, averaged over the runs where it is defined."""
    tables: list[Sequence[Any]] = [r.per_class.get("tuned/recall") or () for r in records]
    size = max(map(len, tables), default=0)
    found: list[float | None] = []
    for c in range(size):
        values = [t[c] for t in tables if len(t) > c and t[c] is not None]
        found.append(float(np.mean(values)) if values else None)
    return tuple(found)
