"""Say what changed between two snapshots or results folders.

The exit code is 1 where a rule of board.fail_if holds. A rule is WHAT[@STRATEGY] OPERATOR NUMBER[%], about the change
from BEFORE to AFTER; several are separated by `;`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.cli.verb import Verb
from bench.errors import Complaint
from bench.leaderboard.compare import compare as print_changes


class Compare(Verb):
    """Holds one folder against another."""

    name = "compare"
    group = "read the results"
    order = 32
    usage = "BEFORE AFTER [key=value …]"
    keys = ("board.fail_if", "board.metric")
    examples = ("imbench compare results/published/v1 results board.fail_if='average_precision<-0.01; missing>0'",)
    completes = "folder"
    then = "publish board.name=NEW_NAME"

    def act(self, arguments: Sequence[str]) -> int:
        folders, overrides = positional(arguments)
        if len(folders) != 2:
            raise Complaint(f"compare: expected two folders, got {len(folders)}; use imbench compare BEFORE AFTER")
        board = options_from(overrides).board
        before, after = map(Path, folders)
        return print_changes(before, after, Console(), rules=board.fail_if, metric=board.metric)


def positional(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Folders, and overrides; rules are quoted, as `<` is no part of Hydra's grammar."""
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
