"""Metrics of rankings within queries, for data with `data.query`."""

from __future__ import annotations

from bench.evaluation.by_query import ByQuery, InQuery
from bench.evaluation.metric import detail, shown


@InQuery.entry("NDCG", higher_is_better=True, binary=shown("quality", 2.5, "raw"), multiclass=None)
def ndcg(ranked: ByQuery) -> float:
    """Mean over queries of the normalised discounted cumulative gain of the whole ranking."""
    return ranked.ndcg()


@InQuery.entry("gAUC", higher_is_better=True, binary=shown("quality", 2.6, "raw"), multiclass=None)
def gauc(ranked: ByQuery) -> float:
    """AUROC within queries, averaged by their rows (Zhu et al. 2017)."""
    return ranked.grouped_auroc()


@InQuery.entry("MRR", higher_is_better=True, binary=detail("quality", 2.7, "raw"), multiclass=None)
def mrr(ranked: ByQuery) -> float:
    """Mean over queries of one over the rank of the first relevant row."""
    return ranked.reciprocal_rank()


@InQuery.entry("MAP", higher_is_better=True, binary=detail("quality", 2.8, "raw"), multiclass=None)
def mean_average_precision(ranked: ByQuery) -> float:
    """Mean over queries of average precision."""
    return ranked.average_precision()
