"""Train the cells that have no record, and print the table.

A cell is one data set and target, model, strategy or stack of strategies, split and seed. With -m the command sweeps:
every combination of comma-separated values is a cell. With repeats=5 each is made anew on five splits: what is then
said of strategies is about other test rows too, of which seed=0,1,2 on one split says nothing. The same command again
goes on where the last one stopped; a cell that fails gets a record with its reason, stops no other, and makes the exit
code 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import plan_cells
from bench.cli.console import Console
from bench.cli.grid import Configurations, GridVerb
from bench.cli.verbs.parts.introduce import introduce
from bench.cli.verbs.parts.sweep_and_print import sweep_and_print
from bench.leaderboard.text.words import plural
from bench.sweep.run import report_failures, run_sweep


class Run(GridVerb):
    """Sweeps."""

    name = "run"
    group = "compare strategies"
    order = 10
    usage = "[-m] [key=value …]"
    keys = (
        "strategy",
        "data",
        "model",
        "seed",
        "split",
        "repeats",
        "tuned",
        "experiment",
        "results",
        "train",
        "run",
        "debug",
    )
    accepts = ("tune",)  # which search tuned=true is about
    examples = (
        "imbench run -m 'strategy=glob(*)' repeats=5",
        "imbench run -m 'strategy=none,focal,[undersample,focal]' data=womens data.target=class repeats=10",
        "imbench run -m 'strategy=glob(*)' data=file data.path=my.parquet data.target=bought",
        "imbench run --cfg job",
    )
    postpones = ("torch",)
    preloads = "bench.sweep.runner"
    then = "publish{results}"
    keeps = "cells"

    def on_grid(self, configurations: Configurations) -> int:
        console = Console()
        planned, options = plan_cells(configurations)
        introduce(planned, console, schemas=Path(options.results) / "schemas")
        return sweep_and_print(planned, options, console)

    def in_job(self, configurations: Configurations) -> int:
        """Train the cell of a job; boards are about all of them."""
        console = Console()
        planned, options = plan_cells(configurations)
        if options.run.timeout is not None:
            console.print("run.timeout: a job of another launcher has that launcher's own limit, and not this one")
        outcome = run_sweep(planned, options, console)
        report_failures(outcome, console)
        return outcome.exit_code

    def after_jobs(self, codes: Sequence[int]) -> None:
        failed = sum(code != 0 for code in codes)
        Console().print(
            f"{plural(len(codes), 'job')} ended, {failed} of them not well; imbench publish makes boards of the "
            "records",
            highlight=False,
        )
