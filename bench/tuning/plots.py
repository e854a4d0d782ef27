"""The plots of a study: its history, what matters, and the score over two parameters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

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
    best = complete[objective].cummax() if maximized(objective) else complete[objective].cummin()
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
    axes.set(xlabel="trial", ylabel=f"{_objective_label(objective)} on validation", title=study.label)
    canvas.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=5, columnspacing=1, handletextpad=0.3)
    return canvas


def importance_plot(weights: pd.DataFrame, study: Study) -> Figure:
    """Importance as bars, the largest on top."""
    canvas, axes = figure(height=0.45 * len(weights) + 1.2)
    ordered = weights.iloc[::-1]
    axes.barh(ordered["parameter"], ordered["importance"], color=INK, height=0.55)
    axes.set(xlabel="importance (PED-ANOVA)", title=study.label, xlim=(0, 1))
    return canvas


def contour(trials: pd.DataFrame, pair: tuple[str, str], study: Study) -> Figure:
    """The score over two parameters: a smooth surface through the trials, and the trials themselves.

    Trials without a number there (alpha = null) stand in a strip above the plane; pruned trials are crosses.
    """
    objective = study.identity.columns[0]
    x, y = (pd.to_numeric(trials[name], errors="coerce").to_numpy(dtype=float) for name in pair)
    score = pd.to_numeric(trials[objective], errors="coerce").to_numpy(dtype=float)
    complete, pruned = (trials["state"] == "COMPLETE").to_numpy(), (trials["state"] == "PRUNED").to_numpy()
    top = np.nanmax(y) + 0.1 * (np.ptp(y[np.isfinite(y)]) or 1.0)
    height = np.where(np.isfinite(y), y, top)
    canvas, axes = figure(6.4, 4.8)
    span = (float(np.nanmin(score)), float(np.nanmax(score)))
    inside = complete & np.isfinite(x) & np.isfinite(y)
    if inside.sum() >= 4:
        _surface(axes, np.stack([x[inside], y[inside]], 1), score[inside], span)
    shown = complete & np.isfinite(x)
    points = axes.scatter(
        x[shown],
        height[shown],
        c=score[shown],
        cmap="cividis",
        vmin=span[0],
        vmax=span[1],
        s=46,
        edgecolor="white",
        linewidth=0.8,
        zorder=3,
    )
    axes.scatter(x[pruned], height[pruned], marker="x", color=SOFT, s=28, zorder=2)
    if not np.isfinite(y[shown | pruned]).all():
        axes.annotate(
            f"{_last_part(pair[1])} = null",
            (0, top),
            xycoords=("axes fraction", "data"),
            xytext=(4, 9),
            textcoords="offset points",
            fontsize=9,
        )
    best = int(np.nanargmax(score) if maximized(objective) else np.nanargmin(score))
    axes.scatter([x[best]], [height[best]], s=150, facecolor="none", edgecolor=ACCENT, linewidth=2, zorder=4)
    axes.annotate(
        f"best {score[best]:.3f}",
        (float(x[best]), float(height[best])),
        xytext=(10, -15),
        textcoords="offset points",
        color=ACCENT,
        zorder=5,
    )
    axes.set(xlabel=_last_part(pair[0]), ylabel=_last_part(pair[1]), title=study.label)
    canvas.colorbar(points, ax=axes, label=f"{_objective_label(objective)} on validation")
    return canvas


def _surface(
    axes: Axes, points: npt.NDArray[np.float64], score: npt.NDArray[np.float64], span: tuple[float, float]
) -> None:
    """Filled contours of a Gaussian process through the trials: it admits that a trial's score is noisy."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - scikit-learn: half a second
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel  # noqa: PLC0415

    low, size = points.min(0), np.ptp(points, axis=0)
    if not size.all():
        return
    kernel = ConstantKernel() * RBF([0.3, 0.3], (0.15, 3.0)) + WhiteKernel(0.1, (1e-3, 1.0))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound reached is fine for a picture
        model.fit((points - low) / size, score)
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 60)), -1)
    values = model.predict(grid.reshape(-1, 2)).reshape(60, 60)
    at = low + grid * size
    axes.contourf(at[..., 0], at[..., 1], values, levels=12, cmap="cividis", vmin=span[0], vmax=span[1])


def _objective_label(objective: str) -> str:
    """`average precision (raw)` of `raw/average_precision`."""
    view, _, metric = objective.rpartition("/")
    return f"{metric.replace('_', ' ')} ({view})" if view else metric


def _last_part(path: str) -> str:
    """`gamma` of `strategy.focal.gamma`."""
    return path.rpartition(".")[2]


def plane(study: Study, weights: pd.DataFrame) -> tuple[str, str] | None:
    """The two parameters to show against one another: focal's alpha and gamma, else the two most important ranges."""
    ranges = [d.path for d in study.identity.space if not d.choices]
    focal = ("strategy.focal.gamma", "strategy.focal.alpha")
    if set(focal) <= set(ranges):
        return focal
    ordered = [p for p in weights["parameter"] if p in ranges]
    return (ordered[0], ordered[1]) if len(ordered) >= 2 else None
