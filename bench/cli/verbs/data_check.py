"""Look at a table first: classes, leaks, ids, drift, schema.

At a file of yours, or at a data set (data=NAME). Nothing is trained; the schema is written to a file that can be
edited. With save=true the table becomes a data set of the results folder, under the file's name or data.name: data=NAME
reads it in the same way from then on. The exit code is 1 where the table cannot be split.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.text import Text

from bench.cli.compose import compose_one
from bench.cli.console import Console
from bench.cli.next_step import say_next
from bench.cli.verb import Verb
from bench.config import read_data, read_options
from bench.data.inspect.check import check as look_at
from bench.data.inspect.own_set import save_own_set
from bench.data.inspect.report import print_findings, save_schema
from bench.data.options import OWN_SETS, quoted

_GRID: Final = "run -m strategy=none,class_weights,focal repeats=5"


class DataCheck(Verb):
    """Looks at a table."""

    name = "data check"
    group = "see what there is"
    order = 45
    usage = "PATH data.target=NAME [save=true data.name=NAME] [key=value …]"
    keys = ("data", "results")
    examples = ("imbench data check reviews.csv data.target=bad", "imbench data check data=womens data.target=class")
    completes = "file"

    def act(self, arguments: Sequence[str]) -> int:
        saves = [word for word in arguments if word in ("save=true", "save=false")]
        composed, console = compose_one(file_overrides([w for w in arguments if w not in saves])), Console()
        config = read_data(composed.get("data", {}))
        table = config.load()
        findings = look_at(table, config.test_fraction, config.val_fraction)
        print_findings(findings, console)
        results = Path(read_options(composed).results)
        if saves[-1:] == ["save=true"]:
            path = save_own_set(config, table, results / OWN_SETS)
            console.print(
                Text(f"data set written to {path}: data={path.stem} is this table from now on"), soft_wrap=True
            )
            then = f"{_GRID} data={shlex.quote(path.stem)}{{results}}"
        else:  # the file of a data set holds the schema, too
            save_schema(table, results, console, config)
            then = f"{_GRID} {{words}}" if all(map(_is_override, arguments)) else "data check {words} save=true"
        if findings.refused:
            return 1
        say_next(then, [word for word in arguments if word not in saves])
        return 0


def _is_override(word: str) -> bool:
    return re.match(r"[+~]*[\w.]+=", word) is not None


def file_overrides(arguments: Sequence[str]) -> list[str]:
    """A path becomes overrides; quoted, because Hydra's grammar knows , ( = and blanks."""
    if not arguments or _is_override(arguments[0]):
        return list(arguments)
    return ["data=file", f"data.path={quoted(arguments[0])}", *arguments[1:]]
