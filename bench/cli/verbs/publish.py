"""Say what was found, and write leaderboards as files.

As HTML, Markdown, CSV, LaTeX and JSON, from records only. With board.name=NAME a snapshot, with its records and the
command that made it, goes to published/NAME in the results folder. format=bencheval writes instead bencheval.csv, the
rows that TabArena's engine (the package bencheval) makes a leaderboard of; results= may then be a snapshot, too.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.config import CommandOptions, ConfigError
from bench.leaderboard.publish import for_settings as publish_boards
from bench.leaderboard.publish import picked
from bench.leaderboard.publish_rows import publish_rows
from bench.printed import masked


class Publish(Verb):
    """Writes boards."""

    name = "publish"
    group = "read the results"
    order = 30
    usage = "[format=bencheval] [key=value …]"
    keys = (
        "results",
        "board.data",
        "board.target",
        "board.model",
        "board.metric",
        "board.baseline",
        "board.name",
        "board.overwrite",
        "board.bootstrap",
        "board.plots",
        "board.rope",
    )
    examples = (
        "imbench publish results=results",
        "imbench publish board.data=womens board.name=first",
        "imbench publish format=bencheval",
    )

    def act(self, arguments: Sequence[str]) -> int:
        own = [word.partition("=")[2] for word in arguments if word.partition("=")[0] == "format"]
        options = options_from([word for word in arguments if word.partition("=")[0] != "format"])
        if own:
            return _rows(own[-1], options)
        command = shlex.join(["imbench", "publish", *map(_public, arguments)])
        written = publish_boards(options.board, Path(options.results), Console(), command)
        return 0 if written or options.board.name is None else 1  # a snapshot that was asked for and is not there


def _rows(wanted: str, options: CommandOptions) -> int:
    """Write the rows of another engine.

    Raises:
        ConfigError: the format is none, or a snapshot is asked for.
    """
    if wanted != "bencheval":
        raise ConfigError(
            f"format: expected bencheval, got {wanted!r}; without format= boards are written as HTML, Markdown, CSV, "
            "LaTeX and JSON at once"
        )
    board = options.board
    if board.name is not None:
        raise ConfigError(
            "format=bencheval: expected no board.name, it makes no snapshot; make one, then give its folder as results="
        )
    publish_rows(Path(options.results), Console(), where=picked(board), metric=board.metric)
    return 0


def _public(word: str) -> str:
    """A word of the command as pages and manifests show it: of an absolute path the last name only, and no password."""
    key, _, value = masked(word).partition("=")
    return f"{key}=…/{Path(value).name}" if Path(value).is_absolute() else masked(word)
