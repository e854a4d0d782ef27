"""What verbs that train cells do with them: `run`, and `ablate` against another row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.config import CommandOptions
from bench.leaderboard.publish import print_boards
from bench.sweep.plan import Planned
from bench.sweep.run import report_failures, run_sweep


def sweep_and_print(
    planned: Sequence[Planned], options: CommandOptions, console: Console, *, baseline: str = "none"
) -> int:
    """Train the cells that have no record, print the boards of all of them, then what failed; the exit code.

    `baseline`: the row that the others are held against.
    """
    outcome = run_sweep(planned, options, console)
    print_boards(Path(options.results), console, keys=[p.key for p in planned], baseline=baseline)
    report_failures(outcome, console)
    return outcome.exit_code
