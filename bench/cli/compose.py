"""From Hydra's grid to plain configurations: each choice of groups is composed once, values are set in copies.

One Hydra composition costs 40-50 ms; a thousand cells differ mostly in seeds and hyperparameters, which need none.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.cli.complaints import hydra_in_one_line
from bench.config import ConfigError
from bench.data.options import OWN_SETS, as_written, quoted
from strategies.registry import unknown

_CONFIG = "config"
_ONE_CHOICE = ("data", "model", "train", "tune", "experiment")  # groups of which a cell has one file


def guard(overrides: Sequence[str]) -> list[str]:
    """Overrides as Hydra's master configuration accepts them: `strategy.X.y=…` becomes `++strategy.X.y=…`, and names
    under `data` are quoted.

    In a sweep the master holds the default strategy only, and Hydra would refuse a key of another one. `expand` gives
    these overrides to the cells that contain X, and the configuration refuses keys that X does not have.

    Raises:
        ConfigError: what Hydra would take without a word and do something else with: a stack that lists a strategy
            twice (one is dropped), several files of another group (they are mixed); or a word that is no override.
    """
    for override in overrides:
        _check_override(override)
    return [f"++{o}" if o.startswith("strategy.") else as_written(o) for o in overrides]


def _check_override(override: str) -> None:
    """Raises what `guard` says."""
    key, equals, value = override.partition("=")
    if override.startswith("~"):
        return
    if not equals or not key.strip("+"):
        raise ConfigError(f"{override!r}: expected key=value, such as seed=1; imbench VERB --help lists the keys")
    for names in ([name.strip() for name in stack.split(",")] for stack in re.findall(r"\[([^]]*)\]", value)):
        if key in _ONE_CHOICE:
            raise ConfigError(
                f"{override}: expected one file of {key}, got a list; to compare several: -m {key}={value[1:-1]}"
            )
        twice = next((name for name in names if names.count(name) > 1), None)
        if key == "strategy" and twice is not None:
            raise ConfigError(f"strategy=[{','.join(names)}]: {twice!r} and {twice!r} repeat; list a strategy once")


def expand(overrides: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    """The grid of a multirun: one list of overrides per cell, without repeats.

    `strategy.X.*` reaches the cells whose stack contains X only.

    Raises:
        ConfigError: an override cannot be read, has no value, or names a strategy that no cell contains.
    """
    with hydra_in_one_line(overrides):
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    axes: dict[str, list[str]] = {}
    for override in parsed:
        key = override.get_key_element()
        axes[key] = [key] if override.is_delete() else [f"{key}={value}" for value in _swept_values(override, loader)]
    jobs: dict[tuple[str, ...], None] = {}
    used: set[str] = set()
    for job in itertools.product(*axes.values()):
        chosen = stack_of(job)
        kept = [o for o in job if owner(o) is None or chosen is None or owner(o) in chosen]
        used |= {owner(o) or "" for o in kept}
        jobs[tuple(kept)] = None
    refuse_unused([o for o in itertools.chain.from_iterable(axes.values()) if owner(o) not in used], list(jobs))
    return [list(job) for job in jobs]


def refuse_unused(overrides: Sequence[str], jobs: Sequence[Sequence[str]]) -> None:
    """Refuse overrides of `strategy.X.*` where X is in the stack of no job; where a file chooses stacks, none is.

    Raises:
        ConfigError: names the override, and the strategies that there are.
    """
    stacks = [stack_of(job) for job in jobs]
    for override in overrides:
        name = owner(override)
        if name is not None and not any(stack is None or name in stack for stack in stacks):
            known = sorted({strategy for stack in stacks for strategy in stack or ()})
            hint = unknown("strategy of this command", name, known)
            raise ConfigError(f"{override.lstrip('+')}: no cell uses it. {hint}")


def _swept_values(override: Override, loader: ConfigLoader) -> list[str]:
    """The values of one override in Hydra's own text; one for what is not swept.

    Raises:
        ConfigError: it is an interval, or a pattern that matches nothing.
    """
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: expected values to try (a,b,c · range(…) · glob(…)), got an interval; "
            "use imbench tune to search intervals"
        )
    found = [str(value) for value in override.sweep_string_iterator()]
    if not found:
        known = loader.get_group_options(override.key_or_group)
        hint = f"matches none of {', '.join(known)}" if known else "has no values"
        raise ConfigError(f"{override.input_line}: expected at least one value, but this {hint}; correct it")
    return found


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
    """One plain configuration per job. `common` are Hydra's own overrides (hydra.searchpath, …).

    Raises:
        ConfigError: an override cannot be read, or names a key, a group or a file that there is not.
    """
    parser = OverridesParser.create(config_loader=loader)
    parsed: dict[str, Override] = {}
    bases: dict[tuple[str, ...], tuple[dict[str, Any], bool]] = {}
    composed = []
    for job in jobs:
        for text in job:
            if text not in parsed:
                with hydra_in_one_line([text]):
                    (parsed[text],) = parser.parse_overrides([text])
        simple = [o for o in job if _is_value(parsed[o], loader)]
        structural = tuple(o for o in job if o not in simple)
        if structural not in bases:
            with hydra_in_one_line(structural):
                cfg = loader.load_configuration(_CONFIG, [*common, *structural], run_mode=RunMode.RUN)
            plain = cast("dict[str, Any]", OmegaConf.to_container(cfg, resolve=False))
            del plain["hydra"]
            bases[structural] = (plain, "${" in repr(plain))
        base, interpolated = bases[structural]
        one = copy.deepcopy(base)
        for text in simple:
            assign(one, parsed[text])
        if interpolated or any("${" in text for text in simple):
            with hydra_in_one_line(job):
                one = cast("dict[str, Any]", OmegaConf.to_container(OmegaConf.create(one), resolve=True))
        composed.append(one)
    return composed


def compose_one(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a command without a grid.

    Raises:
        ConfigError: as `compose` and `guard`; or an override has several values.
    """
    with hydra_loader() as loader:
        jobs = expand(guard(overrides), loader)
        if len(jobs) > 1:
            several = next(o for o in overrides if not any(f"{o}" in job for job in jobs))
            raise ConfigError(f"{several}: expected one value, got several; only run, plan and tune take a grid")
        (one,) = compose(loader, jobs, own_sets(overrides))
    return one


