"""Give old records the metrics that they lack.

They are computed from the stored predictions: for metrics that are newer than the records. With metric=NAME only that
one (raw/auroc, or auroc for all its views; several with commas between); with overwrite=true those that are there are
computed anew. A record whose predictions are gone, or are not what was recorded, is named and stays as it is; the exit
code is then 1. What cannot be computed, because an old record does not hold what it takes, is stored as undefined with
the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.config import ConfigError
from bench.evaluation.reevaluate import Reevaluation, reevaluate
from bench.leaderboard.text.words import plural
from bench.records.store import Store


class ResultsEvaluate(Verb):
    """Evaluates stored predictions."""

    name = "results evaluate"
    group = "look after the results folder"
    order = 51
    usage = "[metric=NAME,…] [overwrite=true] [results=DIR]"
    keys = ("results",)
    examples = (
        "imbench results evaluate",
        "imbench results evaluate metric=raw/auroc",
        "imbench results evaluate overwrite=true",
    )
    then = "publish{results}"

    def act(self, arguments: Sequence[str]) -> int:
        own = dict(a.partition("=")[::2] for a in arguments if a.startswith(("metric=", "overwrite=")))
        options = options_from([a for a in arguments if not a.startswith(("metric=", "overwrite="))])
        overwrite = own.get("overwrite", "false").lower()
        if overwrite not in ("true", "false"):
            raise ConfigError(f"overwrite: expected true or false, got {overwrite!r}")
        wanted = [name.strip() for name in own.get("metric", "").strip("[]").split(",") if name.strip()]
        try:
            found = reevaluate(Store(options.results), wanted, overwrite=overwrite == "true")
        except ValueError as error:
            raise ConfigError(f"metric: {error}") from error
        _print_outcome(found, Console())
        return 1 if found.problems else 0


def _print_outcome(found: Reevaluation, console: Console) -> None:
    """What was written, what cannot be computed and why, and the records that were left as they are."""
    for problem in found.problems:
        console.print(Text(problem), soft_wrap=True)
    for reason, count in sorted(found.undefined.items()):
        console.print(Text(f"{count} with metrics that stay undefined: {reason}"), soft_wrap=True)
    console.print(
        f"{plural(found.records, 'record')} evaluated, {found.changed} written, {len(found.problems)} left as they are",
        highlight=False,
    )
