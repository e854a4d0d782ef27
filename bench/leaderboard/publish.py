"""`publish` writes the boards of a results folder in every format, `print_boards` prints those of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bench.leaderboard.boards.ablation import check_baseline
from bench.leaderboard.boards.across import AcrossDataSets, summaries
from bench.leaderboard.boards.bootstrap import RESAMPLES, attach
from bench.leaderboard.boards.build import BASELINE, boards
from bench.leaderboard.boards.facts import origin_of
from bench.leaderboard.boards.headline import headline
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.naming import names_of
from bench.leaderboard.boards.otherwise import ranked_otherwise
from bench.leaderboard.boards.regret import families
from bench.leaderboard.formats import boards_json, entries, latex, markdown, tables_csv, terminal
from bench.leaderboard.formats.html import page
from bench.leaderboard.plots.registry import drawn, evidence_of
from bench.leaderboard.reading import read_records, say_left_out
from bench.leaderboard.statistics.verdicts import ROPE
from bench.leaderboard.status import say_empty
from bench.leaderboard.text.words import clean, list_of, plural
from bench.records.columns import RecordTable, of_records
from bench.records.files import ResultsError, write_atomically
from bench.records.record import Record
from bench.records.retired import retired_store
from bench.records.store import Store

PRINTED: Final = 30
"""A terminal is given so many boards at most; files have all."""

_FILTERS: Final = ("data", "target", "model")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to publish: the metric to order by (None: the designed one), and how much to compute beside the tables.

    `draws` resamples of the test rows (0: none); `plots` from stored predictions; `rope` the difference that is
    practically none; `baseline` the strategy or stack that the others are held against; `title` and `command` are
    printed on the page.
    """

    metric: str | None = None
    draws: int = RESAMPLES
    plots: bool = True
    rope: float = ROPE
    baseline: str = BASELINE
    title: str = "Leaderboard"
    command: str = "imbench publish"


def publish(
    root: Path,
    *,
    out: Path | None = None,
    console: Console,
    where: Mapping[str, str] | None = None,
    options: Options | None = None,
    finish: Callable[[RecordTable, dict[str, str]], Sequence[Path]] | None = None,
) -> list[Path]:
    """Print the answers of a results folder, and write its boards: `leaderboard.html`, `.md`, `.csv`, `.tex`, `.json`.

    Args:
        root: the results folder.
        out: the folder to write to, by default `root`.
        console: where to print.
        where: only records of this data, target or model.
        options: what to compute.
        finish: writes the files instead (a snapshot): is given the records and the text of each file.

    Returns:
        The files written; none where there is nothing to publish.

    Raises:
        ResultsError: the folder cannot be written.
        ValueError: `where` names something else than data, target or model; or an unknown metric.
    """
    options = options or Options()
    everything = read_records(root)
    say_left_out(everything, console)
    if not len(everything):
        say_empty(root, console)
        return []
    chosen = select(everything, where or {})
    if not len(chosen):
        wanted = list_of(f"{key}={value}" for key, value in (where or {}).items())
        known = "; ".join(f"{key}: {list_of(sorted(everything.texts[key].values))}" for key in where or {})
        console.print(Text(clean(f"No records with {wanted} under {root}. There are {known}.")))
        return []
    texts, tables, across = documents(chosen, Store(root), options)
    names = names_of(tables)
    for board in tables[:PRINTED]:
        console.print(Text.assemble((clean(names[board.slug]), "bold"), clean(f": {headline(board)}.")))
    if len(tables) > PRINTED:
        console.print(Text(f"Not printed, but in the files: {plural(len(tables) - PRINTED, 'more board')}."))
    console.print()
    for summary in across:
        console.print(Text(clean(summary.title), style="bold"))
        console.print(Padding(Text(clean(summary.answer)), (1, 0)))
        for note in summary.notes:
            console.print(Text(clean(note), style="dim"))
        console.print()
    if finish is not None:
        written = list(finish(chosen, texts))
    else:
        folder = root if out is None else out
        written = [folder / name for name in texts]
        for path, text in zip(written, texts.values(), strict=True):
            write_atomically(path, writer(text), replace=True)
    for path in written:
        console.print(Text(f"Wrote {path}"), soft_wrap=True)
    for path in written:
        if path.suffix == ".html":
            console.print(Text(f"next: open {path} in a browser; tables as text are in leaderboard.md"), soft_wrap=True)
    return written


