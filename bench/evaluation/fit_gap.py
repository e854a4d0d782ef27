"""How much better a model ranks the rows that it was trained on than the test rows: rows asked, and what metrics get.

A model's AUROC on its own training rows is no quality; that it lies far above the one on test rows says that the model
has learnt rows by heart. Training rows count as the data have them: what strategies made or repeated is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.evaluation.metric import Metric, UndefinedMetricError
from bench.evaluation.ranked import Ranked
from bench.evaluation.views import Floats, Ints, log_softmax

_ASKED: Final = 4000  # training rows scored, at most: an AUROC of 2,000 rows of each of two classes is known to .01
TRAIN_AUROC: Final = "train/auroc"
"""Under this name records have the AUROC of each class in the training rows (`per_class`)."""


def rows_asked(y: Ints, n_classes: int, most: int = _ASKED) -> tuple[Ints, Floats]:
    """Row numbers (m,), ascending, and how many of the rows each stands for.

    Of each class at most `most / n_classes` rows, evenly spaced: AUROC compares classes, so that rare ones are asked
    whole where common ones need not be. The rows are the same for every strategy.
    """
    share, rows, weights = max(1, most // n_classes), list[Ints](), list[Floats]()
    for c in np.unique(y).tolist():
        mine = np.flatnonzero(y == c)
        asked = mine[np.linspace(0, len(mine) - 1, min(share, len(mine))).round().astype(np.int64)]
        rows.append(asked)
        weights.append(np.full(len(asked), len(mine) / len(asked)))
    order = np.argsort(np.concatenate(rows))
    return np.concatenate(rows)[order], np.concatenate(weights)[order]


def train_auroc(logits: Floats, y: Ints, weight: Floats) -> list[float | None]:
    """AUROC of each class against all others in training rows (n,); None where undefined or not finite."""
    if not np.isfinite(logits).all():
        return [None] * logits.shape[1]
    alike = bool((weight == weight[0]).all())
    logits = np.asarray(logits, dtype=np.float64)
    table = Ranked(logits, y, log_softmax(logits), None if alike else weight).table
    return [None if np.isnan(value) else value for value in table[:, 0].tolist()]


@dataclass(frozen=True, eq=False)
class TrainAndTest:
    """What metrics of the gap are given: AUROC of each class in training (C,), NaN where undefined, and test rows."""

    train: Floats
    test: Ranked

    @classmethod
    def of(cls, train: Sequence[float | None], test: Ranked) -> TrainAndTest:
        """From values that may be None."""
        return cls(np.array(train, dtype=np.float64), test)

    def gap(self) -> float:
        """Train less test: of the positive class, or the mean over the classes for which both are defined.

        Raises UndefinedMetricError where there is none.
        """
        each = self.train - self.test.table[:, 0]
        own = each[1:] if self.test.n_classes == 2 else each
        defined = own[~np.isnan(own)]
        if not len(defined):
            raise UndefinedMetricError("no class has an AUROC both in training and in test")
        return float(defined.mean())


class Gap(Metric[TrainAndTest]):
    """A metric of the difference between training and test rows, where training rows were scored."""

    kind, views, panel, needs = "gap", ("raw",), "quality", "train"
