"""The score over two parameters, on their own scales: the trials, and a surface only where there are some."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.tuning.objective import maximized
from bench.tuning.plots import ACCENT, SOFT, figure, objective_label
from bench.tuning.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Floats = npt.NDArray[np.float64]

_FEWEST: Final = 6
"""Below so many trials there is no surface: it would be drawn from its own assumptions."""

_NEAR: Final = 0.18
"""How far from a trial the surface is drawn, as a share of the searched range."""

_GRID: Final = 80


def contour(trials: pd.DataFrame, pair: tuple[str, str], study: Study) -> Figure:
    """The score over two parameters; an axis that is searched on a logarithmic scale is drawn on one.

    Trials without a number there (alpha = null) stand in a strip above the plane; pruned trials are crosses.
    """
    objective = study.identity.columns[0]
    logs = [any(d.path == name and d.log for d in study.identity.space) for name in pair]
    x, y = (_numbers(trials, name, log=log) for name, log in zip(pair, logs, strict=True))
    score = pd.to_numeric(trials[objective], errors="coerce").to_numpy(dtype=float)
    complete, pruned = (trials["state"] == "COMPLETE").to_numpy(), (trials["state"] == "PRUNED").to_numpy()
    top = _above(y, log=logs[1])
    height = np.where(np.isfinite(y), y, top)
    canvas, axes = figure(6.4, 4.8)
    span = (float(np.nanmin(score)), float(np.nanmax(score)))
    inside = complete & np.isfinite(x) & np.isfinite(y)
    if inside.sum() >= _FEWEST:
        _surface(axes, np.stack([x[inside], y[inside]], 1), score[inside], span, logs)
    for setter, log in ((axes.set_xscale, logs[0]), (axes.set_yscale, logs[1])):
        setter("log" if log else "linear")
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
        _note(axes, f"{_last_part(pair[1])}: null or 0", top)
    if shown.any():
        _best(axes, x[shown], height[shown], score[shown] if maximized(objective) else -score[shown], score[shown])
    axes.set(xlabel=_last_part(pair[0]), ylabel=_last_part(pair[1]), title=study.label)
    canvas.colorbar(points, ax=axes, label=f"{objective_label(objective)} on validation")
    return canvas


def _numbers(trials: pd.DataFrame, name: str, *, log: bool) -> _Floats:
    """A parameter's values; not a number where it has none, or none that a logarithmic scale has."""
    found = pd.to_numeric(trials[name], errors="coerce").to_numpy(dtype=float)
    return np.where(found > 0, found, np.nan) if log else found


def _above(y: _Floats, *, log: bool) -> float:
    """Where trials without a number stand: a tenth of the range above the highest."""
    known = y[np.isfinite(y)]
    if not len(known):
        return 1.0
    low, high = float(known.min()), float(known.max())
    return high * (high / low if high > low else 10.0) ** 0.1 if log else high + 0.1 * ((high - low) or 1.0)


def _note(axes: Axes, text: str, top: float) -> None:
    where: Any = ("axes fraction", "data")
    axes.annotate(text, (0, top), xycoords=where, xytext=(4, 9), textcoords="offset points", fontsize=9)


def _best(axes: Axes, x: _Floats, y: _Floats, goodness: _Floats, score: _Floats) -> None:
    """A ring around the best trial, with its score."""
    best = int(np.nanargmax(goodness))
    at = (float(x[best]), float(y[best]))
    axes.scatter([at[0]], [at[1]], s=150, facecolor="none", edgecolor=ACCENT, linewidth=2, zorder=4)
    axes.annotate(f"best {score[best]:.3f}", at, xytext=(10, -15), textcoords="offset points", color=ACCENT, zorder=5)


def _surface(axes: Axes, points: _Floats, score: _Floats, span: tuple[float, float], logs: list[bool]) -> None:
    """Filled contours of a Gaussian process through the trials, near trials only: it admits that scores are noisy."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - scikit-learn: half a second
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel  # noqa: PLC0415

    straight = np.where(logs, np.log10(np.where(logs, points, 1.0)), points)
    low, size = straight.min(0), np.ptp(straight, axis=0)
    if not size.all():
        return
    units = (straight - low) / size
    kernel = ConstantKernel() * RBF([0.3, 0.3], (0.15, 3.0)) + WhiteKernel(0.1, (1e-3, 1.0))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound reached is fine for a picture
        model.fit(units, score)
    grid = np.stack(np.meshgrid(np.linspace(0, 1, _GRID), np.linspace(0, 1, _GRID)), -1)
    values = model.predict(grid.reshape(-1, 2)).reshape(_GRID, _GRID)
    seen = np.ma.masked_where(far(grid, units), values)
    at = low + grid * size
    at = np.where(logs, 10.0**at, at)
    axes.contourf(at[..., 0], at[..., 1], seen, levels=12, cmap="cividis", vmin=span[0], vmax=span[1], alpha=0.75)


def far(grid: _Floats, trials: _Floats) -> npt.NDArray[np.bool_]:
    """Which places (…, 2) of the unit square have no trial (n, 2) near them."""
    gaps = np.linalg.norm(grid[..., None, :] - trials, axis=-1)
    return np.asarray(gaps.min(axis=-1) > _NEAR)


def _last_part(path: str) -> str:
    """`gamma` of `strategy.focal.gamma`."""
    return path.rpartition(".")[2]
