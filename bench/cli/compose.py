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
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.cli.complaints import hydra_in_one_line
from bench.cli.loader import CONFIG, Loader, no_cell_uses, our_loader, owner
from bench.cli.references import followed
from bench.config import ConfigError
from bench.data.options import OWN_SETS, as_written, quoted
from strategies.registry import unknown

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


def expand(
    overrides: Sequence[str], loader: Loader, config: str | None = CONFIG, common: Sequence[str] = ()
) -> list[list[str]]:
    """The grid of a multirun: one list of overrides per cell, without repeats.

    `strategy.X.*` reaches the cells whose stack contains X only, whether the command line, an experiment file or the
    main configuration `config` chooses it. `common` are Hydra's own overrides (hydra.searchpath, …).

    Raises:
        ConfigError: an override cannot be read, has no value, or names a strategy that no cell contains.
    """
    with hydra_in_one_line(overrides):
        loader.told(config, [*common, *overrides])
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    axes: dict[str, list[str]] = {}
    groups: set[str] = set()
    for override in parsed:
        key = override.get_key_element()
        axes[key] = [key] if override.is_delete() else [f"{key}={value}" for value in _swept_values(override, loader)]
        if not _is_value(override, loader):
            groups |= {*axes[key]}
    owned = any(owner(override) for choices in axes.values() for override in choices)
    stacks: dict[tuple[str, ...], list[str]] = {}
    jobs: dict[tuple[str, ...], None] = {}
    used: set[str] = set()
    for job in itertools.product(*axes.values()):
        structural = tuple(o for o in job if o in groups)
        if owned and structural not in stacks:
            with hydra_in_one_line(structural):
                stacks[structural] = loader.members_of([o for o in structural if not o.startswith("hydra.searchpath")])
        kept = [o for o in job if owner(o) is None or owner(o) in stacks[structural]]
        used |= {owner(o) or "" for o in kept}
        jobs[tuple(kept)] = None
    known = {name for stack in stacks.values() for name in stack}
    for text in itertools.chain.from_iterable(axes.values()):
        if (strategy := owner(text)) is not None and strategy not in used:
            raise ConfigError(no_cell_uses(text, sorted(known)))
    return [list(job) for job in jobs]


def _swept_values(override: Override, loader: Loader) -> list[str]:
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


def compose(
    loader: Loader, jobs: Sequence[Sequence[str]], common: Sequence[str] = (), config: str | None = CONFIG
) -> list[dict[str, Any]]:
    """One plain configuration per job. `common` are Hydra's own overrides (hydra.searchpath, …), `config` the main one.

    Raises:
        ConfigError: an override cannot be read, or names a key, a group or a file that there is not.
    """
    loader.told(config, common)
    parser = OverridesParser.create(config_loader=loader)
    parsed: dict[str, Override] = {}
    values: set[str] = set()  # overrides that need no composition
    bases: dict[tuple[str, ...], tuple[dict[str, Any], bool]] = {}
    composed = []
    for job in jobs:
        for text in job:
            if text not in parsed:
                with hydra_in_one_line([text]):
                    (parsed[text],) = parser.parse_overrides([text])
                values |= {text} if _is_value(parsed[text], loader) else set()
        simple = [o for o in job if o in values]
        structural = tuple(o for o in job if o not in simple)
        if structural not in bases:
            with hydra_in_one_line(structural):
                cfg = loader.load_configuration(config, [*common, *structural], run_mode=RunMode.RUN)
            plain = cast("dict[str, Any]", OmegaConf.to_container(cfg, resolve=False))
            del plain["hydra"]
            bases[structural] = (plain, "${" in repr(plain))
        base, interpolated = bases[structural]
        one = copy.deepcopy(base)
        for text in simple:
            assign(one, parsed[text])
        if interpolated or any("${" in text for text in simple):
            with hydra_in_one_line(job):
                one = followed(OmegaConf.create(one))
        composed.append(one)
    return composed


def compose_one(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration of a command without a grid.

    Raises:
        ConfigError: as `compose` and `guard`; or an override has several values.
    """
    with hydra_loader() as loader:
        own = own_sets(overrides)
        jobs = expand(guard(overrides), loader, common=own)
        if len(jobs) > 1:
            several = next(o for o in overrides if not any(f"{o}" in job for job in jobs))
            raise ConfigError(f"{several}: expected one value, got several; only run, plan and tune take a grid")
        (one,) = compose(loader, jobs, own)
    return one


def own_sets(overrides: Sequence[str]) -> list[str]:
    """Hydra's override by which it finds the data sets that `data check … save=true` wrote, where there are any."""
    given = [o.partition("=")[2].strip("'\"") for o in overrides if o.startswith("results=")]
    sets = Path(given[-1] if given else "results").expanduser().resolve() / OWN_SETS
    if any("hydra.searchpath" in o for o in overrides) or not any((sets / "data").glob("*.yaml")):
        return []
    return [f"hydra.searchpath=[{quoted(sets.as_uri())}]"]


def _is_value(override: Override, loader: Loader) -> bool:
    """Whether an override sets a value at a path, so that no composition is needed: not a group, nothing deleted."""
    if override.is_delete() or override.package is not None or override.key_or_group.startswith("hydra."):
        return False
    if override.is_add() and not override.is_force_add():
        return False
    return "." in override.key_or_group or not loader.is_group(override.key_or_group)


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
def hydra_loader() -> Iterator[Loader]:
    """The configuration loader over our groups, outside `hydra.main` (Python, verbs without a grid)."""
    register_plugins()
    current = GlobalHydra.instance()
    theirs, current.hydra = current.hydra, None  # an application of Hydra's that calls us keeps its own
    try:
        with our_loader() as made, initialize_config_module("bench.conf", version_base="1.3"):
            yield made[-1]
    finally:
        GlobalHydra.instance().hydra = theirs


def register_plugins() -> None:
    """Tell Hydra of our sweeper and launcher: its own scan does not see an editable install."""
    plugins = Plugins.instance()  # first: its scan executes Hydra's own plugins anew, and ours derives from one of them
    ours = import_module("hydra_plugins.imbench")  # bench/cli/hydra_plugin as it is installed; it imports this module
    for plugin in (ours.ImbenchSweeper, ours.ImbenchLauncher):
        plugins.register(plugin)
