"""How far a model is better on the rows that it was trained on."""

from __future__ import annotations

from bench.evaluation.fit_gap import Gap, TrainAndTest
from bench.evaluation.metric import detail


@Gap.entry(
    "AUROC train − test",
    ideal=0.0,
    bounds=(-1.0, 1.0),
    binary=detail("quality", 1.5, "raw"),
    multiclass=detail("quality", 3.5, "raw"),
)
def auroc_gap(both: TrainAndTest) -> float:
    """AUROC in training less that in test, by up to 4,000 training rows; far above zero: rows were learnt by heart."""
    return both.gap()
