"""Show what the cache holds, or clear it.

clear=true deletes all but fetched sets, clear=PART one part.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.data.inspect.report import cache as print_cache


class DataCache(Verb):
    """Shows and clears the cache."""

    name = "data cache"
    group = "see what there is"
    order = 46
    usage = "[clear=true|PART]"
    then = "data list"
    examples = ("imbench data cache", "imbench data cache clear=true")

    def act(self, arguments: Sequence[str]) -> int:
        return print_cache(list(arguments), Console())
