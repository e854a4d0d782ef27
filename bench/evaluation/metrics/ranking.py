"""Metrics of the order of the raw scores."""

from __future__ import annotations

from math import inf

from bench.evaluation.metric import detail, shown
from bench.evaluation.ranked import Ranked, Ranking, lift_at, precision_at, recall_at, recall_at_false_positives


@Ranking.entry("AP", higher_is_better=True, binary={}, multiclass=detail("quality", 4, "raw"))
def average_precision(ranked: Ranked) -> float:
    """Area under the precision-recall steps; multi-class: unweighted mean one-vs-rest."""
    return ranked.means[1]


@Ranking.entry("AUROC", higher_is_better=True, binary=shown("quality", 1, "raw"), multiclass=shown("quality", 3, "raw"))
def auroc(ranked: Ranked) -> float:
    """Chance that a positive outranks a negative, ties half; multi-class: unweighted mean one-vs-rest."""
    return ranked.means[0]


@Ranking.entry("Recall@1%", higher_is_better=True, binary=detail("quality", 2, "raw"), multiclass=None)
def recall_at_1pct(ranked: Ranked) -> float:
    """Share of the positives among the 1% of rows scored highest."""
    return recall_at(ranked.score, ranked.y, 1, ranked.weight)


@Ranking.entry("Recall@5%", higher_is_better=True, binary=shown("quality", 2, "raw"), multiclass=None)
def recall_at_5pct(ranked: Ranked) -> float:
    """Share of the positives among the 5% of rows scored highest."""
    return recall_at(ranked.score, ranked.y, 5, ranked.weight)


@Ranking.entry("Recall@10%", higher_is_better=True, binary=detail("quality", 2, "raw"), multiclass=None)
def recall_at_10pct(ranked: Ranked) -> float:
    """Share of the positives among the 10% of rows scored highest."""
    return recall_at(ranked.score, ranked.y, 10, ranked.weight)


@Ranking.entry("Precision@1%", higher_is_better=True, binary=detail("quality", 2.1, "raw"), multiclass=None)
def precision_at_1pct(ranked: Ranked) -> float:
    """Share of positives among the 1% of rows scored highest: the yield of a budget of alerts."""
    return precision_at(ranked.score, ranked.y, 1, ranked.weight)


@Ranking.entry("Precision@5%", higher_is_better=True, binary=detail("quality", 2.1, "raw"), multiclass=None)
def precision_at_5pct(ranked: Ranked) -> float:
    """Share of positives among the 5% of rows scored highest: the yield of a budget of alerts."""
    return precision_at(ranked.score, ranked.y, 5, ranked.weight)


@Ranking.entry(
    "Lift@1%",
    higher_is_better=True,
    realistic=None,
    bounds=(0.0, inf),
    binary=detail("quality", 2.2, "raw"),
    multiclass=None,
)
def lift_at_1pct(ranked: Ranked) -> float:
    """How many times as many positives the 1% of rows scored highest hold as so many rows at random."""
    return lift_at(ranked.score, ranked.y, 1, ranked.weight)


@Ranking.entry(
    "Lift@5%",
    higher_is_better=True,
    realistic=None,
    bounds=(0.0, inf),
    binary=detail("quality", 2.2, "raw"),
    multiclass=None,
)
def lift_at_5pct(ranked: Ranked) -> float:
    """How many times as many positives the 5% of rows scored highest hold as so many rows at random."""
    return lift_at(ranked.score, ranked.y, 5, ranked.weight)


@Ranking.entry("Recall@FPR 1%", higher_is_better=True, binary=detail("quality", 2.3, "raw"), multiclass=None)
def recall_at_fpr_1pct(ranked: Ranked) -> float:
    """Highest recall at which at most 1% of the negative rows are called positive."""
    return recall_at_false_positives(ranked.score, ranked.y, 1, ranked.weight)


@Ranking.entry("Recall@FPR 5%", higher_is_better=True, binary=detail("quality", 2.3, "raw"), multiclass=None)
def recall_at_fpr_5pct(ranked: Ranked) -> float:
    """Highest recall at which at most 5% of the negative rows are called positive."""
    return recall_at_false_positives(ranked.score, ranked.y, 5, ranked.weight)
