"""Verify records and their stored predictions.

Every record must be readable, and its predictions must have the hash that it names. The exit code is 1 where one is
not.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from bench.cli.cells import options_from
from bench.cli.verb import Verb
from bench.records.files import ResultsError
from bench.records.store import Store


class ResultsCheck(Verb):
    """Verifies records."""

    name = "results check"
    group = "look after the results folder"
    order = 50
    keys = ("results",)
    examples = ("imbench results check",)

    def act(self, arguments: Sequence[str]) -> int:
        store, console = Store(options_from(arguments).results), Console()
        wrong, count = [], 0
        for path in store.paths():
            count += 1
            try:
                record = store.read(path)
                if record.status == "done":
                    store.predictions(record)
            except ResultsError as error:
                wrong.append(str(error))
        for problem in wrong:
            console.print(Text(problem), soft_wrap=True)
        console.print(f"{count} records checked, {len(wrong)} wrong", highlight=False)
        return 1 if wrong else 0
