"""Say what `run` would do, and how long it may take.

Cells that are done, skipped, failed and to do. Nothing is trained and nothing written. The estimate comes from cells
alike on record in the results folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from bench.cli.cells import plan_cells
from bench.cli.console import Console
from bench.cli.grid import Configurations, GridVerb
from bench.cli.repeats import repeated
from bench.cli.verbs.parts.introduce import introduce
from bench.config import read_options
from bench.leaderboard.text.words import plural
from bench.records.record import FAILURES
from bench.records.store import Store
from bench.sweep.plan import outlook, tally
from bench.sweep.progress import duration
from bench.sweep.workers import worker_count


class Plan(GridVerb):
    """Looks ahead."""

    name = "plan"
    group = "compare strategies"
    order = 11
    usage = "[key=value …]"
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
        "run.retry_failed",
    )
    accepts = ("train", "run", "tune")  # all that `run` takes: plans are made of the same words
    examples = (
        "imbench plan 'strategy=glob(*)' data=womens data.target=one_star,class repeats=5",
        "imbench plan 'strategy=glob(*)' tuned=true repeats=5 tune.trials=12",
    )
    postpones = ("torch",)
    then = "run -m {words}"

    def act(self, arguments: Sequence[str]) -> int:
        several = {"-m", "--multirun"} & {*arguments}
        return super().act(arguments if several else ["-m", *arguments])

    def on_grid(self, configurations: Configurations) -> int:
        console = Console()
        tuned = [raw for raw in repeated(configurations) if raw.get("tuned") is True]
        if tuned and _searches(tuned, console):
            return 0
        planned, options = plan_cells(configurations)
        ahead = outlook(planned, Store(options.results), retry_failed=options.run.retry_failed)
        introduce(planned, console)
        for text in (*ahead.problems, *tally(planned)):
            console.print(Text(text), soft_wrap=True)
        done, skipped, failed = ahead.count("done"), ahead.count("skipped"), ahead.count(*FAILURES)
        console.print(
            f"{plural(len(planned), 'cell')}: {done} done, {skipped} skipped, {failed} failed, "
            f"{len(ahead.to_do)} to do",
            highlight=False,
        )
        if failed and not options.run.retry_failed:
            console.print("failed cells are not run again unless run.retry_failed=true", highlight=False)
        workers = worker_count(options, len(ahead.to_do))
        if ahead.to_do and ahead.seconds is None:
            console.print("no estimate: nothing comparable is on record yet", highlight=False)
        elif ahead.seconds:
            time = duration(ahead.seconds / workers)
            console.print(f"about {time} on {plural(workers, 'worker')}, from past cells", highlight=False)
        return 0


def _searches(tuned: Configurations, console: Console) -> bool:
    """Say what the searches behind tuned cells cost; whether some come first, so that no cell is known yet."""
    from bench.tuning.cost import search_cost  # noqa: PLC0415 - Optuna takes half a second, and few plans need it

    options = read_options(tuned[0])
    cost = search_cost(tuned, options.tune, Path(options.results))
    console.print(str(cost), highlight=False, soft_wrap=True)
    if cost.without:
        console.print(
            f"then {plural(len(tuned), 'cell')}; {cost.without} of the studies have no settings yet: run imbench tune "
            "with the same overrides first",
            highlight=False,
            soft_wrap=True,
        )
    return cost.without > 0
