"""Verify records and their stored predictions.

Every record must be readable, be the one of its own cell (its name is the digest of its configuration), hold values
that its metrics can take, and its predictions must be its own and have the hash that it names. With recompute=true
metrics are computed anew from the predictions, and must be those that are recorded. What is wrong is named with what
mends it, and no board is made of it. The exit code is 1 where something is.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.config import ConfigError
from bench.evaluation.verify import problem
from bench.leaderboard.text.words import plural
from bench.records.store import Store


class ResultsCheck(Verb):
    """Verifies records."""

    name = "results check"
    group = "look after the results folder"
    order = 50
    usage = "[recompute=true] [results=DIR]"
    keys = ("results",)
    examples = ("imbench results check", "imbench results check recompute=true")
    then = "publish{results}"

    def act(self, arguments: Sequence[str]) -> int:
        own = [word for word in arguments if word.startswith("recompute=")]
        if any(word not in ("recompute=true", "recompute=false") for word in own):
            raise ConfigError(f"recompute: expected true or false, got {own[-1].partition('=')[2]!r}")
        store, console = Store(options_from([w for w in arguments if w not in own]).results), Console()
        recompute = own[-1:] == ["recompute=true"]
        paths = store.paths()
        wrong = [why for path in paths if (why := problem(store, path, recompute=recompute))]
        for why in wrong:
            console.print(Text(why), soft_wrap=True)
        if wrong:
            console.print("no board is made of these; the others are not touched", highlight=False)
        console.print(f"{plural(len(paths), 'record')} checked, {len(wrong)} wrong", highlight=False)
        return 1 if wrong else 0
