"""The command line: takes the verb away, leaves the rest to Hydra."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

HELP = """imbench: which treatment of class imbalance is worth using on your data, by how much, and at what cost.

usage: imbench VERB [-m] [key=value …]

  run          train the cells that have no record, print the table (-m: sweep over comma-separated values)
  plan         what the same overrides would run, and how long it may take
  status       what the results folder holds: done, failed, skipped, with reasons
  tune         search hyperparameters with Optuna, the same budget for every strategy (-m: many studies)
  tune status · tune show                        the searches there are · their best settings
  publish      leaderboards from records: terminal, HTML page, Markdown, CSV, LaTeX, JSON; board.name=… a snapshot
  advise       which strategy the records speak for: need.probabilities=true budget.fits=1 board.data=womens
  compare      A B: what changed between two snapshots or results folders; board.fail_if='average_precision<-0.01'
  strategies   the treatments there are          models       the models there are
  data list    the data sets there are
  data get NAME …                                fetch public data sets into the cache
  data check PATH data.target=…                  look at a file (or data=NAME): classes, leaks, ids, drift, schema
  data cache                                     what the cache holds; clear=true deletes all but fetched sets
  results check · results gc                     verify records and predictions · delete left-overs

examples
  imbench run -m 'strategy=glob(*)' seed=0,1,2
  imbench run -m 'strategy=none,focal,[undersample,focal]' data=womens data.target=class model=mlp seed=0,1,2
  imbench run -m 'strategy=glob(*)' data=file data.path=my.parquet data.target=bought
  imbench publish results=results

Keys and their defaults: imbench run --cfg job · what a strategy does: imbench strategies
"""

GRID_VERBS = ("run", "plan", "tune")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (0 done, 1 cells failed, 2 wrong use, 130 interrupted)."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    complete_line()
    if not args or args[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if args[0] == "--version":
        from importlib.metadata import version  # noqa: PLC0415

        print(f"imbench {version('imbench')}")
        return 0
    verb, rest = args[0], args[1:]
    if (verb in ("data", "results") and rest) or (verb == "tune" and rest[:1] in (["status"], ["show"])):
        verb, rest = f"{verb} {rest[0]}", rest[1:]
    if "-h" in rest or "--help" in rest:
        print(HELP, end="")
        return 0
    if verb == "-sc" or verb.startswith("--shell-completion"):
        return hydra_app("run", args)
    if verb in GRID_VERBS:
        return hydra_app(verb, rest)
    return quick(verb, rest)


def quick(verb: str, overrides: list[str]) -> int:
    """Verbs about one folder or one registry, without a grid."""
    from rich.console import Console  # noqa: PLC0415 - help stays quick

    from bench.cli import commands  # noqa: PLC0415

    console = Console()
    plain: Mapping[str, Callable[[Console], int]] = {
        "strategies": commands.strategies, "models": commands.models, "data list": commands.data_list,
    }  # fmt: skip
    on_results: Mapping[str, Callable[[Any, Console], int]] = {
        "status": commands.status, "tune status": commands.tune_status, "publish": commands.publish,
        "advise": commands.advise,
        "results check": commands.results_check, "results gc": commands.results_gc,
    }  # fmt: skip
    if verb in plain:
        return guarded(lambda: plain[verb](console))
    folders, rest = positional(overrides)
    with_arguments: Mapping[str, Callable[[], int]] = {
        "tune show": lambda: commands.tune_show(composed_settings(overrides), console, chosen(overrides)),
        "data get": lambda: commands.data_get(overrides, console),
        "data cache": lambda: commands.data_cache(overrides, console),
        "data check": lambda: commands.data_check(composed(file_overrides(overrides)), console),
        "compare": lambda: commands.compare(folders, composed_settings(rest), console),
    }
    if verb in with_arguments:
        return guarded(with_arguments[verb])
    if verb in on_results:
        return guarded(lambda: on_results[verb](composed_settings(overrides), console))
    from strategies.registry import unknown  # noqa: PLC0415

    return complain(unknown("verb", verb, [*GRID_VERBS, *with_arguments, *plain, *on_results]))


def positional(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Folders and overrides of `compare A B key=value`; rules are quoted, as `<` is no part of Hydra's grammar."""
    folders: list[str] = []
    overrides: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key in ("board.fail_if", "--fail-if"):
            quoted = value[:1] in ("'", '"')
            value = value if quoted else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
            overrides.append(f"board.fail_if={value}")
        else:
            (overrides if equals and "/" not in key else folders).append(argument)
    return folders, overrides


