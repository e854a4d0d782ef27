"""Names, directions and views of every metric; imports nothing heavy, so that boards and `--help` start at
once.

A column of a record is `view/metric`. Which views a metric has follows from its kind:

- *ranking* metrics read the order of the raw scores only (`raw`): prior correction and temperature are
  monotone for two classes and cannot change them;
- *probability* metrics read probabilities in each of `VIEWS`;
- *decision* metrics read predicted classes under each of `RULES`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Kind = Literal["ranking", "probability", "decision"]

VIEWS: Final = ("raw", "corrected", "recalibrated")
"""As trained · prior-corrected · corrected, then temperature (binary: and intercept) from validation."""

RULES: Final = ("default", "tuned")
"""Argmax of the raw logits · threshold (binary) or tau (multi-class) fitted on validation."""


class UndefinedMetricError(ValueError):
    """The data do not determine this metric (for example, no positive rows); the message is the reason."""


@dataclass(frozen=True)
class MetricSpec:
    """What one metric is called and which way it is good.

    `ideal` is set for metrics that aim at a value instead of an extreme; for these the *distance* from
    `ideal` is what should be small, `higher_is_better` is False and sorting by the value itself is
    meaningless.
    """

    name: str
    label: str
    higher_is_better: bool
    kind: Kind
    binary: bool
    multiclass: bool
    description: str
    ideal: float | None = None

    @property
    def views(self) -> tuple[str, ...]:
        """The views (or, for decision metrics, the rules) in which the metric is computed."""
        return {"ranking": ("raw",), "probability": VIEWS, "decision": RULES}[self.kind]

    def applies(self, n_classes: int) -> bool:
        """Whether the metric exists for this number of classes (2 is binary)."""
        return self.binary if n_classes == 2 else self.multiclass


def _ranking(name: str, label: str, description: str, *, multiclass: bool = False) -> MetricSpec:
    return MetricSpec(name, label, True, "ranking", True, multiclass, description)


def _probability(
    name: str, label: str, description: str, *, multiclass: bool = True, ideal: float | None = None
) -> MetricSpec:
    return MetricSpec(name, label, False, "probability", True, multiclass, description, ideal)


def _decision(name: str, label: str, description: str, *, binary: bool = True, multiclass: bool = True) -> MetricSpec:
    return MetricSpec(name, label, True, "decision", binary, multiclass, description)


_ALL: Final = (
    _ranking(
        "average_precision",
        "AP",
        "Area under the precision-recall steps; multi-class: unweighted mean one-vs-rest.",
        multiclass=True,
    ),
    _ranking(
        "auroc",
        "AUROC",
        "Chance that a positive outranks a negative, ties half; multi-class: unweighted mean one-vs-rest.",
        multiclass=True,
    ),
    _ranking("recall_at_1pct", "Recall@1%", "Share of the positives among the 1% of rows scored highest."),
    _ranking("recall_at_5pct", "Recall@5%", "Share of the positives among the 5% of rows scored highest."),
    _ranking("recall_at_10pct", "Recall@10%", "Share of the positives among the 10% of rows scored highest."),
    _probability("log_loss", "Log loss", "Mean negative log probability of the true class, in nats."),
    _probability(
        "normalised_entropy",
        "Norm. entropy",
        "Log loss divided by the entropy of the test base rate; 1 is a constant forecast (He et al. 2014).",
    ),
    _probability(
        "brier",
        "Brier",
        "Mean squared error of the probabilities; binary: of p1, multi-class: summed over classes.",
    ),
    _probability(
        "ece",
        "ECE",
        "Expected calibration error, 15 equal-width bins; binary: bins of p1 against the positive rate, "
        "multi-class: bins of the top probability against accuracy.",
    ),
    _probability(
        "calibration_intercept",
        "Cal. intercept",
        "Intercept of a logistic fit with the log odds as offset; above 0: positives are under-predicted.",
        multiclass=False,
        ideal=0.0,
    ),
    _probability(
        "calibration_slope",
        "Cal. slope",
        "Slope of Cox's logistic recalibration; below 1: probabilities are too extreme.",
        multiclass=False,
        ideal=1.0,
    ),
    _probability(
        "predicted_observed",
        "Pred./obs.",
        "Mean predicted positive probability divided by the observed positive rate.",
        multiclass=False,
        ideal=1.0,
    ),
    _decision("macro_f1", "Macro-F1", "Mean F1 over the classes that occur or are predicted in test."),
    _decision("balanced_accuracy", "Bal. accuracy", "Mean recall over the classes in test."),
    _decision("g_mean", "G-mean", "Geometric mean of the recalls of the classes in test."),
    _decision("mcc", "MCC", "Matthews correlation of predicted and true class (Gorodkin 2004)."),
    _decision("accuracy", "Accuracy", "Share of rows predicted right."),
    _decision("f1", "F1", "F1 of the positive class.", multiclass=False),
    _decision("precision", "Precision", "Share of predicted positives that are positive.", multiclass=False),
    _decision("recall", "Recall", "Share of positives that are predicted positive.", multiclass=False),
    _decision("head_recall", "Head recall", "Mean recall of the commonest third of classes.", binary=False),
    _decision("middle_recall", "Middle recall", "Mean recall of the middle third of classes.", binary=False),
    _decision("tail_recall", "Tail recall", "Mean recall of the rarest third of classes.", binary=False),
)

METRICS: Final[dict[str, MetricSpec]] = {spec.name: spec for spec in _ALL}


@cache
def column(view_or_rule: str, metric: str) -> str:
    """The column that holds `metric` in a view or under a rule: `column('raw', 'auroc')` is `'raw/auroc'`.

    Raises ValueError for an unknown metric or a view that the metric does not have.
    """
    if metric not in METRICS:
        raise ValueError(f"Unknown metric {metric!r}. {_suggestion(metric, METRICS)}")
    views = METRICS[metric].views
    if view_or_rule not in views:
        raise ValueError(
            f"Unknown view {view_or_rule!r} of {metric!r}, a {METRICS[metric].kind} metric. "
            f"{_suggestion(view_or_rule, views)}"
        )
    return f"{view_or_rule}/{metric}"


def spec_of(name: str) -> MetricSpec:
    """The specification behind a column such as `'tuned/macro_f1'`; ValueError with suggestions if none."""
    view, _, metric = name.partition("/")
    if metric in METRICS and view in METRICS[metric].views:
        return METRICS[metric]
    known = [column(view, spec.name) for spec in _ALL for view in spec.views]
    raise ValueError(f"Unknown metric column {name!r}. {_suggestion(name, known)}")


def direction(name: str) -> bool:
    """Whether higher values of a column are better; for metrics with an `ideal`, False: less distance from it
    is.

    Raises ValueError with suggestions for an unknown column.
    """
    return spec_of(name).higher_is_better


@cache
def columns(n_classes: int) -> tuple[str, ...]:
    """Every column that an evaluation with `n_classes` classes fills, in board order."""
    _check_classes(n_classes)
    return tuple(column(view, s.name) for s in _ALL if s.applies(n_classes) for view in s.views)


def ranking_metric(n_classes: int) -> str:
    """The column that orders a board: average precision for two classes, tuned macro-F1 for more."""
    _check_classes(n_classes)
    return column("raw", "average_precision") if n_classes == 2 else column("tuned", "macro_f1")


def _check_classes(n_classes: int) -> None:
    if n_classes < 2:
        raise ValueError(f"Expected n_classes to be at least 2, got {n_classes}. Check the target column.")


def _suggestion(name: str, known: Iterable[str]) -> str:
    known = list(known)
    tail = name.rpartition("/")[2]
    # A bare metric name matches no column well by edit distance; its columns are what was meant.
    close = [k for k in known if k.endswith(f"/{tail}")] or difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{hint}Known: {', '.join(known)}."
