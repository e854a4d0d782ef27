"""Metrics of weighted rows, and how often a bootstrap draws each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AT_ONCE: Final = 4_000_000  # of one chunk of resamples × rows


@dataclass(frozen=True, eq=False)
class WeightedAP:
    """Average precision of binary scores when row i counts w_i times; ties count as one step."""

    order: Ints  # rows by falling score, up to the last that can change the result
    starts: Ints  # of the segments of `order`, each ending with a group of equal scores that holds positives
    positive: Floats

    @classmethod
    def of(cls, scores: Floats, y: Ints) -> WeightedAP:
        """Prepare scores (n,) with labels y (n,) in {0, 1}; at least one row must be positive."""
        order = np.argsort(-scores, kind="stable").astype(np.int64)
        ranked, positive = scores[order], (y[order] == 1).astype(np.float64)
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        hits = np.diff(np.concatenate([[0.0], np.cumsum(positive)[ends]]))
        stops = ends[hits > 0] + 1
        return cls(order[: stops[-1]], np.concatenate([[0], stops[:-1]]).astype(np.int64), positive[: stops[-1]])

    def __call__(self, weights: Floats) -> Floats:
        """AP of each of B resamples, weights (B, n); NaN without positives."""
        drawn = weights[:, self.order]
        hits = np.add.reduceat(drawn * self.positive, self.starts, axis=1)
        rows = np.cumsum(np.add.reduceat(drawn, self.starts, axis=1), axis=1)
        found = np.cumsum(hits, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(rows > 0, found / rows, 0.0)
            return np.asarray((hits * precision).sum(axis=1) / found[:, -1])


@dataclass(frozen=True, eq=False)
class WeightedMacroF1:
    """Macro-F1 of predicted classes when row i counts w_i times; classes neither there nor predicted are left out."""

    hits: Floats
    total: Floats

    @classmethod
    def of(cls, predicted: Ints, y: Ints, classes: int) -> WeightedMacroF1:
        """Prepare indicator matrices (n, C) of predictions and labels (n,)."""
        eye = np.eye(classes)
        return cls(eye[y] * (predicted == y)[:, None], eye[y] + eye[predicted])

    def __call__(self, weights: Floats) -> Floats:
        """Macro-F1 of each of B resamples, weights (B, n)."""
        hits, total = weights @ self.hits, weights @ self.total
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nanmean(np.where(total > 0, 2 * hits / total, np.nan), axis=1))


@dataclass(frozen=True, eq=False)
class Weighted:
    """A metric of rows that have weights (n,) of their own: a row drawn twice counts twice its weight."""

    metric: Callable[[Floats], Floats]
    weight: Floats

    def __call__(self, weights: Floats) -> Floats:
        """The metric of each of B resamples, weights (B, n)."""
        return self.metric(weights * self.weight)


def resamples(n: int, draws: int, seed: int = 0) -> Iterator[Floats]:
    """How often each of n rows was drawn, `draws` times over, in chunks (B, n)."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _AT_ONCE // n)
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        rows = generator.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(rows.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
