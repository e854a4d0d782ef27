"""Delete what interrupted runs left behind.

Files younger than an hour may be in use and stay."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.leaderboard.text.words import plural
from bench.records.store import Store

_YOUNG = 3600  # seconds


class ResultsGc(Verb):
    """Collects garbage."""

    name = "results gc"
    group = "look after the results folder"
    order = 52
    keys = ("results",)
    examples = ("imbench results gc",)
    then = "status{results}"

    def act(self, arguments: Sequence[str]) -> int:
        orphans = Store(options_from(arguments).results).orphans()
        old = [path for path in orphans if time.time() - path.stat().st_mtime > _YOUNG]
        for path in old:
            path.unlink(missing_ok=True)
        Console().print(f"deleted {plural(len(old), 'left-over file')}", highlight=False)
        return 0
