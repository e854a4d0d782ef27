"""What a study leaves for people: trials and plots as files, and what is printed of studies."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import pandas as pd
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.records.files import one_line, write_atomically
from bench.tuning.best import BEST, matching, read_best, readable
from bench.tuning.contour import contour
from bench.tuning.plots import history, importance_plot, plane
from bench.tuning.space import KIND
from bench.tuning.storage import open_storage, read_storage
from bench.tuning.study import FINISHED, Study, folders

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(study: Study) -> list[Path]:
    """trials.csv, and each plot as SVG with its data as CSV beside it."""
    trials = _trial_table(study)
    written = [_save_csv(trials, study.folder / "trials.csv")]
    complete = trials[trials["state"] == "COMPLETE"]
    if complete.empty:
        return written

    def of(name: str) -> tuple[Path, str, str]:
        return study.folder, name, f"{name} of {study.label}"

    written += save_plot(history(trials, study), complete[["number", study.identity.columns[0]]], *of("history"))
    if len(complete) >= 4 and study.single:
        weights = importance(study)
        written += save_plot(importance_plot(weights, study), weights, *of("importance"))
        pair = plane(study, weights)
        if pair is not None:
            written += save_plot(
                contour(trials, pair, study), trials[["number", *pair, study.identity.columns[0]]], *of("contour")
            )
    return written


def _trial_table(study: Study) -> pd.DataFrame:
    """One row per finished or failed trial: number, state, objectives, settings by path, what it took, where from."""
    rows = []
    for t in study.trials(*FINISHED, TrialState.FAIL):
        values = t.values if t.state == TrialState.COMPLETE else [None] * len(study.identity.columns)
        rows.append(
            {
                "number": t.number,
                "state": t.state.name,
                **dict(zip(study.identity.columns, values, strict=True)),
                **t.user_attrs.get("settings", {}),
                **{k: t.user_attrs.get(k) for k in ("fits", "steps", "seconds")},
                "origin": t.user_attrs.get("origin", "sampler"),
                "reason": t.user_attrs.get("reason", ""),
            }
        )
    return pd.DataFrame(rows)


def importance(study: Study) -> pd.DataFrame:
    """How much each parameter matters for being among the best trials (PED-ANOVA, Watanabe et al. 2023), sum 1."""
    searched = [d.path for d in study.identity.space]
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    by_parameter = dict.fromkeys(searched, 0.0)
    every = sorted({name for t in study.trials(TrialState.COMPLETE) for name in t.params})
    common = [n for n in every if all(n in t.params for t in study.trials(TrialState.COMPLETE))]
    found = optuna.importance.get_param_importances(study.study, evaluator=evaluator, params=common) if common else {}
    for name, value in found.items():
        by_parameter[name.removesuffix(KIND)] += value
    table = pd.DataFrame({"parameter": list(by_parameter), "importance": list(by_parameter.values())})
    return table.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _save_csv(table: pd.DataFrame, path: Path) -> Path:
    """A table as CSV, atomically."""

    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False), replace=True)
    return path


def save_plot(plot: Figure, data: pd.DataFrame, folder: Path, name: str, title: str) -> list[Path]:
    """A plot as SVG and its data as CSV, in a folder that is made where there is none.

    Its texts stay texts, which whoever opens the file draws in a font of their own. So a character that no font here
    has is not lost, whatever Matplotlib says; only the room that its label takes is guessed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"

    def put(temporary: Path) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            plot.savefig(temporary, format="svg", metadata={"Date": None, "Title": title})

    write_atomically(path, put, replace=True)
    return [path, _save_csv(data, folder / f"{name}.csv")]


def print_studies(root: Path, console: Console, storage: str | None) -> int:
    """One line per study: trials by state, its best score, whether settings are written."""
    grid = Table(box=None, pad_edge=False)
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING)
    for heading in ("study", *(s.name.lower() for s in states), "best"):
        grid.add_column(heading, justify="left" if heading in ("study", "best") else "right", overflow="fold")
    found: list[tuple[str, BaseStorage]] = [(f.name, read_storage(f)) for f in folders(root)]
    if storage is not None:
        shared = open_storage(root, storage)
        found += [(name, shared) for name in optuna.get_all_study_names(shared)]
    for name, where in found:
        path = root / "tuned" / name / BEST
        try:
            study = optuna.load_study(study_name=name, storage=where)
            counts = Counter(trial.state for trial in study.get_trials(deepcopy=False))
            best = read_best(path)["objective"] if path.exists() else {}
            scores = ", ".join(f"{k} {v:.4f}" for k, v in best.items()) or "not finished"
        except Exception as error:  # one that nobody can read, whatever is wrong with it, hides no other
            grid.add_row(Text(name), *("?" for _ in states), Text(f"cannot be read: {one_line(error)}"))
            continue
        grid.add_row(name, *(str(counts[s]) for s in states), scores)
    if not found:
        console.print(f"no studies under {root}; start one: imbench tune strategy=focal", highlight=False)
        return 0
    console.print(grid)
    return 0


def print_best(root: Path, console: Console, wanted: Mapping[str, str | None]) -> int:
    """Best settings of the studies that match."""
    everything, problems = readable(root)
    for problem in problems:
        console.print(Text(problem), soft_wrap=True)
    for best in matching(everything, wanted):
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
