"""From composed configurations to the cells of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.config import Cell, CommandOptions, read_cell, read_options

if TYPE_CHECKING:
    from bench.sweep.plan import Planned


def prepare(configurations: Sequence[Mapping[str, Any]]) -> tuple[list[Planned], CommandOptions]:
    """The cells of a sweep, each once, and the settings that they share.

    Raises:
        ConfigError, DataError: what was asked for cannot be done; nothing was run.
    """
    from bench.sweep.plan import plan  # noqa: PLC0415 - pandas and the data; not for a wrong command line

    options = read_options(configurations[0])
    return plan([resolve(raw, options) for raw in configurations]), options


def resolve(raw: Mapping[str, Any], options: CommandOptions) -> Cell:
    """The cell of a configuration; with `tuned=true` at the best settings of its study.

    Raises:
        ConfigError: it cannot be read, or there are no tuned settings for it.
    """
    if raw.get("tuned") is not True:
        return read_cell(raw)
    from bench.tuning.study import tuned  # noqa: PLC0415 - Optuna: half a second

    best, budget = tuned(raw, options.tune, Path(options.results))
    return replace(read_cell(best), budget=tuple(sorted(budget.items())))
