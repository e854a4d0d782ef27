"""`publish` writes the boards of a results folder; `status` says what the folder holds. Both read records only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.leaderboard import export, index, render
from bench.leaderboard.board import boards
from bench.leaderboard.ledger import Ledger, of_records
from bench.leaderboard.numbers import clean, list_of, plural, short
from bench.leaderboard.table import Board, describe_units
from bench.results import FAILURES, STATUSES, Record, ResultsError, Store
from bench.results import publish as write_file

FILTERS: Final = ("data", "target", "model")
_START = "imbench run -m 'strategy=none,focal' data=womens model=mlp seed=0,1,2"


def publish(
    root: Path,
    *,
    out: Path | None = None,
    console: Console,
    where: Mapping[str, str] | None = None,
    metric: str | None = None,
) -> list[Path]:
    """Print the boards of a results folder and write `leaderboard.md` and `leaderboard.csv`.

    Args:
        root: the results folder.
        out: the folder to write to, by default `root`.
        console: where to print.
        where: only records of this data, target or model.
        metric: the column to rank by, by default the designed one.

    Returns:
        The files written; none where there is nothing to publish.

    Raises:
        ResultsError: a record cannot be read, or the folder cannot be written.
        ValueError: `where` names something else than data, target or model; or an unknown metric.
    """
    everything = index.read(root)
    if not len(everything):
        _say_empty(root, console)
        return []
    chosen = select(everything, where or {})
    if not len(chosen):
        wanted = list_of(f"{key}={value}" for key, value in (where or {}).items())
        known = "; ".join(f"{key}: {list_of(sorted(everything.texts[key].values))}" for key in where or {})
        console.print(Text(clean(f"No records with {wanted} under {root}. There are {known}.")))
        return []
    tables = boards(chosen, metric=metric)
    _print(tables, console)
    folder = root if out is None else out
    written = []
    for name, text in (
        ("leaderboard.md", render.markdown(tables)),
        ("leaderboard.csv", export.comma_separated(tables)),
    ):
        path = folder / name
        write_file(path, _writer(text), replace=True)
        console.print(Text(f"Wrote {path}"), soft_wrap=True)
        written.append(path)
    return written


def show(root: Path, console: Console, keys: Sequence[str]) -> list[Board]:
    """Print the boards of some cells only, such as those of one sweep; keys without a record are left out.

    Raises:
        ResultsError: a record cannot be read.
    """
    store = Store(root)
    found = [record for key in dict.fromkeys(keys) if (record := store.get(key)) is not None]
    tables = boards(of_records(found))
    _print(tables, console)
    return tables


def _print(tables: Sequence[Board], console: Console) -> None:
    for board in tables:
        console.print(render.terminal(board, console.width))
    for sentence in render.legend(tables):
        console.print(Text(sentence, style="dim"))
    if tables:
        console.print()


def select(records: Ledger, where: Mapping[str, str]) -> Ledger:
    """The records of a data set, target or model.

    Raises:
        ValueError: another field is asked for.
    """
    for field, value in where.items():
        if field not in FILTERS:
            raise ValueError(f"expected argument `where` to name {list_of(FILTERS)}, but got {field!r}")
        records = records.where(field, value)
    return records


def status(root: Path, console: Console) -> None:
    """Print what a results folder holds: cells by status, failures and skips by reason, disk use, left-over files."""
    store = Store(root)
    records, unreadable = _read(store)
    if not records and not unreadable:
        _say_empty(root, console)
        return
    if records:
        console.print(_counts(records))
    _print_reasons(records, FAILURES, "Failed", console)
    _print_reasons(records, ("skipped",), "Skipped: not applicable, not a failure", console)
    if any(record.status in FAILURES for record in records):
        console.print(
            "To try the failed cells again, run the same command with run.retry_failed=true.\n", highlight=False
        )
    for problem in unreadable:
        console.print(Text(f"Unreadable: {clean(problem)}"))
    files = [path for path in store.runs.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    console.print(Text(f"{plural(len(records), 'record')}, {_size(size)} in {store.runs}"), soft_wrap=True)
    if orphans := store.orphans():
        size = sum(path.stat().st_size for path in orphans if path.exists())
        console.print(
            f"{plural(len(orphans), 'left-over file')} of interrupted runs ({_size(size)}), never read; when nothing "
            "runs, `imbench results gc` deletes them.",
            highlight=False,
        )


def _read(store: Store) -> tuple[list[Record], list[str]]:
    """All records, and what is wrong with the files that hold none: one bad file must not hide the others."""
    records, problems = [], []
    for path in store.paths():
        try:
            records.append(store.read(path))
        except ResultsError as error:
            problems.append(str(error))
        except (OSError, TypeError, ValueError) as error:
            problems.append(f"{path}: expected a record, but got {error}; delete the file and re-run its cell")
    return records, problems


def _counts(records: list[Record]) -> Table:
    """Cells by (data, target, model) and status; only the statuses that occur."""
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for record in records:
        counts[record.data, record.target, record.model][record.status] += 1
    shown = [s for s in STATUSES if any(s in counter for counter in counts.values())]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Data", "Target", "Model"):
        table.add_column(heading, overflow="fold")
    for heading in (*shown, "cells"):
        table.add_column(heading, justify="right")
    for key, counter in sorted(counts.items()):
        numbers = [str(counter[s]) if counter[s] else "" for s in shown]
        table.add_row(*(Text(clean(part)) for part in key), *numbers, str(sum(counter.values())))
    return table


def _print_reasons(records: list[Record], statuses: tuple[str, ...], heading: str, console: Console) -> None:
    """Each reason once, with how many cells it stopped and which."""
    reasons: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.status in statuses:
            reasons[record.status, short(record.reason) or "no reason recorded"].append(record)
    if not reasons:
        return
    console.print(Text(heading, style="bold"))
    for (kind, reason), cells in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        mark = "" if kind == "skipped" else f"{kind} · "
        console.print(Text(f"{len(cells):>5} × {mark}{reason}"))
        where: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
        for cell in cells:
            where[cell.data, cell.target, cell.model, cell.strategy].append(cell)
        for names, group in sorted(where.items()):
            units = describe_units({(cell.split, cell.seed) for cell in group})
            console.print(Text(clean(f"        {' · '.join(names)} · {units}"), style="dim"))
    console.print()


def _say_empty(root: Path, console: Console) -> None:
    console.print(
        Text(f"No records under {root}: nothing has been run there. For example:\n\n    {_START}\n"), soft_wrap=True
    )


def _writer(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8", newline="\n")

    return write


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
