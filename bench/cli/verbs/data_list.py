"""List the data sets and their targets.

Sets that must be fetched first say so."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.cli.verbs.parts.cards import print_list
from bench.cli.verbs.parts.plain import no_arguments
from bench.data.sources.registry import SOURCES


class DataList(Verb):
    """Lists data sets."""

    name = "data list"
    group = "see what there is"
    order = 42
    usage = ""
    examples = ("imbench data list",)
    then = "data show womens"

    def act(self, arguments: Sequence[str]) -> int:
        no_arguments(self.name, arguments)
        rows = []
        for source in map(SOURCES.get, SOURCES.names()):
            state = "" if source.fetched() else f" · not here yet: imbench data get {source.name}"
            rows.append((source.name, f"{source.title} ({source.licence}){state}"))
            rows += [(f"  {target}", text) for target, text in source.targets.items()]
        print_list(rows, Console())
        return 0
