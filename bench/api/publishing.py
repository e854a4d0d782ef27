"""`imbench.boards` and `imbench.publish`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cli.cells import options_from
from bench.cli.console import Console
from bench.leaderboard.boards.bootstrap import attach
from bench.leaderboard.boards.build import boards as build_boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.publish import for_settings as publish_as
from bench.leaderboard.publish import picked, select
from bench.leaderboard.reading import read_records, say_left_out
from bench.records.files import ResultsError
from bench.records.store import Store

from .overrides import check_list


def boards(overrides: Sequence[str] = ()) -> list[Board]:
    """The leaderboards of a results folder, as `imbench publish` prints them: one per data set, target and model.

    Args:
        overrides: `results=FOLDER`, and keys of `board`: `["board.data=womens", "board.metric=raw/auroc"]`.

    Returns:
        Boards: `title`, `notes` (the verdict first), and `rows`, the best strategy first, each with `label`, `rank`,
        `score` and `difference` to the baseline as intervals, and `cells` (column -> value). None without records.

    Raises:
        imbench.Complaint: the overrides or the records cannot be used; says what to do.
    """
    options = options_from(check_list(overrides))
    root = Path(options.results)
    everything = read_records(root)
    say_left_out(everything, Console(stderr=True))
    records = select(everything, picked(options.board))
    try:
        found = (
            build_boards(records, metric=options.board.metric, baseline=options.board.baseline) if len(records) else []
        )
    except ValueError as error:
        raise ResultsError(f"board.metric: {error}") from None
    draws = options.board.bootstrap
    return [attach(board, Store(root), draws=draws) if draws else board for board in found]


def publish(overrides: Sequence[str] = (), *, quiet: bool = False) -> list[Path]:
    """Write the leaderboards of a results folder as HTML, Markdown, CSV, LaTeX and JSON, as `imbench publish` does.

    Args:
        overrides: `results=FOLDER`, and keys of `board`; `board.name=NAME` freezes a snapshot with its records.
        quiet: do not print the boards.

    Returns:
        The files; none where there are no records.

    Raises:
        imbench.Complaint: the overrides, the records or the folder cannot be used; says what to do.
    """
    options = options_from(check_list(overrides))
    command = f"imbench.publish({list(overrides)!r})"
    return publish_as(options.board, Path(options.results), Console(quiet=quiet), command)
