"""Say which strategy the records speak for, given your needs.

What you need is `need`, what one training may cost `budget`. It shows its reasons, quotes the textbooks beside what
was measured, and says when the evidence is too weak.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.next_step import say_next
from bench.cli.verb import Verb
from bench.leaderboard.advice.terminal import for_settings as print_advice


class Advise(Verb):
    """Answers which one to use."""

    name = "advise"
    group = "read the results"
    order = 31
    keys = ("results", "need", "budget", "board.data", "board.target", "board.model")
    examples = ("imbench advise board.data=womens need.probabilities=true budget.fits=1",)

    def act(self, arguments: Sequence[str]) -> int:
        if step := print_advice(options_from(arguments), Console()):
            say_next(f"{step}{{results}}", arguments)
        return 0
