"""Following the references of a configuration, `${…}`, but not from a record into the environment.

What a cell is made of is written into its record and printed on boards; a variable of the environment may be a
password. Paths and addresses, which no record holds, may name variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from omegaconf.resolvers import oc

from bench.config import ConfigError

_UNRECORDED: Final = ("results", "data.path", "data.schema_file", "tune.storage", "run", "debug", "hydra")


def followed(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain values.

    Raises:
        ConfigError: a value that is recorded comes from the environment.
    """
    with _closed_environment() as asked:
        for path in _references(cfg, ""):
            try:
                OmegaConf.select(cfg, path)
            except OmegaConfBaseException:
                if asked:
                    raise ConfigError(
                        f"{path}: expected a value that may be recorded, got the variable {asked[0]} of the "
                        f'environment; give the value itself, such as {path}="${asked[0]}" in a shell'
                    ) from None
    return cast("dict[str, Any]", OmegaConf.to_container(cfg, resolve=True))


def _references(node: Any, path: str) -> Iterator[str]:
    """Paths of recorded values that refer to something else."""
    keys: Any = (
        node.keys() if isinstance(node, DictConfig) else range(len(node)) if isinstance(node, ListConfig) else ()
    )
    for key in keys:
        below = f"{path}.{key}" if path and isinstance(node, DictConfig) else f"{path}[{key}]" if path else str(key)
        if any(below == kept or below.startswith(f"{kept}.") for kept in _UNRECORDED):
            continue
        if OmegaConf.is_interpolation(node, key):
            yield below
        else:
            yield from _references(node._get_node(key), below)


@contextmanager
def _closed_environment() -> Iterator[list[str]]:
    """For a moment `${oc.env:…}` raises; names that were asked for are listed."""
    asked: list[str] = []

    def refuse(name: str, *_: Any) -> None:
        asked.append(str(name))
        raise ValueError(name)

    OmegaConf.register_new_resolver("oc.env", refuse, replace=True)
    try:
        yield asked
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