def composed_settings(overrides: list[str]) -> Any:
    """Settings from overrides, through Hydra."""
    from bench.config import read_options  # noqa: PLC0415

    return read_options(composed(overrides))


def composed(overrides: list[str]) -> Mapping[str, Any]:
    """One configuration from overrides, through Hydra."""
    from bench.cli.compose import compose, hydra_loader  # noqa: PLC0415

    with hydra_loader() as loader:
        return compose(loader, [overrides])[0]


def file_overrides(arguments: list[str]) -> list[str]:
    """A path as `data check` takes it becomes overrides; quoted, because Hydra's grammar knows , ( = and blanks."""
    if not arguments or re.match(r"[+~]*[\w.]+=", arguments[0]):
        return arguments
    quoted = arguments[0].replace("\\", "\\\\").replace("'", "\\'")
    return ["data=file", f"data.path='{quoted}'", *arguments[1:]]


def chosen(overrides: Sequence[str]) -> dict[str, str]:
    """What `tune show` is about: the values given for strategy, data, data.target and model."""
    given = dict(o.partition("=")[::2] for o in overrides)
    names = {"strategy": "strategy", "data": "data", "data.target": "target", "model": "model"}
    return {name: given[key].strip("[]").replace(",", "+") for key, name in names.items() if key in given}


def hydra_app(verb: str, args: list[str]) -> int:
    """Hand `args` to Hydra, which composes one configuration or a grid of them."""
    from bench.sweep.fork_server import likely_to_train, warm_context  # noqa: PLC0415

    if verb == "run" and likely_to_train(args):
        warm_context("bench.sweep.runner")  # imports Lightning while we compose and plan

    from rich.console import Console  # noqa: PLC0415

    from bench.cli import commands  # noqa: PLC0415
    from bench.cli.compose import guard, register_plugins  # noqa: PLC0415
    from bench.cli.lazy_torch import postpone  # noqa: PLC0415

    postpone("torch")
    console = Console()
    action = {"run": commands.run, "plan": commands.plan, "tune": commands.tune}[verb]
    codes: list[int] = []

    def many(configurations: Sequence[Mapping[str, Any]]) -> int:
        codes.append(guarded(lambda: action(configurations, console)))
        return codes[-1]

    def task(cfg: Any) -> int:
        from omegaconf import OmegaConf  # noqa: PLC0415

        return many([OmegaConf.to_container(cfg, resolve=True)])  # type: ignore[list-item]  # the root is a mapping

    task.many = many  # type: ignore[attr-defined]  # what the launcher calls with a whole grid
    if verb == "plan" and not {"-m", "--multirun"} & set(args):
        args = ["-m", *args]

    def app() -> int:
        import hydra  # noqa: PLC0415 - a quarter of a second

        register_plugins()
        sys.argv = [sys.argv[0], *guard(args)]
        hydra.main(config_path="pkg://bench.conf", config_name="config", version_base="1.3")(task)()
        return max(codes, default=0)

    return guarded(app)


def guarded(action: Callable[[], int]) -> int:
    """Run; a complaint that its reader can act on becomes one line and exit code 2, and nothing else is caught."""
    try:
        return action()
    except Exception as error:
        if not actionable(error) or os.environ.get("HYDRA_FULL_ERROR"):
            raise
        return complain(str(error))


def actionable(error: Exception) -> bool:
    """Whether an error is a message to the user, by the names of its classes: importing them all would be slow."""
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & {"ConfigError", "DataError", "ResultsError", "HydraException"})


def complain(message: str) -> int:
    """Print an error; the exit code of wrong use."""
    print(f"imbench: {message}", file=sys.stderr)
    return 2


def complete_line() -> None:
    """Take the verb out of the line that a shell asks to have completed, so that Hydra sees its own grammar."""
    line = os.environ.get("COMP_LINE")
    if line is not None:
        words = line.split(" ")
        if len(words) > 1 and words[1] in GRID_VERBS:
            os.environ["COMP_LINE"] = " ".join([words[0], *words[2:]])
            os.environ["COMP_POINT"] = str(len(os.environ["COMP_LINE"]))


if __name__ == "__main__":
    sys.exit(main())