def documents(
    records: RecordTable, store: Store | None, options: Options
) -> tuple[dict[str, str], list[Board], list[AcrossDataSets]]:
    """The text of every format by file name, and the boards and summaries in them.

    `store` holds the predictions; without it there are no intervals over test rows and no curves.
    """
    tables = boards(records, metric=options.metric, rope=options.rope, baseline=options.baseline)
    if options.baseline != BASELINE:
        check_baseline(options.baseline, tables)
    if store is not None and options.draws:
        tables = [attach(board, store, draws=options.draws) for board in tables]
    across = summaries(tables, rope=options.rope)
    evidence = {board.slug: evidence_of(board, store) for board in tables} if options.plots else {}
    facts = [f"{plural(len(records), 'record')}, {plural(len(tables), 'board')}. {origin_of(records)}"]
    if records.left_out:
        facts.append(f"{plural(len(records.left_out), 'file')} left out: no records that prove themselves.")
    if store is not None and (away := retired_store(store).paths()):
        facts.append(f"{plural(len(away), 'record')} put away, which count nowhere: imbench results retire lists them.")
    found = families(tables)
    texts = {
        "leaderboard.html": page(
            tables,
            across,
            evidence,
            found,
            title=options.title,
            facts=facts,
            command=options.command,
            by_metric=ranked_otherwise(records, tables, rope=options.rope, baseline=options.baseline),
        ),
        "leaderboard.md": markdown.markdown(tables, across),
        "leaderboard.csv": tables_csv.comma_separated(tables),
        "leaderboard.tex": latex.latex(tables, across),
        "leaderboard.json": boards_json.json_text(tables, summaries=[boards_json.json_summary(s) for s in across]),
    }
    tables_of = {
        "changes.csv": tables_csv.changes_csv(tables),
        "groups.csv": tables_csv.groups_csv(tables),
        "across.csv": tables_csv.across_csv(across),
        "regret.csv": tables_csv.regret_csv(found),
    }
    texts |= {file: text for file, text in tables_of.items() if text}
    return texts | drawn(found), tables, across


def print_boards(root: Path, console: Console, keys: Sequence[str], *, baseline: str = BASELINE) -> list[Board]:
    """Print the boards of some cells only, such as those of one sweep; keys without a record are left out.

    `baseline`: the row that the others are held against.
    """
    store = Store(root)
    found: list[Record] = []
    for key in dict.fromkeys(keys):
        with suppress(ResultsError):  # said by who ran the cell
            found += [record] if (record := store.proven(key)) is not None else []
    tables = boards(of_records(found), baseline=baseline)
    tables = [attach(board, store) if board.design.given else board for board in tables]
    _print(tables, console)
    return tables


def _print(tables: Sequence[Board], console: Console) -> None:
    for board in tables:
        console.print(terminal.terminal(board, console.width))
    for sentence in entries.legend(tables):
        console.print(Text(sentence, style="dim"))
    if tables:
        console.print()


def select(records: RecordTable, where: Mapping[str, str]) -> RecordTable:
    """The records of a data set, target or model.

    Raises:
        ValueError: another field is asked for.
    """
    for field, value in where.items():
        if field not in _FILTERS:
            raise ValueError(f"expected argument `where` to name {list_of(_FILTERS)}, but got {field!r}")
        records = records.where(field, value)
    return records


def writer(text: str) -> Callable[[Path], None]:
    """Writes a text as UTF-8 with plain line ends."""

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8", newline="\n")

    return write


def picked(board: Any) -> dict[str, str]:
    """Which records the `board` section of a configuration asks for: data, target, model."""
    return {name: value for name in _FILTERS if (value := getattr(board, name)) is not None}


def for_settings(board: Any, root: Path, console: Console, command: str) -> list[Path]:
    """Publish as the `board` section of a configuration says; a snapshot where it has a name. Returns the files.

    Raises:
        ResultsError: as `publish`; or the metric cannot order a board, or a snapshot of this name exists.
    """
    from bench.records import snapshot  # noqa: PLC0415 - it publishes, too

    options = Options(
        metric=board.metric,
        draws=board.bootstrap,
        plots=board.plots,
        rope=board.rope,
        baseline=board.baseline,
        command=command,
        title="Leaderboard" if board.name is None else f"Leaderboard {board.name}",
    )
    finish = None
    if board.name is not None:
        folder = snapshot.reserve(root, board.name, overwrite=board.overwrite)

        def finish(records: RecordTable, texts: dict[str, str]) -> Sequence[Path]:
            return snapshot.write(folder, records, texts, command=command, overwrite=board.overwrite)

    try:
        return publish(root, console=console, where=picked(board), options=options, finish=finish)
    except ValueError as error:
        raise ResultsError(f"board.metric: {error}") from None
