"""Which columns a board has: what is shown everywhere, and what only pages and data files have room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.evaluation.metric_specs import column, ranking_metric, spec_of
from bench.leaderboard.boards.model import Column, Panel

_VIEWS: Final = ("raw", "corrected", "recalibrated")
_BINARY: Final[tuple[tuple[str, Panel, bool], ...]] = (
    (column("raw", "auroc"), "quality", False),
    (column("raw", "recall_at_1pct"), "quality", True),
    (column("raw", "recall_at_5pct"), "quality", False),
    (column("raw", "recall_at_10pct"), "quality", True),
    (column("tuned", "f1"), "quality", False),
    *(
        (column(rule, name), "decisions", True)
        for name in ("f1", "precision", "recall", "balanced_accuracy", "mcc", "macro_f1")
        for rule in ("default", "tuned")
        if (rule, name) != ("tuned", "f1")
    ),
    (column("raw", "log_loss"), "probabilities", True),
    (column("corrected", "log_loss"), "probabilities", False),
    (column("recalibrated", "log_loss"), "probabilities", False),
    *((column(view, "brier"), "probabilities", True) for view in _VIEWS),
    (column("raw", "ece"), "probabilities", False),
    (column("corrected", "ece"), "probabilities", True),
    (column("recalibrated", "ece"), "probabilities", True),
    (column("raw", "predicted_observed"), "probabilities", False),
    (column("corrected", "predicted_observed"), "probabilities", False),
    (column("raw", "calibration_intercept"), "probabilities", True),
    (column("raw", "calibration_slope"), "probabilities", True),
)
_MULTICLASS: Final[tuple[tuple[str, Panel, bool], ...]] = (
    (column("default", "macro_f1"), "quality", False),
    (column("tuned", "tail_recall"), "quality", False),
    (column("raw", "auroc"), "quality", False),
    (column("raw", "average_precision"), "quality", True),
    *(
        (column(rule, name), "decisions", True)
        for name in ("balanced_accuracy", "g_mean", "mcc", "accuracy", "head_recall", "middle_recall", "tail_recall")
        for rule in ("default", "tuned")
        if (rule, name) != ("tuned", "tail_recall")
    ),
    (column("raw", "log_loss"), "probabilities", True),
    (column("corrected", "log_loss"), "probabilities", True),
    (column("recalibrated", "log_loss"), "probabilities", False),
    *((column(view, "brier"), "probabilities", True) for view in _VIEWS),
    (column("raw", "ece"), "probabilities", False),
    (column("corrected", "ece"), "probabilities", True),
    (column("recalibrated", "ece"), "probabilities", True),
)
_COST: Final = (
    ("fits", "Fits", False),
    ("steps", "Steps", False),
    ("train_seconds", "Train s", False),
    ("peak_mb", "Peak MB", False),
    ("inference_rows_per_second", "Rows/s", True),
)


def columns_of(ranked_by: str, n_classes: int, include: Sequence[str]) -> tuple[Column, tuple[Column, ...]]:
    """The ranking column, and the others in display order."""
    shown: dict[str, tuple[Panel, bool]] = {k: (p, d) for k, p, d in (_BINARY if n_classes == 2 else _MULTICLASS)}
    designed = ranking_metric(n_classes)
    if ranked_by != designed:
        shown = {designed: ("quality", False), **shown}
    for name in include:
        if spec_of(name).applies(n_classes):
            panel = shown[name][0] if name in shown else _PANELS[spec_of(name).kind]
            shown[name] = (panel, False)
    panels: tuple[Panel, ...] = ("quality", "decisions", "probabilities")
    metrics = [
        _metric_column(k, panel, detail)
        for panel in panels for k, (p, detail) in shown.items() if p == panel and k != ranked_by
    ]  # fmt: skip
    costs = [Column(key, label, "cost", detail=detail) for key, label, detail in _COST]
    return _metric_column(ranked_by, "quality", False), (*metrics, *costs)


_PANELS: Final[dict[str, Panel]] = {"ranking": "quality", "decision": "quality", "probability": "probabilities"}


def _metric_column(key: str, panel: Panel, detail: bool) -> Column:
    spec = spec_of(key)
    view = "" if spec.kind == "ranking" else key.partition("/")[0]
    return Column(key, spec.label, panel, view, spec.higher_is_better, spec.ideal, detail)
