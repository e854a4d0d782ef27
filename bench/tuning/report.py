"""What a study leaves for people: trials as CSV, and plots of history, importance and the plane of two parameters."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
from optuna.trial import TrialState
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.records.files import write_atomically
from bench.tuning.objective import maximized
from bench.tuning.space import KIND
from bench.tuning.storage import open_storage
from bench.tuning.study import BEST, FINISHED, Study, folders, matching, read_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, ACCENT = "#1f2933", "#9aa5b1", "#b5460f"


def write(study: Study) -> list[Path]:
    """trials.csv, and each plot as SVG with its data as CSV beside it."""
    trials = frame(study)
    written = [save_csv(trials, study.folder / "trials.csv")]
    complete = trials[trials["state"] == "COMPLETE"]
    if complete.empty:
        return written
    written += save_plot(history(trials, study), complete[["number", study.identity.columns[0]]], study, "history")
    if len(complete) >= 4 and study.single:
        weights = importance(study)
        written += save_plot(importance_plot(weights, study), weights, study, "importance")
        pair = plane(study, weights)
        if pair is not None:
            written += save_plot(contour(trials, pair, study), trials[["number", *pair, study.identity.columns[0]]],
                                 study, "contour")  # fmt: skip
    return written


def frame(study: Study) -> pd.DataFrame:
    """One row per finished or failed trial: number, state, objectives, settings by path, what it took, where from."""
    rows = []
    for t in study.trials(*FINISHED, TrialState.FAIL):
        values = t.values if t.state == TrialState.COMPLETE else [None] * len(study.identity.columns)
        rows.append({
            "number": t.number, "state": t.state.name, **dict(zip(study.identity.columns, values, strict=True)),
            **t.user_attrs.get("settings", {}), **{k: t.user_attrs.get(k) for k in ("fits", "steps", "seconds")},
            "origin": t.user_attrs.get("origin", "sampler"), "reason": t.user_attrs.get("reason", ""),
        })  # fmt: skip
    return pd.DataFrame(rows)


def importance(study: Study) -> pd.DataFrame:
    """How much each parameter matters for being among the best trials (PED-ANOVA, Watanabe et al. 2023), sum 1."""
    searched = [d.path for d in study.identity.space]
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    together = dict.fromkeys(searched, 0.0)
    every = sorted({name for t in study.trials(TrialState.COMPLETE) for name in t.params})
    common = [n for n in every if all(n in t.params for t in study.trials(TrialState.COMPLETE))]
    found = optuna.importance.get_param_importances(study.study, evaluator=evaluator, params=common) if common else {}
    for name, value in found.items():
        together[name.removesuffix(KIND)] += value
    table = pd.DataFrame({"parameter": list(together), "importance": list(together.values())})
    return table.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def plane(study: Study, weights: pd.DataFrame) -> tuple[str, str] | None:
    """The two parameters to show against one another: focal's alpha and gamma, else the two most important ranges."""
    ranges = [d.path for d in study.identity.space if not d.choices]
    focal = ("strategy.focal.gamma", "strategy.focal.alpha")
    if set(focal) <= set(ranges):
        return focal
    ordered = [p for p in weights["parameter"] if p in ranges]
    return (ordered[0], ordered[1]) if len(ordered) >= 2 else None


