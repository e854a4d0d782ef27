"""Leave one strategy of a stack out at a time.

The board is of the whole stack, the stack without each of its members, and none at all; each is judged against the
whole: one that is worse shows what the strategy that it lacks is worth. `publish board.baseline=a+b` writes the same
board as files. Takes what `run` takes: an experiment
(experiment=marketplace, apparel, cross_border) or a stack of your own. repeats=10 is a verdict, repeats=5 a look.
Settings of the data (cleaning, say) are not strategies: they make a board of their own; compare two runs instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cli.cells import plan_cells
from bench.cli.console import Console
from bench.cli.grid import Configurations, GridVerb
from bench.cli.next_step import say_next
from bench.cli.verbs.parts.introduce import introduce
from bench.cli.verbs.parts.sweep_and_print import sweep_and_print
from bench.config import ConfigError


class Ablate(GridVerb):
    """Leaves one out."""

    name = "ablate"
    group = "compare strategies"
    order = 14
    usage = "[key=value …]"
    keys = ("strategy", "data", "model", "seed", "split", "repeats", "experiment", "results", "train", "run", "debug")
    examples = (
        "imbench ablate experiment=cross_border repeats=10",
        "imbench ablate 'strategy=[undersample,class_weights,focal]' data=womens repeats=5",
    )
    postpones = ("torch",)
    preloads = "bench.sweep.runner"
    keeps = "cells"

    def on_grid(self, configurations: Configurations) -> int:
        console = Console()
        if len(configurations) != 1:
            raise ConfigError(f"ablate: expected one stack, got {len(configurations)} configurations; leave out -m")
        every = _without_each(configurations[0])
        planned, options = plan_cells(every)
        introduce(planned, console)
        whole = planned[0].cell.strategy
        code = sweep_and_print(planned, options, console, baseline=whole)
        if code == 0:  # without board.baseline differences on the page are to `none`
            say_next(f"publish{{results}} board.baseline={whole}", [f"results={options.results}"])
        return code


def _without_each(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The configuration, the same without each of its strategies, and without any.

    Raises:
        ConfigError: it has fewer than two.
    """
    stack = {name: own for name, own in (raw.get("strategy") or {}).items() if name != "none"}
    if len(stack) < 2:
        raise ConfigError(
            f"ablate: expected a stack of two strategies or more, got {', '.join(stack) or 'none'}; give "
            "experiment=… or 'strategy=[a,b]'"
        )
    fewer = [{name: own for name, own in stack.items() if name != left_out} for left_out in stack]
    return [dict(raw), *({**raw, "strategy": own} for own in fewer), {**raw, "strategy": {}}]
