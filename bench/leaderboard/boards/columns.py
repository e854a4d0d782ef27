"""Which columns a board has: the metrics where their entries place them, then costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bench.evaluation.metric import Place
from bench.evaluation.registry import METRICS, column, metric_of, ranking_metric
from bench.leaderboard.boards.model import MetricColumn, Panel

COST: Final = "train_seconds"
"""The cost that quality is held against."""

_COSTS: Final = (
    ("fits", "Fits", False),
    ("steps", "Steps", False),
    (COST, "Train s", False),
    ("peak_mb", "Peak MB", False),
    ("inference_rows_per_second", "Rows/s", True),
)
_PANELS: Final[tuple[Panel, ...]] = ("quality", "decisions", "probabilities")


def columns_of(ranked_by: str, n_classes: int, include: Sequence[str]) -> tuple[MetricColumn, tuple[MetricColumn, ...]]:
    """The ranking column, and the others in display order."""
    shown: dict[str, tuple[Panel, bool]] = {
        key: (place.panel, place.detail) for key, place in _placed(n_classes).items()
    }
    designed = ranking_metric(n_classes)
    if ranked_by != designed:
        shown = {designed: ("quality", False), **shown}
    for name in include:
        metric = metric_of(name)
        if metric.applies(n_classes):
            panel = shown[name][0] if name in shown else metric.panel
            shown[name] = (panel, False)
    metrics = [
        metric_column(key, panel, detail)
        for panel in _PANELS
        for key, (own, detail) in shown.items()
        if own == panel and key != ranked_by
    ]
    costs = [MetricColumn(key, label, "cost", detail=detail) for key, label, detail in _COSTS]
    return metric_column(ranked_by, "quality", False), (*metrics, *costs)


def _placed(n_classes: int) -> Mapping[str, Place]:
    """Columns with a place on boards of this number of classes; those of one order as records have them."""
    found = {
        column(view, metric.name): place
        for metric in METRICS.values()
        for view in metric.views
        if (place := (metric.places(n_classes) or {}).get(view)) is not None
    }
    return dict(sorted(found.items(), key=lambda item: item[1].order))


def metric_column(key: str, panel: Panel = "quality", detail: bool = False) -> MetricColumn:
    """The column of a metric: its names, and which way is good."""
    metric = metric_of(key)
    view = key.partition("/")[0] if len(metric.views) > 1 else ""
    return MetricColumn(key, metric.label, panel, view, metric.higher_is_better, metric.ideal, detail)
