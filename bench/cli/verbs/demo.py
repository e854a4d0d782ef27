"""Compare eight treatments on real reviews, and write the page.

Two targets of reviews that come with imbench, one treatment of each kind, five splits: a look, in minutes and without a
network. It does what `imbench run` and `imbench publish` do with the arguments that it names first; the same command
again goes on where it stopped.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from bench.cli.console import Console
from bench.cli.verb import VERBS, Verb

_EIGHT: Final = "none,oversample,undersample,class_weights,focal,importance_weighted,transfer,self_supervised"
_GRID: Final = ("-m", f"strategy={_EIGHT}", "data=womens", "data.target=one_star,class", "model=mlp", "repeats=5")


class Demo(Verb):
    """Runs and publishes."""

    name = "demo"
    group = "compare strategies"
    order = 13
    usage = "[key=value …]"
    keys = ("results", "repeats", "run")
    examples = ("imbench demo", "imbench demo repeats=10 results=results/demo")
    postpones = ("torch",)
    preloads = "bench.sweep.runner"
    then = "data check MY_TABLE.csv data.target=MY_TARGET"

    def act(self, arguments: Sequence[str]) -> int:
        own = {word.partition("=")[0] for word in arguments}
        grid = [word for word in _GRID if word.partition("=")[0] not in own]
        run = [*grid, *arguments]
        publish = ["board.data=womens", *(word for word in arguments if word.startswith("results="))]
        console = Console()
        console.print(f"imbench run {shlex.join(run)}", highlight=False, soft_wrap=True, markup=False)
        code = VERBS.get("run")().act(run)
        console.print(f"imbench publish {shlex.join(publish)}", highlight=False, soft_wrap=True, markup=False)
        return VERBS.get("publish")().act(publish) or code
