"""Print the best settings that searches have found.

Of all studies, or of those of one strategy, data set, target or model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.next_step import say_next
from bench.cli.verb import Verb
from bench.config import ConfigError
from bench.tuning.report import print_best


class TuneShow(Verb):
    """Shows what was found."""

    name = "tune show"
    group = "tune them"
    order = 22
    keys = ("strategy", "data", "model", "results")
    examples = ("imbench tune show", "imbench tune show strategy=focal data=womens data.target=class")
    postpones = ("torch",)

    def act(self, arguments: Sequence[str]) -> int:
        code = print_best(Path(options_from(arguments).results), Console(), wanted(arguments))
        if any(word.startswith("strategy=") for word in arguments):
            say_next("run -m {words} tuned=true", arguments)
        else:
            print("next: imbench run -m with the words of that imbench tune, and tuned=true")
        return code


def wanted(overrides: Sequence[str]) -> dict[str, str | None]:
    """What studies must match: the values given for strategy, data, data.target and model.

    Raises:
        ConfigError: another key.
    """
    given = dict(override.partition("=")[::2] for override in overrides)
    names = {"strategy": "strategy", "data": "data", "data.target": "target", "model": "model"}
    for key in given.keys() - {*names, "results", "debug"}:
        raise ConfigError(
            f"{key}: tune show selects by {', '.join(names)} only, so it would count for nothing; leave it out"
        )
    return {name: given[key].strip("[]").replace(",", "+") for key, name in names.items() if key in given}
