"""What the plots of a board show, read from its records and their stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.evaluation.views import fit_temperature, log_softmax
from bench.leaderboard.boards.model import Board, Row
from bench.records.files import ResultsError
from bench.records.predictions import unpack
from bench.records.record import Record
from bench.records.store import Store

Floats = npt.NDArray[np.float64]

ROWS: Final = 12
"""Plots show so many strategies at most, the best ones and the baseline; the table shows all."""

RUNS: Final = 10
"""Plots of predictions are means of so many runs of a strategy at most: each is a file of its own to read."""

RECALLS: Final = tuple((i + 1) / 40 for i in range(40))
BINS: Final = 8


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in order of x, with the number of rows behind each where that is known."""

    points: tuple[tuple[float, float], ...]
    counts: tuple[float, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """By row label: precision at recalls, reliability by view, recall of each class; and what the data are like."""

    shown: tuple[Row, ...]
    precision: Mapping[str, Curve] = field(default_factory=dict)
    reliability: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    recalls: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    counts: tuple[float, ...] = ()
    prevalence: float | None = None
    problems: tuple[str, ...] = ()


def gather(board: Board, store: Store | None) -> Evidence:
    """The evidence behind a board; without predictions, what the records alone tell."""
    scored = [row for row in board.rows if row.score is not None]
    shown = scored[:ROWS]
    shown += [row for row in scored[ROWS:] if row.label == board.baseline]
    precision: dict[str, Curve] = {}
    reliability: dict[str, Mapping[str, Curve]] = {}
    recalls: dict[str, tuple[float | None, ...]] = {}
    problems: list[str] = []
    prevalence: float | None = None
    for row in shown:
        try:
            chosen = _spread([key for _, key in row.keys])
            records = [record for key in chosen if store and (record := store.get(key)) is not None]
            kept = [record for record in records if record.predictions]
            parts = [_parts(store, record) for record in kept] if store else []
        except (ResultsError, KeyError) as error:
            problems.append(f"{row.label}: {error}")
            continue
        recalls[row.label] = _recalls(records)
        if not parts:
            continue
        if board.n_classes == 2:
            precision[row.label] = _precision([p[0] for p in parts])
            prevalence = float(np.mean([np.mean(test[0] == 1) for test, _ in parts]))
            reliability[row.label] = _reliability(parts)
        else:
            reliability[row.label] = {"raw": _confidence([test for test, _ in parts])}
    most = max((row.n for row in shown), default=0)
    if most > RUNS and (precision or reliability or any(recalls.values())):
        problems.append(f"those of predictions show {RUNS} of up to {most} runs of a strategy; the table has all")
    traits = board.traits
    classes = tuple(str(name) for name in traits.get("classes") or ())
    counts = tuple(float(n) for n in traits.get("train_counts") or ())
    return Evidence(tuple(shown), precision, reliability, recalls, classes, counts, prevalence, tuple(problems))


def _spread(keys: Sequence[str]) -> list[str]:
    """At most `RUNS` of them, evenly over splits and seeds."""
    return [keys[len(keys) * i // RUNS] for i in range(RUNS)] if len(keys) > RUNS else list(keys)


_Part = tuple[npt.NDArray[np.int64], Floats]  # labels, logits


def _parts(store: Store, record: Record) -> tuple[_Part, _Part]:
    frame = store.predictions(record)
    _, test_y, test = unpack(frame, "test")
    _, val_y, val = unpack(frame, "val")
    return (test_y, test), (val_y, val)


def _precision(tests: Sequence[_Part]) -> Curve:
    """Precision where each recall is first reached, averaged over cells."""
    found = []
    for y, logits in tests:
        scores = logits[:, 1] - logits[:, 0]
        order = np.argsort(-scores, kind="stable")
        hits = np.cumsum(y[order] == 1)
        if not hits[-1]:
            continue
        cuts = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
        reached = hits[cuts] / hits[-1]
        at = np.searchsorted(reached, np.array(RECALLS) - 1e-12)
        found.append(hits[cuts][at] / (cuts[at] + 1))
    means = np.mean(found, axis=0).tolist() if found else []
    return Curve(tuple(zip(RECALLS, means, strict=False)))


def _reliability(parts: Sequence[tuple[_Part, _Part]]) -> dict[str, Curve]:
    """Mean prediction and share of positives in bins with equally many positives, as trained and recalibrated.

    The recalibration is fitted again on the validation rows. For two classes its intercept absorbs the prior
    correction, so this is the recalibrated view of the record.
    """
    raw, recalibrated, labels = [], [], []
    for (y, test), (val_y, val) in parts:
        labels.append(y)
        raw.append(_positive(test))
        recalibrated.append(_positive(fit_temperature(val, val_y).apply(test)))
    y = np.concatenate(labels)
    return {
        "raw": _binned(np.concatenate(raw), y, len(parts)),
        "recalibrated": _binned(np.concatenate(recalibrated), y, len(parts)),
    }


def _positive(logits: Floats) -> Floats:
    return np.asarray(np.exp(log_softmax(logits)[:, 1]))


def _binned(p: Floats, y: npt.NDArray[np.int64], cells: int) -> Curve:
    positives = np.sort(p[y == 1])
    if len(positives) < BINS:
        return Curve(())
    edges = np.unique(np.quantile(positives, np.arange(1, BINS) / BINS))
    places = np.searchsorted(edges, p, side="right")
    points, counts = [], []
    for place in range(len(edges) + 1):
        inside = places == place
        if inside.any():
            points.append((float(p[inside].mean()), float((y[inside] == 1).mean())))
            counts.append(float(inside.sum()) / cells)
    return Curve(tuple(points), tuple(counts))


def _confidence(tests: Sequence[_Part]) -> Curve:
    """Top probability against accuracy in ten bins of equally many rows, as trained."""
    top, right = [], []
    for y, logits in tests:
        probabilities = np.exp(log_softmax(logits))
        top.append(probabilities.max(axis=1))
        right.append(probabilities.argmax(axis=1) == y)
    p, hit = np.concatenate(top), np.concatenate(right)
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    points = tuple((float(p[b].mean()), float(hit[b].mean())) for b in bins if len(b))
    return Curve(points, tuple(len(b) / len(tests) for b in bins if len(b)))


def _recalls(records: Sequence[Record]) -> tuple[float | None, ...]:
    """Recall of each class at the tuned rule, averaged over the cells where it is defined."""
    tables: list[Sequence[Any]] = [r.per_class.get("tuned/recall") or () for r in records]
    size = max(map(len, tables), default=0)
    found: list[float | None] = []
    for c in range(size):
        values = [t[c] for t in tables if len(t) > c and t[c] is not None]
        found.append(float(np.mean(values)) if values else None)
    return tuple(found)
