"""List the treatments of imbalance; with names, their cards.

A card says what a strategy does, by which formula and paper, which values are usual and what it combines badly with;
then come its settings, their defaults and what `tune` searches.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.cli.verbs.parts.cards import print_entries
from strategies.registry import STRATEGIES


class Strategies(Verb):
    """Shows strategies."""

    name = "strategies"
    group = "see what there is"
    order = 40
    usage = "[NAME …]"
    examples = ("imbench strategies", "imbench strategies focal")
    completes = "strategy"
    then = "plan 'strategy=none,focal' data=womens repeats=5"

    def act(self, arguments: Sequence[str]) -> int:
        print_entries(STRATEGIES, "strategy", arguments, Console())
        return 0
