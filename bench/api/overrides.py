"""Overrides as Python gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.cli.compose import compose, expand, guard, hydra_loader, own_sets
from bench.config import ConfigError


def check_list(overrides: Sequence[str]) -> list[str]:
    """The overrides as a list.

    Raises:
        ConfigError: they are one text instead of several, or not texts.
    """
    if isinstance(overrides, str) or not all(isinstance(override, str) for override in overrides):
        raise ConfigError(
            f"expected a list of overrides such as ['strategy=none,focal', 'seed=0,1'], got {overrides!r}"
        )
    return list(overrides)


def compose_grid(overrides: Sequence[str]) -> list[dict[str, Any]]:
    """The configurations of a grid, one per cell.

    Raises:
        ConfigError: the overrides cannot be used.
    """
    with hydra_loader() as loader:
        own = own_sets(check_list(overrides))
        return compose(loader, expand(guard(overrides), loader, common=own), own)
