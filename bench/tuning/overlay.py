"""The histories of several studies in one plot: did one strategy still gain when another had long stopped?

Studies of one data set, target, model and split stand together, as they searched on the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
from optuna.trial import TrialState

from bench.leaderboard.plots.parts.overlay import FEWEST
from bench.tuning.objective import maximized
from bench.tuning.plots import INK, figure, objective_label, running_best
from bench.tuning.report import save_plot
from bench.tuning.study import Study, file_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER: Final = "histories"
_DASHES: Final = ("-", "--", ":", "-.")
_COLOURS: Final = 10


def write_overlays(studies: Sequence[Study]) -> list[Path]:
    """A plot with its table for each group of two studies or more, in the folder `histories` beside those of studies.

    The file is named after data set, target, model and split. A search that was begun anew writes it anew.
    """
    groups: dict[tuple[str, str, str, int], list[Study]] = defaultdict(list)
    for study in studies:
        cell = study.planned
        groups[cell.data_name, cell.target, study.base.model.name, study.base.split].append(study)
    written = []
    for (data, target, model, split), together in groups.items():
        table = best_so_far(together)
        if table["strategy"].nunique() > 1:
            title = f"{data}/{target} {model} split {split}"
            name = f"{file_name(data, target, model)[:150]}-split{split}"
            folder = together[0].folder.parent / FOLDER
            written += save_plot(overlay(table, title), table, folder, name, f"Histories of {title}")
    return written


def best_so_far(studies: Sequence[Study]) -> pd.DataFrame:
    """Columns strategy, number (of complete trials), best: the first objective's best value until then."""
    rows = []
    for study in studies:
        objective = study.identity.columns[0]
        values = pd.Series([t.values[0] for t in study.trials(TrialState.COMPLETE)], dtype=float)
        best = running_best(values, objective)
        rows += [
            {"strategy": study.base.strategy, "number": i + 1, "best": v, "objective": objective}
            for i, v in enumerate(best.tolist())
        ]
    return pd.DataFrame(rows, columns=["strategy", "number", "best", "objective"])


def overlay(table: pd.DataFrame, title: str) -> Figure:
    """One line a strategy; the legend names the best first, with what it reached. `none` is drawn in ink."""
    canvas, axes = figure(width=8.0)
    objective = str(table["objective"].iloc[0])
    last = table.groupby("strategy", sort=False)["best"].last()
    order = last.sort_values(ascending=not maximized(objective), kind="stable")
    drawn = 0
    for strategy, reached in order.items():
        own = table[table["strategy"] == strategy]
        colour = INK if strategy == "none" else f"C{drawn % _COLOURS}"
        dash = "-" if strategy == "none" else _DASHES[drawn // _COLOURS % len(_DASHES)]
        drawn += strategy != "none"
        label = f"{strategy} {reached:.4f}"
        if len(own) >= FEWEST:
            axes.step(own["number"], own["best"], dash, where="post", color=colour, lw=1.6, label=label)
        else:
            axes.plot(own["number"], own["best"], "o", color=colour, ms=4, label=label)
    axes.set(xlabel="complete trials", ylabel=f"best {objective_label(objective)} on validation", title=title)
    axes.locator_params(axis="x", integer=True)
    canvas.legend(frameon=False, fontsize=9, loc="outside right upper")
    return canvas
