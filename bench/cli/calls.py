"""What would make Hydra import or call something: refused by name, wherever it stands in a configuration.

Files of configurations are passed around. Hydra instantiates `hydra.callbacks`, `_target_` of launchers and sweepers,
and what its logging names; a file with any of these runs code of its author's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf

from bench.config import ConfigError

_ENGINES: Final = re.compile(r"hydra_plugins\.\w+(\.\w+)*|hydra\._internal\.core_plugins\.\w+(\.\w+)*")
"""Launchers and sweepers that are installed as such."""

_LOGGING: Final = re.compile(r"logging\.\w+(\.\w+)*|colorlog\.\w+")
_STREAMS: Final = ("ext://sys.stdout", "ext://sys.stderr")
_LOADED: Final = re.compile(r"PYTHON.*|LD_.*|DYLD_.*|HYDRA_.*")
"""Variables that decide which code a process runs."""


def refuse_calls(cfg: DictConfig) -> None:
    """Look through a composed configuration, before anything acts on it.

    Raises:
        ConfigError: names the first key that would make Hydra import or call something.
    """
    raw = OmegaConf.to_container(cfg, resolve=False)
    for path, key, value in _leaves(raw, ""):
        section = path.rpartition(".")[0]
        engine = section in ("hydra.launcher", "hydra.sweeper")
        logging = path.startswith(("hydra.job_logging.", "hydra.hydra_logging."))
        text = str(value)
        if path.startswith("hydra.callbacks."):
            _refuse("hydra.callbacks")
        if key == "_target_" and not (engine and _ENGINES.fullmatch(text)):
            _refuse(path)
        if logging and (
            key == "()"
            or (key == "class" and not _LOGGING.fullmatch(text))
            or (text.startswith("ext://") and text not in _STREAMS)
        ):
            _refuse(path)
        if section == "hydra.job.env_set" and _LOADED.fullmatch(key):
            _refuse(path)
        if path.startswith("hydra.job.env_copy"):
            raise ConfigError(
                f"{path}: expected no variables of the environment in a configuration, which is recorded; leave it out"
            )


def _refuse(path: str) -> None:
    raise ConfigError(
        f"{path}: expected only values, but this would make Hydra import or call what it names; leave it out"
    )


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """(path, last key, value) of everything that is neither a mapping nor a list."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            below = f"{path}.{key}" if path else str(key)
            if isinstance(value, Mapping | list):
                yield from _leaves(value, below)
            else:
                yield below, str(key), value
    elif isinstance(node, list):
        for value in node:
            if isinstance(value, Mapping | list):
                yield from _leaves(value, path)
            else:
                yield path, path.rpartition(".")[2], value