def figure(width: float = 6.4, height: float = 4.0) -> tuple[Figure, Axes]:
    """An empty plot in the house style. Matplotlib is imported here only: it costs half a second."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415

    style: dict[str, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": "imbench", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
        "axes.edgecolor": SOFT, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
        "axes.spines.right": False, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Arial"],
    }  # fmt: skip
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
        axes.scatter(own["number"], own[objective], s=42, marker=mark, facecolor="white", edgecolor=INK, zorder=4,
                     label=f"{origin} setting")  # fmt: skip
    pruned = trials[trials["state"] == "PRUNED"]
    if len(pruned):
        floor = np.full(len(pruned), complete[objective].min())
        axes.scatter(pruned["number"], floor, marker="|", color=SOFT, label="pruned (no score)")
    axes.set(xlabel="trial", ylabel=f"{named(objective)} on validation", title=study.label)
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
        surface(axes, np.stack([x[inside], y[inside]], 1), score[inside], span)
    shown = complete & np.isfinite(x)
    points = axes.scatter(
        x[shown], height[shown], c=score[shown], cmap="cividis", vmin=span[0], vmax=span[1], s=46,
        edgecolor="white", linewidth=0.8, zorder=3,
    )  # fmt: skip
    axes.scatter(x[pruned], height[pruned], marker="x", color=SOFT, s=28, zorder=2)
    if not np.isfinite(y[shown | pruned]).all():
        axes.annotate(f"{last(pair[1])} = null", (0, top), xycoords=("axes fraction", "data"), xytext=(4, 9),
                      textcoords="offset points", fontsize=9)  # fmt: skip
    best = int(np.nanargmax(score) if maximized(objective) else np.nanargmin(score))
    axes.scatter([x[best]], [height[best]], s=150, facecolor="none", edgecolor=ACCENT, linewidth=2, zorder=4)
    axes.annotate(f"best {score[best]:.3f}", (float(x[best]), float(height[best])), xytext=(10, -15),
                  textcoords="offset points", color=ACCENT, zorder=5)  # fmt: skip
    axes.set(xlabel=last(pair[0]), ylabel=last(pair[1]), title=study.label)
    canvas.colorbar(points, ax=axes, label=f"{named(objective)} on validation")
    return canvas


def surface(
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


def named(objective: str) -> str:
    """`average precision (raw)` of `raw/average_precision`."""
    view, _, metric = objective.rpartition("/")
    return f"{metric.replace('_', ' ')} ({view})" if view else metric


def last(path: str) -> str:
    """`gamma` of `strategy.focal.gamma`."""
    return path.rpartition(".")[2]


def save_csv(table: pd.DataFrame, path: Path) -> Path:
    """A table as CSV, atomically."""

    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False), replace=True)
    return path


def save_plot(plot: Figure, data: pd.DataFrame, study: Study, name: str) -> list[Path]:
    """A plot as SVG and its data as CSV."""
    path = study.folder / f"{name}.svg"

    def put(temporary: Path) -> None:
        plot.savefig(temporary, format="svg", metadata={"Date": None, "Title": f"{name} of {study.label}"})

    write_atomically(path, put, replace=True)
    return [path, save_csv(data, study.folder / f"{name}.csv")]


def overview(root: Path, console: Console, storage: str | None) -> int:
    """One line per study: trials by state, its best score, whether settings are written."""
    grid = Table(box=None, pad_edge=False)
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING)
    for heading in ("study", *(s.name.lower() for s in states), "best"):
        grid.add_column(heading, justify="left" if heading in ("study", "best") else "right", overflow="fold")
    kept = [(f.name, open_storage(f, None)) for f in folders(root)]
    if storage is not None:
        shared = open_storage(root, storage)
        kept += [(name, shared) for name in optuna.get_all_study_names(shared)]
    for name, where in kept:
        study = optuna.load_study(study_name=name, storage=where)
        counts = Counter(trial.state for trial in study.get_trials(deepcopy=False))
        path = root / "tuned" / name / BEST
        best = read_best(path)["objective"] if path.exists() else {}
        scores = ", ".join(f"{k} {v:.4f}" for k, v in best.items()) or "not finished"
        grid.add_row(name, *(str(counts[s]) for s in states), scores)
    if not kept:
        console.print(f"no studies under {root}; start one: imbench tune strategy=focal", highlight=False)
        return 0
    console.print(grid)
    return 0


def show(root: Path, console: Console, wanted: Mapping[str, str | None]) -> int:
    """Best settings of the studies that match."""
    for best in matching(root, wanted):
        scores = ", ".join(f"{k} {v:.4f}" for k, v in best["objective"].items())
        head = f"{best['data']}/{best['target']} {best['model']} {best['strategy']} split={best['split']}"
        if best.get("skipped"):
            console.print(Text(f"{head}: skipped: {best['skipped']}"), soft_wrap=True)
            continue
        console.print(Text(f"{head}: {scores} on validation, trial {best['trial']} of {best['trials']:.0f}"))
        for path, value in best["settings"].items():
            console.print(Text(f"  {path} = {'null' if value is None else value}"))
        console.print(Text(f"  {root / 'tuned' / best['study']}"), soft_wrap=True)
    return 0
