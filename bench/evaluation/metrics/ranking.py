"""Metrics of the order of the raw scores."""

from __future__ import annotations

from bench.evaluation.metric import detail, shown
from bench.evaluation.ranked import Ranked, Ranking, recall_at


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
