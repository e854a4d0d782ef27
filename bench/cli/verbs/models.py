"""List the models; with names, their cards.

A card ends with the settings, their defaults and what `tune` searches."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.cli.verbs.parts.cards import print_entries
from bench.models.registry import MODELS


class Models(Verb):
    """Shows models."""

    name = "models"
    group = "see what there is"
    order = 41
    usage = "[NAME …]"
    examples = ("imbench models", "imbench models mlp")
    completes = "model"
    then = "run -m 'strategy=none,focal' data=womens model=mlp repeats=5"

    def act(self, arguments: Sequence[str]) -> int:
        print_entries(MODELS, "model", arguments, Console())
        return 0