def own_sets(overrides: Sequence[str]) -> list[str]:
    """Hydra's override by which it finds the data sets that `data check … save=true` wrote, where there are any."""
    given = [o.partition("=")[2].strip("'\"") for o in overrides if o.startswith("results=")]
    sets = Path(given[-1] if given else "results").expanduser().resolve() / OWN_SETS
    if any("hydra.searchpath" in o for o in overrides) or not any((sets / "data").glob("*.yaml")):
        return []
    return [f"hydra.searchpath=[{quoted(sets.as_uri())}]"]


def _is_value(override: Override, loader: ConfigLoader) -> bool:
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
    """Hydra's configuration loader over our groups, outside `hydra.main` (Python, verbs without a grid)."""
    register_plugins()
    current = GlobalHydra.instance()
    theirs, current.hydra = current.hydra, None  # an application of Hydra's that calls us keeps its own
    try:
        with initialize_config_module("bench.conf", version_base="1.3"):
            yield GlobalHydra.instance().config_loader()
    finally:
        GlobalHydra.instance().hydra = theirs


def register_plugins() -> None:
    """Tell Hydra of our sweeper and launcher: its own scan does not see an editable install."""
    plugins = Plugins.instance()  # first: its scan executes Hydra's own plugins anew, and ours derives from one of them
    ours = import_module("hydra_plugins.imbench")  # bench/cli/hydra_plugin as it is installed; it imports this module
    for plugin in (ours.ImbenchSweeper, ours.ImbenchLauncher):
        plugins.register(plugin)
