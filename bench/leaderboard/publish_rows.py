"""`publish format=bencheval`: the rows that another project's engine reads, instead of boards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.bencheval import FILE, bencheval
from bench.leaderboard.publish import select, writer
from bench.leaderboard.reading import read_folder, say_left_out
from bench.leaderboard.status import say_empty
from bench.leaderboard.text.words import clean, list_of
from bench.records.files import ResultsError, write_atomically


def publish_rows(root: Path, console: Console, *, where: Mapping[str, str], metric: str | None) -> list[Path]:
    """Write `bencheval.csv` into a results folder, or into the folder of a snapshot; says what is left out.

    Args:
        root: the folder.
        console: where to print.
        where: only records of this data, target or model.
        metric: what errors are of; None: the metric that each board is ordered by.

    Returns:
        The file; none where there are no records.

    Raises:
        ResultsError: the records make no complete table, or the folder cannot be written.
    """
    everything = read_folder(root)
    say_left_out(everything, console)
    chosen = select(everything, where)
    if not len(everything):
        say_empty(root, console)
        return []
    if not len(chosen):
        wanted = list_of(f"{key}={value}" for key, value in where.items())
        raise ResultsError(f"{root}: expected records with {wanted}, got none; imbench status lists what there is")
    try:
        text, notes = bencheval(boards(chosen, metric=metric, aspects=False), chosen)
    except ValueError as error:
        raise ResultsError(str(error)) from None
    for note in notes:
        console.print(Text(clean(note)), soft_wrap=True)
    write_atomically(root / FILE, writer(text), replace=True)
    console.print(Text(f"Wrote {root / FILE}"), soft_wrap=True)
    console.print(
        'next: BenchmarkEvaluator(seed_column="seed").leaderboard(pandas.read_csv(…)), of the package bencheval',
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    return [root / FILE]
