"""Rankings within queries against scikit-learn, query by query, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from bench.evaluation.by_query import ByQuery
from bench.evaluation.evaluate import Predictions, evaluate
from bench.evaluation.metric import UndefinedMetricError


def rows(ties: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    g = np.random.default_rng(seed)
    query = g.integers(0, 40, 500)
    score = np.round(g.normal(size=500), 1 if ties else 12)
    y = (g.random(500) < 0.25).astype(int)
    y[query == 3], y[query == 4] = 0, 1  # nothing to find, nothing to leave
    return score, y, query


def judged(y: np.ndarray, query: np.ndarray) -> list[np.ndarray]:
    inside = [np.flatnonzero(query == q) for q in np.unique(query)]
    return [at for at in inside if 0 < y[at].sum() < len(at)]


@pytest.mark.parametrize("ties", [False, True])
def test_against_scikit_learn_query_by_query(ties: bool) -> None:
    score, y, query = rows(ties)
    found, inside = ByQuery(score, y, query), judged(y, query)
    assert len(inside) < len(np.unique(query))
    assert found.ndcg() == pytest.approx(np.mean([ndcg_score(y[at][None], score[at][None]) for at in inside]))
    assert found.average_precision() == pytest.approx(
        np.mean([average_precision_score(y[at], score[at]) for at in inside])
    )
    areas = [roc_auc_score(y[at], score[at]) for at in inside]
    assert found.grouped_auroc() == pytest.approx(np.average(areas, weights=[len(at) for at in inside]))


def test_reciprocal_rank_by_brute_force() -> None:
    score, y, query = rows(ties=False)
    found = []
    for at in judged(y, query):
        ranked = sorted(at, key=lambda i: -score[i])
        found.append(1 / next(place for place, i in enumerate(ranked, 1) if y[i]))
    assert ByQuery(score, y, query).reciprocal_rank() == pytest.approx(np.mean(found))


def test_the_order_of_rows_and_of_query_codes_does_not_matter() -> None:
    score, y, query = rows(ties=False)
    order = np.random.default_rng(1).permutation(len(y))
    one, other = ByQuery(score, y, query), ByQuery(score[order], y[order], 1000 - query[order])
    for name in ("ndcg", "reciprocal_rank", "average_precision", "grouped_auroc"):
        assert getattr(one, name)() == pytest.approx(getattr(other, name)(), abs=1e-12)


def test_queries_that_judge_nothing_leave_metrics_undefined() -> None:
    with pytest.raises(UndefinedMetricError, match="no query has relevant and irrelevant rows"):
        ByQuery(np.arange(4.0), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])).ndcg()


def test_records_have_them_where_the_data_name_queries() -> None:
    score, y, query = rows(ties=False)
    part = Predictions(np.stack([np.zeros(500), score], 1), y, query=query)
    found = evaluate(part, part, prior=[0.7, 0.3], natural=[0.7, 0.3], train_counts=[7, 3])
    assert found.values["raw/ndcg"] == pytest.approx(ByQuery(score, y, query).ndcg())
    assert found.values["raw/gauc"] == pytest.approx(ByQuery(score, y, query).grouped_auroc())
