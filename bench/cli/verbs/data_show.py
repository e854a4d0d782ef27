"""Print licence, targets and keys of a data set.

The keys are those of data=NAME: how the table is read, cleaned, split and encoded.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.keys import describe, file_keys
from bench.cli.text import columns
from bench.cli.verb import Verb
from bench.cli.verbs.parts.cards import print_keys, print_lines
from bench.data.sources.registry import SOURCES
from bench.errors import Complaint


class DataShow(Verb):
    """Shows one data set or several."""

    name = "data show"
    group = "see what there is"
    order = 43
    usage = "NAME …"
    examples = ("imbench data show womens",)
    completes = "data"
    then = "plan 'strategy=glob(*)' data={first} repeats=5"

    def act(self, arguments: Sequence[str]) -> int:
        if not arguments:
            raise Complaint("data show: expected the name of a data set, got none; imbench data list has them")
        console = Console()
        for number, source in enumerate([SOURCES.get(name) for name in arguments]):
            lines = [*([""] if number else []), f"{source.name}: {source.title}", "", f"licence: {source.licence}"]
            lines += [] if source.fetched() else [f"not here yet: imbench data get {source.name}"]
            lines += ["", "targets:", *columns(source.targets.items()), ""] if source.targets else [""]
            print_lines(lines, console)
            print_keys(describe(file_keys("data", source.name)), console)
        return 0
