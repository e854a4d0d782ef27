"""From composed configurations to the cells of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cli.compose import compose_one
from bench.cli.repeats import repeated
from bench.config import Cell, CommandOptions, read_cell, read_options
from bench.sweep.plan import Planned, plan


def plan_cells(configurations: Sequence[Mapping[str, Any]]) -> tuple[list[Planned], CommandOptions]:
    """The cells of a sweep, each once and on each of its repeats, and the options that they share.

    Raises:
        ConfigError, DataError: what was asked for cannot be done; nothing was run.
    """
    options = read_options(configurations[0])
    return plan([_cell_of(raw, options) for raw in repeated(configurations)]), options


def _cell_of(raw: Mapping[str, Any], options: CommandOptions) -> Cell:
    """The cell of a configuration; with `tuned=true` at the best settings of its study.

    Raises:
        ConfigError: it cannot be read, or there are no tuned settings for it.
    """
    if raw.get("tuned") is not True:
        return read_cell(raw)
    from bench.tuning.study import tuned  # noqa: PLC0415 - Optuna takes half a second, and few sweeps need it

    best, budget = tuned(raw, options.tune, Path(options.results))
    return replace(read_cell(best), budget=tuple(sorted(budget.items())))


def options_from(overrides: Sequence[str]) -> CommandOptions:
    """What overrides say beside any cell, for commands about a results folder.

    Raises:
        ConfigError: they cannot be used.
    """
    return read_options(compose_one(overrides))
