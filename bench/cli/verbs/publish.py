"""Say what was found, and write leaderboards as files.

As HTML, Markdown, CSV, LaTeX and JSON, from records only. With board.name=NAME a snapshot, with its records and the
command that made it, goes to published/NAME in the results folder.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.leaderboard.publish import for_settings as publish_boards
from bench.printed import masked


class Publish(Verb):
    """Writes boards."""

    name = "publish"
    group = "read the results"
    order = 30
    keys = (
        "results",
        "board.data",
        "board.target",
        "board.model",
        "board.metric",
        "board.name",
        "board.overwrite",
        "board.bootstrap",
        "board.plots",
        "board.rope",
    )
    examples = ("imbench publish results=results", "imbench publish board.data=womens board.name=first")

    def act(self, arguments: Sequence[str]) -> int:
        options = options_from(arguments)
        command = shlex.join(["imbench", "publish", *map(_public, arguments)])
        written = publish_boards(options.board, Path(options.results), Console(), command)
        return 0 if written or options.board.name is None else 1  # a snapshot that was asked for and is not there


def _public(word: str) -> str:
    """A word of the command as pages and manifests show it: of an absolute path the last name only, and no password."""
    key, _, value = masked(word).partition("=")
    return f"{key}=…/{Path(value).name}" if Path(value).is_absolute() else masked(word)
