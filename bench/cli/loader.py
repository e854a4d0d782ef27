"""Hydra's configuration loader, with what every command relies on, whoever composes: Hydra, our sweeper or a stock one.

- A key under `strategy` sets something of a strategy that was chosen by name, and never adds one.
- Nothing in a configuration makes Hydra import or call anything (`bench.cli.calls`).
- Files are bounded before they are read.
- Patterns such as `glob(*)` see the folders of hydra.searchpath, which Hydra 1.3 leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import hydra._internal.hydra as engine
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.default_element import ResultDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from bench.bounded_yaml import Unbounded, check_yaml
from bench.cli.calls import refuse_calls
from bench.config import ConfigError
from strategies.registry import unknown

CONFIG = "config"
"""The main configuration, where --config-name names no other."""


class _Repository(ConfigRepository):
    """Where configurations lie; a file is held to its bounds before it is read."""

    def load_config(self, config_path: str) -> ConfigResult | None:
        source = self._find_object_source(config_path=config_path, object_type=ObjectType.CONFIG)
        if source is not None and source.scheme() == "file":
            path = os.path.join(source.path, ConfigSource._normalize_file_name(config_path))
            try:
                with open(path, encoding="utf-8") as file:
                    check_yaml(file.read())
            except (Unbounded, UnicodeDecodeError) as error:
                raise ConfigError(f"{path}: expected a configuration in YAML, but {error}; correct it") from error
        return super().load_config(config_path)


class Loader(ConfigLoaderImpl):
    """Composes configurations. `strict`: an override for a strategy that was not chosen is refused, not left out."""

    def __init__(self, config_search_path: ConfigSearchPath, *, strict: bool = False) -> None:
        super().__init__(config_search_path)
        self.repository = _Repository(config_search_path)
        self.strict = strict
        self.config: str | None = CONFIG
        self.common: list[str] = []
        self.members: list[str] = []  # strategies of the latest composition, in its order
        self.chosen: set[str] = set()  # strategies of any composition
        self.in_files: set[str] = set()  # strategies for which a file sets something without choosing them

    def told(self, config: str | None, overrides: Sequence[str]) -> None:
        """Look for groups and files as a command with these overrides does."""
        self.config, self.common = config, [o for o in overrides if o.startswith("hydra.searchpath")]

    def searched(self) -> CachingConfigRepository:
        """Where configurations lie, the folders of hydra.searchpath included."""
        _, repository = self._parse_overrides_and_create_caching_repo(self.config, self.common)
        return repository

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        found: list[str] = self.searched().get_group_options(group_name, results_filter)
        return found

    def is_group(self, name: str) -> bool:
        """Whether there is a group of files of this name."""
        return bool(self.searched().group_exists(name))

    def members_of(self, overrides: Sequence[str]) -> list[str]:
        """The strategies that a composition with these overrides has, in its order."""
        defaults = self.compute_defaults_list(self.config, [*self.common, *overrides], RunMode.RUN).defaults
        return _members(defaults)

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        self.told(config_name, overrides)
        cfg = super().load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)
        refuse_calls(cfg)
        foreign = _without_others(cfg, self.members)
        if foreign and self.strict and run_mode == RunMode.RUN:
            raise ConfigError(no_cell_uses(next(o for o in overrides if owner(o) in foreign), self.members))
        return cfg

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: Any) -> DictConfig:
        cfg = super()._compose_config_from_defaults_list(defaults, repo)
        self.members = _members(defaults)
        self.chosen |= {*self.members}
        self.in_files |= _without_others(cfg, self.members)
        return cfg


def _members(defaults: Sequence[ResultDefault]) -> list[str]:
    """The strategies whose files are part of a composition.

    Raises:
        ConfigError: a file of that group puts its keys somewhere else.
    """
    found: dict[str, None] = {}
    for default in defaults:
        group, _, name = (default.config_path or "").rpartition("/")
        if group != "strategy":
            continue
        section, _, member = (default.package or "").partition(".")
        if section != "strategy" or not member or "." in member:
            raise ConfigError(
                f"strategy={name}: expected a file whose first line is '# @package strategy.{name}', but its keys go "
                f"to {default.package or '_global_'!r}; correct that line"
            )
        found[member] = None
    return [*found]


def _without_others(cfg: DictConfig, members: Sequence[str]) -> set[str]:
    """Take strategies out that were not chosen; returns their names."""
    section = cfg.get("strategy")
    if not OmegaConf.is_dict(section):
        return set()
    others = {str(name) for name in section} - {*members}
    with open_dict(cfg):
        for name in others:
            del section[name]
    return others


def owner(override: str) -> str | None:
    """X of an override of strategy.X or strategy.X.*, else None."""
    parts = override.lstrip("+~").partition("=")[0].split(".")
    return parts[1] if parts[0] == "strategy" and len(parts) > 1 else None


def no_cell_uses(override: str, known: Sequence[str]) -> str:
    """What is said of an override for a strategy that is in no cell."""
    hint = unknown("strategy of this command", owner(override) or "", sorted(known))
    return f"{override.lstrip('+')}: no cell uses it. {hint}"


@contextmanager
def our_loader(*, strict: bool = False) -> Iterator[list[Loader]]:
    """Have Hydra make loaders of ours; they are listed as they are made."""
    made: list[Loader] = []

    def make(config_search_path: ConfigSearchPath) -> Loader:
        made.append(partial(Loader, strict=strict)(config_search_path))
        return made[-1]

    theirs = engine.ConfigLoaderImpl  # type: ignore[attr-defined]
    engine.ConfigLoaderImpl = make  # type: ignore[attr-defined, assignment]
    try:
        yield made
    finally:
        engine.ConfigLoaderImpl = theirs  # type: ignore[attr-defined]
