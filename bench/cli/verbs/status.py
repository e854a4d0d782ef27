"""Say what the results folder holds: done, failed, skipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.leaderboard.status import status as print_status


class Status(Verb):
    """Looks into the results folder."""

    name = "status"
    group = "compare strategies"
    order = 12
    keys = ("results",)
    examples = ("imbench status", "imbench status results=results/board")

    def act(self, arguments: Sequence[str]) -> int:
        print_status(Path(options_from(arguments).results), Console())
        return 0
