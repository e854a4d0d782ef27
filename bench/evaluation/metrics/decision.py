"""Metrics of the predicted classes under each rule, from counts per class."""

from __future__ import annotations

import numpy as np

from bench.evaluation import decided as given
from bench.evaluation.decided import Decided, Decision
from bench.evaluation.metric import UndefinedMetricError, detail, shown


@Decision.entry(
    "Macro-F1",
    higher_is_better=True,
    binary=detail("decisions", 6, "default", "tuned"),
    multiclass=shown("quality", 1, "default"),
)
def macro_f1(decided: Decided) -> float:
    """Mean F1 over the classes that occur or are predicted in test."""
    decided.require_two_classes()
    return given.macro_f1(decided.counts)


@Decision.entry(
    "Bal. accuracy",
    higher_is_better=True,
    binary=detail("decisions", 4, "default", "tuned"),
    multiclass=detail("decisions", 1, "default", "tuned"),
)
def balanced_accuracy(decided: Decided) -> float:
    """Mean recall over the classes in test."""
    decided.require_two_classes()
    return float(decided.recalls_present.mean())


@Decision.entry("G-mean", higher_is_better=True, binary={}, multiclass=detail("decisions", 2, "default", "tuned"))
def g_mean(decided: Decided) -> float:
    """Geometric mean of the recalls of the classes in test."""
    decided.require_two_classes()
    present = decided.recalls_present
    # The root of each factor first: a product of many recalls underflows.
    return float(np.prod(present ** (1.0 / len(present))))


@Decision.entry(
    "MCC",
    higher_is_better=True,
    bounds=(-1.0, 1.0),
    binary=detail("decisions", 5, "default", "tuned"),
    multiclass=detail("decisions", 3, "default", "tuned"),
)
def mcc(decided: Decided) -> float:
    """Matthews correlation of predicted and true class (Gorodkin 2004)."""
    decided.require_two_classes()
    return given.matthews(decided.counts)


@Decision.entry("Accuracy", higher_is_better=True, binary={}, multiclass=detail("decisions", 4, "default", "tuned"))
def accuracy(decided: Decided) -> float:
    """Share of rows predicted right."""
    return float(decided.counts.hits.sum() / decided.counts.actual.sum())


@Decision.entry(
    "F1",
    higher_is_better=True,
    binary=detail("decisions", 1, "default") | shown("quality", 3, "tuned"),
    multiclass=None,
)
def f1(decided: Decided) -> float:
    """F1 of the positive class."""
    hits, actual, predicted = decided.positives()
    return float(2 * hits / (actual + predicted))


@Decision.entry("Precision", higher_is_better=True, binary=detail("decisions", 2, "default", "tuned"), multiclass=None)
def precision(decided: Decided) -> float:
    """Share of predicted positives that are positive."""
    counts = decided.counts
    if not counts.predicted[1]:
        raise UndefinedMetricError("no row is predicted positive")
    return float(counts.hits[1] / counts.predicted[1])


@Decision.entry("Recall", higher_is_better=True, binary=detail("decisions", 3, "default", "tuned"), multiclass=None)
def recall(decided: Decided) -> float:
    """Share of positives that are predicted positive."""
    hits, actual, _ = decided.positives()
    return float(hits / actual)


@Decision.entry(
    "Head recall", higher_is_better=True, binary=None, multiclass=detail("decisions", 5, "default", "tuned")
)
def head_recall(decided: Decided) -> float:
    """Mean recall of the commonest third of classes."""
    return decided.mean_recall(0)


@Decision.entry(
    "Middle recall", higher_is_better=True, binary=None, multiclass=detail("decisions", 6, "default", "tuned")
)
def middle_recall(decided: Decided) -> float:
    """Mean recall of the middle third of classes."""
    return decided.mean_recall(1)


@Decision.entry(
    "Tail recall",
    higher_is_better=True,
    binary=None,
    multiclass=detail("decisions", 7, "default") | shown("quality", 2, "tuned"),
)
def tail_recall(decided: Decided) -> float:
    """Mean recall of the rarest third of classes."""
    return decided.mean_recall(2)
