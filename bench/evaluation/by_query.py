"""Rankings within queries, users or sessions: what a search page or a recommendation is judged by.

Every row is an item that a query showed, relevant where it is positive. Queries without a relevant or without an
irrelevant row have no order to judge and are left out; all others count alike, but for gAUC, which counts rows. Items
with equal scores count by the expectation over random orders where a formula for that is known (AUROC; NDCG: McSherry &
Najork 2008), else as scikit-learn ranks them: by their place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.ranked import ranking_table
from bench.evaluation.views import Floats, Ints


class ByQuery:
    """What metrics of queries are given: raw scores (n,), labels (n,) in {0, 1} and queries (n,) of the test rows."""

    def __init__(self, score: Floats, y: Ints, query: Ints) -> None:
        self.score, self.y, self.query = score, y, query

    @cached_property
    def judged(self) -> list[tuple[Floats, Ints]]:
        """Scores and labels of each query that has relevant and irrelevant rows, the highest score first.

        Raises:
            UndefinedMetricError: there is no such query.
        """
        found = list(self._with_both())
        if not found:
            raise UndefinedMetricError("no query has relevant and irrelevant rows")
        return found

    def _with_both(self) -> Iterator[tuple[Floats, Ints]]:
        order = np.lexsort((np.arange(len(self.y)), -self.score, self.query))
        ends = np.flatnonzero(np.diff(self.query[order])) + 1
        for rows in np.split(order, ends):
            y = self.y[rows]
            if 0 < y.sum() < len(y):
                yield self.score[rows], y

    def ndcg(self) -> float:
        """Mean normalised discounted cumulative gain of whole rankings (Järvelin & Kekäläinen 2002)."""
        found = []
        for score, y in self.judged:
            discount = 1 / np.log2(np.arange(len(y)) + 2)
            _, tie = np.unique(-score, return_inverse=True)
            count = np.bincount(tie)
            gain = np.bincount(tie, weights=y) / count  # of tied items each the mean
            found.append(float(gain @ np.bincount(tie, weights=discount) / discount[: int(y.sum())].sum()))
        return float(np.mean(found))

    def reciprocal_rank(self) -> float:
        """Mean of one over the rank of the first relevant row (MRR)."""
        return float(np.mean([1 / (1 + int(np.argmax(y))) for _, y in self.judged]))

    def average_precision(self) -> float:
        """Mean over queries of average precision (MAP)."""
        return float(np.mean([_table(score, y)[1] for score, y in self.judged]))

    def grouped_auroc(self) -> float:
        """Mean of AUROC within queries, weighted by their rows (gAUC: Zhu et al. 2017)."""
        areas = [_table(score, y)[0] for score, y in self.judged]
        return float(np.average(areas, weights=[len(y) for _, y in self.judged]))


def _table(score: Floats, y: Ints) -> tuple[float, float]:
    area, precision = ranking_table(score[None], (y == 1)[None])[0].tolist()
    return area, precision


class InQuery(Metric[ByQuery]):
    """A metric of rankings within queries, where the data name these (`data.query`)."""

    kind, views, panel, needs = "query", ("raw",), "quality", "query"
