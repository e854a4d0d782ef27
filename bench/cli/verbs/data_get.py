"""Fetch public data sets, and text encoders, into the cache.

It says where they come from and what their licences allow. What is fetched is checked against a recorded hash."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.data.inspect.report import get as fetch_sets


class DataGet(Verb):
    """Fetches data sets."""

    name = "data get"
    group = "see what there is"
    order = 44
    usage = "NAME …"
    examples = ("imbench data get cdnow lending_club",)
    completes = "set"

    def act(self, arguments: Sequence[str]) -> int:
        return fetch_sets(list(arguments), Console())
