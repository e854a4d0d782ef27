"""Say which searches there are, how far each is, its best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.tuning.report import print_studies


class TuneStatus(Verb):
    """Lists studies."""

    name = "tune status"
    group = "tune them"
    order = 21
    keys = ("results", "tune.storage")
    examples = ("imbench tune status",)
    postpones = ("torch",)
    then = "tune show{results}"

    def act(self, arguments: Sequence[str]) -> int:
        options = options_from(arguments)
        return print_studies(Path(options.results), Console(), options.tune.storage)
