"""From Hydra's grid to plain configurations: each choice of groups is composed once, values are set in copies.

One Hydra composition costs 40-50 ms; a thousand cells differ mostly in seeds and hyperparameters, which need none.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from bench.config import ConfigError
from strategies.registry import unknown

if TYPE_CHECKING:
    from hydra.core.config_loader import ConfigLoader
    from hydra.core.override_parser.types import Override

CONFIG = "config"


def guard(overrides: Sequence[str]) -> list[str]:
    """Overrides as Hydra's master configuration accepts them: `strategy.X.y=…` becomes `++strategy.X.y=…`.

    In a sweep the master holds the default strategy only, and Hydra would refuse a key of another one. `expand` gives
    these overrides to the cells that contain X, and the configuration refuses keys that X does not have.

    Raises:
        ConfigError: a stack lists a strategy twice (Hydra would silently keep one).
    """
    for override in overrides:
        stacks = re.findall(r"\[([^]]*)\]", override) if override.startswith("strategy=") else []
        for names in ([name.strip() for name in stack.split(",")] for stack in stacks):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ConfigError(f"strategy=[{','.join(names)}]: {twice!r} and {twice!r} repeat; list a strategy once")
    return [f"++{o}" if o.startswith("strategy.") else o for o in overrides]


def expand(overrides: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    """The grid of a multirun: one list of overrides per cell, without repeats.

    `strategy.X.*` reaches the cells whose stack contains X only.

    Raises:
        ConfigError: an override names a strategy that no cell contains.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser  # noqa: PLC0415 - half of Hydra's import

    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    axes: dict[str, list[str]] = {}
    for override in parsed:
        key = override.get_key_element()
        axes[key] = [f"{key}={value}" for value in values(override)] if not override.is_delete() else [key]
    jobs: dict[tuple[str, ...], None] = {}
    used: set[str] = set()
    for job in itertools.product(*axes.values()):
        chosen = stack_of(job)
        kept = [o for o in job if owner(o) is None or chosen is None or owner(o) in chosen]
        used |= {owner(o) or "" for o in kept}
        jobs[tuple(kept)] = None
    for o in itertools.chain.from_iterable(axes.values()):
        name = owner(o)
        if name is not None and name not in used:
            known = sorted({s for job in jobs for s in stack_of(job) or ()})
            raise ConfigError(f"{o.lstrip('+')}: no cell uses it. " + unknown("strategy of this sweep", name, known))
    return [list(job) for job in jobs]


def values(override: Override) -> list[str]:
    """The values of one override in Hydra's own text; one for what is not swept."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: expected values to try (a,b,c · range(…) · glob(…)), got an interval; "
            "use imbench tune to search intervals"
        )
    return [str(value) for value in override.sweep_string_iterator()]


def owner(override: str) -> str | None:
    """X of an override of strategy.X.*, else None."""
    key = override.lstrip("+~").partition("=")[0]
    parts = key.split(".")
    return parts[1] if parts[0] == "strategy" and len(parts) > 2 else None


def stack_of(job: Sequence[str]) -> list[str] | None:
    """The names in a job's `strategy=a` or `strategy=[a,b]`; None where an experiment file chooses them."""
    chosen = next((o for o in job if o.startswith("strategy=")), None)
    if chosen is None:
        return None if any(o.startswith("experiment=") for o in job) else ["none"]
    return [name.strip() for name in chosen.partition("=")[2].strip("[]").split(",")]


def compose(loader: ConfigLoader, jobs: Sequence[Sequence[str]], common: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One plain configuration per job. `common` are Hydra's own overrides (hydra.searchpath, …)."""
    from hydra.core.override_parser.overrides_parser import OverridesParser  # noqa: PLC0415 - half of Hydra's import
    from hydra.types import RunMode  # noqa: PLC0415
    from omegaconf import OmegaConf  # noqa: PLC0415

    parser = OverridesParser.create(config_loader=loader)
    parsed: dict[str, Override] = {}
    bases: dict[tuple[str, ...], tuple[dict[str, Any], bool]] = {}
    composed = []
    for job in jobs:
        for text in job:
            if text not in parsed:
                (parsed[text],) = parser.parse_overrides([text])
        simple = [o for o in job if is_value(parsed[o], loader)]
        structural = tuple(o for o in job if o not in simple)
        if structural not in bases:
            cfg = loader.load_configuration(CONFIG, [*common, *structural], run_mode=RunMode.RUN)
            plain = cast("dict[str, Any]", OmegaConf.to_container(cfg, resolve=False))
            del plain["hydra"]
            bases[structural] = (plain, "${" in repr(plain))
        base, interpolated = bases[structural]
        one = copy.deepcopy(base)
        for text in simple:
            assign(one, parsed[text])
        if interpolated or any("${" in text for text in simple):
            one = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.create(one), resolve=True))
        composed.append(one)
    return composed


def is_value(override: Override, loader: ConfigLoader) -> bool:
    """Whether an override sets a value at a path, so that no composition is needed: not a group, nothing deleted."""
    if override.is_delete() or override.package is not None or override.key_or_group.startswith("hydra."):
        return False
    if override.is_add() and not override.is_force_add():
        return False
    return "." in override.key_or_group or not cast(Any, loader).repository.group_exists(override.key_or_group)


def assign(raw: dict[str, Any], override: Override) -> None:
    """Set one value.

    Raises:
        ConfigError: the section does not exist. Unknown keys inside one are found when it is checked.
    """
    *path, last = override.key_or_group.split(".")
    node: Any = raw
    for part in path:
        known = [str(k) for k in node] if isinstance(node, dict) else []
        if part not in known:
            raise ConfigError(unknown("key", override.key_or_group, known))
        node = node[part]
    if not isinstance(node, dict):
        raise ConfigError(f"{override.key_or_group}: expected a section, got the value {node!r}")
    if last not in node and not path:
        raise ConfigError(unknown("key", last, [str(k) for k in node]))
    node[last] = override.value()


@contextmanager
def hydra_loader() -> Iterator[ConfigLoader]:
    """Hydra's configuration loader over our groups, outside `hydra.main` (notebooks, quick verbs)."""
    from hydra import initialize_config_module  # noqa: PLC0415 - costs a quarter of a second
    from hydra.core.global_hydra import GlobalHydra  # noqa: PLC0415

    register_plugins()
    with initialize_config_module("bench.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def register_plugins() -> None:
    """Tell Hydra of our sweeper and launcher: its own scan does not see an editable install."""
    from hydra.core.plugins import Plugins  # noqa: PLC0415 - scanning costs a quarter of a second

    plugins = Plugins.instance()  # first: its scan executes Hydra's own plugins anew, and ours derives from one of them
    from hydra_plugins.imbench import (  # type: ignore[import-not-found]  # noqa: PLC0415 - bench/cli/hydra_plugin, installed
        ImbenchLauncher,
        ImbenchSweeper,
    )

    for plugin in (ImbenchSweeper, ImbenchLauncher):
        plugins.register(plugin)
