"""`imbench.tune`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.cli.cells import shared_options
from bench.cli.console import Console
from bench.cli.repeats import on_each_split
from bench.sweep.plan import identify
from bench.tuning.driver import tune as search
from bench.tuning.progress import Report
from bench.tuning.report import write_report

from .overrides import compose_grid


def tune(overrides: Sequence[str] = (), *, quiet: bool = False) -> pd.DataFrame:
    """Search hyperparameters, as `imbench tune -m …` does: the same number of trials for every strategy.

    Finished trials count: the same call again searches no further, a larger `tune.trials` extends the search. What was
    found is used by `imbench.run([…, "tuned=true"])` with the same choices.

    Args:
        overrides: Hydra's grammar, as in the shell but without its quotes: `["strategy=none,focal", "tune.trials=20"]`.
        quiet: print no progress (to standard error).

    Returns:
        One row per study: what it is about (`data`, `target`, `model`, `strategy`, `split`), `trials` finished, the
        objective of the `best_trial` (a column such as `raw/average_precision`), its `settings` (path -> value), the
        `folder` with all trials and plots, why it was `skipped` (else empty), and `failures` (a list).

    Raises:
        imbench.Complaint: the overrides, the data or the results folder cannot be used; says what to do.
    """
    configurations = on_each_split(compose_grid(overrides))
    reports = search(configurations, shared_options(configurations), Console(stderr=True, quiet=quiet))
    for report in reports:
        if not report.skipped:
            write_report(report.study)
    return pd.DataFrame([row(report) for report in reports])


def row(report: Report) -> Mapping[str, Any]:
    """What there is to say of a study."""
    study, best = report.study, None if report.skipped else report.study.best()
    planned, columns = identify(study.base), study.identity.columns
    return {
        "data": planned.data_name,
        "target": planned.target,
        "model": study.base.model.name,
        "strategy": study.base.strategy,
        "split": study.base.split,
        "trials": study.finished(),
        "best_trial": None if best is None else best.number,
        **dict(zip(columns, best.values if best else [None] * len(columns), strict=True)),
        "settings": {} if best is None else dict(best.user_attrs["settings"]),
        "folder": str(study.folder),
        "skipped": report.skipped,
        "failures": list(report.failures),
    }
