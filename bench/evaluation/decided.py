"""Predicted classes against true ones, counted by class, and what decision metrics are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.evaluation.metric import RULES, Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows per class (C,): predicted right, truly there, predicted; all that the decision metrics need.

    A confusion matrix would hold C x C numbers, 0.8 GB with 10,000 classes.
    """

    hits: Ints
    actual: Ints
    predicted: Ints

    @classmethod
    def of(cls, predicted: Ints, y: Ints, n_classes: int) -> Counts:
        """Count predicted classes (n,) against true ones (n,)."""
        return cls(
            np.bincount(y[predicted == y], minlength=n_classes),
            np.bincount(y, minlength=n_classes),
            np.bincount(predicted, minlength=n_classes),
        )


def macro_f1(counts: Counts) -> float:
    """Unweighted mean F1 over the classes that occur or are predicted, as in scikit-learn."""
    return float(macro_f1s(counts.hits[None], counts.actual, counts.predicted[None])[0])


def macro_f1s(hits: Ints, actual: Ints, predicted: Ints) -> Floats:
    """Macro-F1 (T,) of T rules at once, from their `hits` and `predicted` (T, C)."""
    total = actual + predicted
    f1, seen = 2.0 * hits / np.maximum(total, 1), total > 0
    if seen.all():
        return np.asarray(f1.mean(axis=1), dtype=np.float64)
    return np.array([row[occurs].mean() for row, occurs in zip(f1, seen, strict=True)])


class Decided:
    """What decision metrics are given: counts per class, the recalls (C,), NaN where a class is absent from test.

    `thirds` are the classes from the commonest in training to the rarest, in three parts.
    """

    def __init__(self, counts: Counts, thirds: Sequence[Ints]) -> None:
        self.counts, self.thirds = counts, thirds
        present = counts.actual > 0
        absent = np.full(len(counts.actual), np.nan)
        self.recalls: Floats = np.divide(counts.hits, counts.actual, out=absent, where=present)

    @cached_property
    def recalls_present(self) -> Floats:
        """The recalls of the classes in test."""
        return self.recalls[self.counts.actual > 0]

    def require_two_classes(self) -> None:
        """Raise UndefinedMetricError where test holds one class only."""
        if np.count_nonzero(self.counts.actual) < 2:
            raise UndefinedMetricError("test holds one class only")

    def positives(self) -> tuple[int, int, int]:
        """Of two classes: positives found, there, and predicted; raises UndefinedMetricError without positives."""
        if not self.counts.actual[1]:
            raise UndefinedMetricError("no positive rows")
        return self.counts.hits[1], self.counts.actual[1], self.counts.predicted[1]

    def mean_recall(self, third: int) -> float:
        """Mean recall of a third of the classes; raises UndefinedMetricError where test has none of them."""
        recalls = self.recalls[self.thirds[third]]
        present = recalls[~np.isnan(recalls)]
        if not len(present):
            raise UndefinedMetricError("no test rows of these classes")
        return float(present.mean())


def thirds_of(train_counts: Floats) -> list[Ints]:
    """Classes by falling training rows (C,), in three parts.

    Equal counts keep the order of the classes; classes left over go to the first parts.
    """
    return np.array_split(np.argsort(-train_counts, kind="stable"), 3)


def matthews(counts: Counts) -> float:
    """Matthews correlation coefficient (Gorodkin 2004), in exact integers until the last step.

    Expects two classes in truth. Raises UndefinedMetricError where the prediction is constant: a correlation with a
    constant is 0 / 0.
    """
    rows, hits = int(counts.actual.sum()), int(counts.hits.sum())
    actual, predicted = [int(a) for a in counts.actual], [int(p) for p in counts.predicted]
    spread_predicted = rows**2 - sum(p * p for p in predicted)
    if not spread_predicted:
        raise UndefinedMetricError("every row is predicted as one class")
    spread_actual = rows**2 - sum(a * a for a in actual)
    covariance = hits * rows - sum(a * p for a, p in zip(actual, predicted, strict=True))
    return covariance / (math.sqrt(spread_actual) * math.sqrt(spread_predicted))


class Decision(Metric[Decided]):
    """A metric of the predicted classes under one rule."""

    kind, views, panel = "decision", RULES, "quality"
