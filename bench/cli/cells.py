"""From composed configurations to the cells of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cli.compose import compose_one
from bench.cli.repeats import repeated
from bench.config import WHOLE_COMMAND, Cell, CommandOptions, ConfigError, read_cell, read_options
from bench.sweep.plan import Planned, plan


def plan_cells(configurations: Sequence[Mapping[str, Any]]) -> tuple[list[Planned], CommandOptions]:
    """The cells of a sweep, each once and on each of its repeats, and the options that they share.

    Raises:
        ConfigError, DataError: what was asked for cannot be done; nothing was run.
    """
    options = shared_options(configurations)
    return plan([_cell_of(raw, options) for raw in repeated(configurations)]), options


def shared_options(configurations: Sequence[Mapping[str, Any]]) -> CommandOptions:
    """What a command was given beside its cells: one value of each key, for all of them.

    Raises:
        ConfigError: cells differ in it; names the key.
    """
    first = configurations[0]
    for raw in configurations[1:]:
        for section in WHOLE_COMMAND:
            if raw.get(section) != first.get(section):
                key, one, other = _difference(section, first.get(section), raw.get(section))
                raise ConfigError(
                    f"{key}: expected one value for the whole command, got {one!r} and {other!r}; run one command for "
                    "each"
                )
    return read_options(first)


def _difference(path: str, one: Any, other: Any) -> tuple[str, Any, Any]:
    """The first key below `path` in which two values differ, and what it has in each."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        key = next(key for key in {**one, **other} if one.get(key) != other.get(key))
        return _difference(f"{path}.{key}", one.get(key), other.get(key))
    return path, one, other


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
