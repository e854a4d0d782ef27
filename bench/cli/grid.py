"""Verbs that take a grid of cells: Hydra composes the configurations, and when it has returned, the verb acts on them.

So what Hydra raises is about the overrides and becomes one line, and what the verb raises is the verb's own.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any, ClassVar, cast

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from bench.cli.complaints import hydra_in_one_line
from bench.cli.compose import guard, own_sets, register_plugins
from bench.cli.loader import CONFIG, Loader, our_loader
from bench.cli.references import followed
from bench.cli.verb import INTERRUPTED, VERBS, Verb
from bench.config import ConfigError
from strategies.registry import unknown

Configurations = Sequence[Mapping[str, Any]]


class GridVerb(Verb):
    """A verb about the cells of one configuration, or with -m of many; `keeps` as in `Outline`."""

    keeps: ClassVar[str] = ""

    def on_grid(self, configurations: Configurations) -> int:
        """Do it, for at least one composed configuration. Returns the exit code."""
        raise NotImplementedError

    def in_job(self, configurations: Configurations) -> int:
        """Do it for one cell of several, in a process that another launcher than ours has started for it."""
        return self.on_grid(configurations)

    def after_jobs(self, codes: Sequence[int]) -> None:
        """Say what is to be said once, when all such jobs have ended."""

    def act(self, arguments: Sequence[str]) -> int:
        """Compose, then act; Hydra's own options (`--cfg job`, `--info`) only print something."""
        task = Task(self.in_job)
        with hydra_in_one_line(arguments):
            code = _compose_by_hydra(self.name, arguments, task)
            configurations = [plain(one) for one in task.configurations]
        if configurations:
            return self._resumable(configurations)
        codes = task.codes or task.here
        if codes:
            self.after_jobs(codes)
        return max(codes, default=code)

    def _resumable(self, configurations: Configurations) -> int:
        """Act; where Ctrl-C ends it, say what is kept.

        Raises:
            KeyboardInterrupt: nothing is.
        """
        try:
            return self.on_grid(configurations)
        except KeyboardInterrupt:
            if not self.keeps:
                raise
            print(f"interrupted: finished {self.keeps} are kept; the same command goes on from there")
            return INTERRUPTED


class Task:
    """What Hydra calls: keeps the configurations for later.

    Another launcher than ours calls it once per cell, maybe in a process elsewhere (joblib, submitit): then it acts at
    once, and in a job's own process without further ones, which joblib's workers cannot start.
    """

    def __init__(self, act: Callable[[Configurations], int]) -> None:
        self.act = act
        self.configurations: list[Any] = []
        self.codes: list[int] = []
        self.here: list[int] = []  # of jobs that another launcher ran in this process
        self.home = os.getpid()

    def many(self, configurations: Configurations) -> None:
        """Called by our launcher with a whole grid."""
        self.configurations += configurations

    def finished(self, codes: Sequence[int]) -> None:
        """Called by our sweeper with what the jobs of another launcher returned."""
        self.codes += codes

    def __call__(self, cfg: Any) -> int:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            if os.getpid() != self.home:
                return self.act([{**plain(cfg), "debug": True}])
            self.here.append(self.act([plain(cfg)]))
            return self.here[-1]
        self.configurations.append(cfg)
        return 0


def plain(configuration: Any) -> Mapping[str, Any]:
    """A configuration without OmegaConf's types, references followed."""
    return followed(configuration) if OmegaConf.is_config(configuration) else cast("Mapping[str, Any]", configuration)


def _compose_by_hydra(verb: str, arguments: Sequence[str], task: Task) -> int:
    """Run Hydra's application over our configuration. Returns the exit code of an option of its own.

    Raises:
        ConfigError: the arguments cannot be used; says why in one line.
    """
    options = _check_options(arguments)
    _check_words(verb, options.overrides)
    words = [*_guarded(arguments, options.overrides), *own_sets(options.overrides)]
    with full_errors(), argv(words), our_loader(strict=not options.multirun) as loaders:
        register_plugins()
        try:
            hydra.main(config_path="pkg://bench.conf", config_name=CONFIG, version_base="1.3")(task)()
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else 1
    shown = options.cfg or options.info or options.hydra_help or options.shell_completion
    if options.multirun and not (shown or task.configurations or task.codes or task.here):
        raise ConfigError(
            "hydra/sweeper: expected imbench's own with a launcher whose jobs run in other processes: no other one "
            "passes on how they ended. What they did is recorded; leave hydra/sweeper out"
        )
    _say_idle(loaders)
    return 0


def _say_idle(loaders: Sequence[Loader]) -> None:
    """Say for which strategies a file sets something that is in no cell of this command."""
    in_files, chosen = (set[str]().union(*(getattr(one, name) for one in loaders)) for name in ("in_files", "chosen"))
    for name in sorted(in_files - chosen):
        print(f"strategy.{name}: a configuration file sets it, and no cell of this command uses it", file=sys.stderr)


def _check_options(arguments: Sequence[str]) -> Namespace:
    """The arguments as Hydra reads them.

    Raises:
        ConfigError: an option that Hydra does not have, or that has no meaning here.
    """
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            options = get_args_parser().parse_args(list(arguments))
    except SystemExit as stop:
        if stop.code == 0:  # --version
            raise
        reason = said.getvalue().strip().rpartition("error: ")[2]
        raise ConfigError(f"{reason}; imbench run --help lists keys, run --hydra-help Hydra's own options") from None
    if options.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun: expected a file that Hydra wrote; it writes none here, give overrides")
    return options


def _check_words(verb: str, overrides: Sequence[str]) -> None:
    """Refuse a word that was meant as a verb.

    Raises:
        ConfigError: names the verbs that may be meant.
    """
    names = VERBS.names()
    for word in overrides:
        if "=" in word or word.startswith("~"):
            continue
        members = [name for name in names if name.startswith(f"{verb} ")]
        if members:
            raise ConfigError(unknown("verb", f"{verb} {word}", members))
        if word in {first for name in names for first in name.split()}:
            raise ConfigError(f"{word!r}: expected key=value, got a second verb; give one verb at a time")


def _guarded(arguments: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """The arguments with each override as `guard` gives it."""
    safe = dict(zip(overrides, guard(overrides), strict=True))
    return [safe.get(argument, argument) for argument in arguments]


@contextmanager
def full_errors() -> Iterator[None]:
    """Have Hydra raise what goes wrong, instead of printing it and ending this process."""
    name, before = "HYDRA_FULL_ERROR", os.environ.get("HYDRA_FULL_ERROR")
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def argv(arguments: Sequence[str]) -> Iterator[None]:
    """Have Hydra see these arguments: it reads `sys.argv`."""
    before = sys.argv
    sys.argv = [before[0] if before else "imbench", *arguments]
    try:
        yield
    finally:
        sys.argv = before
