"""Predicted classes against true ones, counted by class, and what decision metrics are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.metric import RULES, Metric, UndefinedMetricError
from bench.evaluation.views import Floats, Ints
from bench.evaluation.weighting import class_mass

Numbers: TypeAlias = NDArray[np.number[Any]]
"""Whole numbers of rows, or sums of their weights."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows per class (C,): predicted right, truly there, predicted; all that the decision metrics need.

    Whole numbers, or float64 where rows have weights. A confusion matrix would hold C x C numbers, 0.8 GB with 10,000
    classes.
    """

    hits: Numbers
    actual: Numbers
    predicted: Numbers

    @classmethod
    def of(cls, predicted: Ints, y: Ints, n_classes: int, weight: Floats | None = None) -> Counts:
        """Count predicted classes (n,) against true ones (n,), each row by its `weight` (n,)."""
        right = predicted == y
        return cls(
            class_mass(y[right], n_classes, None if weight is None else weight[right]),
            class_mass(y, n_classes, weight),
            class_mass(predicted, n_classes, weight),
        )


def macro_f1(counts: Counts) -> float:
    """Unweighted mean F1 over the classes that occur or are predicted, as in scikit-learn."""
    return float(macro_f1s(counts.hits[None], counts.actual, counts.predicted[None])[0])


def macro_f1s(hits: Numbers, actual: Numbers, predicted: Numbers) -> Floats:
    """Macro-F1 (T,) of T rules at once, from their `hits` and `predicted` (T, C)."""
    total = actual + predicted
    seen = total > 0
    f1 = 2.0 * hits / np.where(seen, total, 1)
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

    def positives(self) -> tuple[float, float, float]:
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

    Of weighted rows in floats. Expects two classes in truth. Raises UndefinedMetricError where the prediction is
    constant: a correlation with a constant is 0 / 0.
    """
    if np.count_nonzero(counts.predicted) < 2:
        raise UndefinedMetricError("every row is predicted as one class")
    rows, hits = counts.actual.sum().item(), counts.hits.sum().item()
    actual, predicted = counts.actual.tolist(), counts.predicted.tolist()
    spread_predicted = rows**2 - sum(p * p for p in predicted)
    spread_actual = rows**2 - sum(a * a for a in actual)
    covariance = hits * rows - sum(a * p for a, p in zip(actual, predicted, strict=True))
    return float(covariance / (math.sqrt(spread_actual) * math.sqrt(spread_predicted)))


class Decision(Metric[Decided]):
    """A metric of the predicted classes under one rule."""

    kind, views, panel = "decision", RULES, "quality"
