"""Say what the results folder holds: done, failed, skipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.next_step import say_next
from bench.cli.verb import Verb
from bench.leaderboard.status import status as print_status
from bench.records.store import Store


class Status(Verb):
    """Looks into the results folder."""

    name = "status"
    group = "compare strategies"
    order = 12
    keys = ("results",)
    examples = ("imbench status", "imbench status results=results/board")

    def act(self, arguments: Sequence[str]) -> int:
        root = Path(options_from(arguments).results)
        print_status(root, Console())
        if Store(root).paths():
            say_next("publish{results}", arguments)
        return 0
