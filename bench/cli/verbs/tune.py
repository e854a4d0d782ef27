"""Search hyperparameters, the same budget for every strategy.

Optuna searches, with -m in many studies: one for each strategy, data set, model and split. A search sees training and
validation rows only, and begins with the defaults and with the strategy switched off. The same command goes on after an
interruption; a larger tune.trials extends a study. With repeats=5 there is a study for each of five splits, so that
what is compared is not one lucky search. `imbench run tuned=true` with the same choices uses what was found.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.cli.cells import shared_options
from bench.cli.console import Console
from bench.cli.grid import Configurations, GridVerb
from bench.cli.repeats import on_each_split
from bench.tuning.cost import search_cost
from bench.tuning.database import said_of_database
from bench.tuning.driver import tune as search
from bench.tuning.overlay import write_overlays
from bench.tuning.progress import summarize
from bench.tuning.report import write_report


class Tune(GridVerb):
    """Searches."""

    name = "tune"
    group = "tune them"
    order = 20
    usage = "[-m] [key=value …]"
    keys = ("strategy", "data", "model", "split", "repeats", "experiment", "results", "tune", "train", "run", "debug")
    examples = (
        "imbench tune strategy=focal data=digits_lt tune.trials=10",
        "imbench tune -m 'strategy=glob(*)' data=womens data.target=one_star,class tune.trials=40",
    )
    postpones = ("torch",)
    then = "run -m {words} tuned=true"
    keeps = "trials"

    def on_grid(self, configurations: Configurations) -> int:
        console, options, began = Console(), shared_options(configurations), time.monotonic()
        searches = on_each_split(configurations)
        console.print(f"{search_cost(searches, options.tune, Path(options.results))}", highlight=False, soft_wrap=True)
        with said_of_database():
            reports = search(searches, options, console)
            searched = [report.study for report in reports if not report.skipped]
            for study in searched:
                write_report(study)
            overlays = [path for path in write_overlays(searched) if path.suffix == ".svg"]
        return summarize(reports, time.monotonic() - began, console, overlays=overlays)
