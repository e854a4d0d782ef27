"""The plots of a study: its history, what matters, and the score over two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pandas as pd

from bench.leaderboard.plots.parts.overlay import FEWEST
from bench.tuning.objective import maximized
from bench.tuning.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, ACCENT = "#1f2933", "#9aa5b1", "#b5460f"
_EAST_ASIAN: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Noto Sans CJK JP",
    "Yu Gothic", "Meiryo", "Hiragino Sans", "Noto Sans CJK KR", "Malgun Gothic", "Apple SD Gothic Neo",
)  # fmt: skip
"""Fonts that come with systems; none is shipped. Those that are installed measure labels rightly."""


def figure(width: float = 6.4, height: float = 4.0) -> tuple[Figure, Axes]:
    """An empty plot in the house style. Matplotlib is imported here only: it costs half a second."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415
    from matplotlib.font_manager import fontManager  # noqa: PLC0415

    installed = {font.name for font in fontManager.ttflist}
    style: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "imbench",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": SOFT,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,  # a name with two $ in it is a name
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", *(name for name in _EAST_ASIAN if name in installed), "Arial"],
    }
    cast(Any, mpl.rcParams).update(style)
    canvas = Canvas(figsize=(width, height), layout="constrained")
    return canvas, canvas.add_subplot()


def history(trials: pd.DataFrame, study: Study) -> Figure:
    """Each trial's score in the order of trials, and the best so far."""
    objective = study.identity.columns[0]
    canvas, axes = figure()
    complete = trials[trials["state"] == "COMPLETE"]
    best = running_best(complete[objective], objective)
    if len(complete) >= FEWEST:
        axes.step(complete["number"], best, where="post", color=ACCENT, lw=1.6, label="best so far")
    axes.scatter(complete["number"], complete[objective], s=18, color=INK, label="trial", zorder=3)
    for origin, mark in (("default", "D"), ("neutral", "s")):
        own = complete[complete["origin"] == origin]
        axes.scatter(
            own["number"],
            own[objective],
            s=42,
            marker=mark,
            facecolor="white",
            edgecolor=INK,
            zorder=4,
            label=f"{origin} setting",
        )
    pruned = trials[trials["state"] == "PRUNED"]
    if len(pruned):
        floor = np.full(len(pruned), complete[objective].min())
        axes.scatter(pruned["number"], floor, marker="|", color=SOFT, label="pruned (no score)")
    axes.set(xlabel="trial", ylabel=f"{objective_label(objective)} on validation", title=study.label)
    canvas.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=5, columnspacing=1, handletextpad=0.3)
    return canvas


def importance_plot(weights: pd.DataFrame, study: Study) -> Figure:
    """Importance as bars, the largest on top."""
    canvas, axes = figure(height=0.45 * len(weights) + 1.2)
    ordered = weights.iloc[::-1]
    axes.barh(ordered["parameter"], ordered["importance"], color=INK, height=0.55)
    axes.set(xlabel="importance (PED-ANOVA)", title=study.label, xlim=(0, 1))
    return canvas


def running_best(values: pd.Series[float], objective: str) -> pd.Series[float]:
    """The best of the values until each, (n,)."""
    return values.cummax() if maximized(objective) else values.cummin()


def objective_label(objective: str) -> str:
    """`average precision (raw)` of `raw/average_precision`."""
    view, _, metric = objective.rpartition("/")
    return f"{metric.replace('_', ' ')} ({view})" if view else metric


def plane(study: Study, weights: pd.DataFrame) -> tuple[str, str] | None:
    """The two parameters to show against one another: focal's alpha and gamma, else the two most important ranges."""
    ranges = [d.path for d in study.identity.space if not d.choices]
    focal = ("strategy.focal.gamma", "strategy.focal.alpha")
    if set(focal) <= set(ranges):
        return focal
    ordered = [p for p in weights["parameter"] if p in ranges]
    return (ordered[0], ordered[1]) if len(ordered) >= 2 else None
