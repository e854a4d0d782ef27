"""What a results folder holds: cells by status, failures and skips by reason, disk use, left-over files."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.leaderboard.boards.model import describe_units
from bench.leaderboard.text.words import clean, plural, short
from bench.records.columns import of_records
from bench.records.files import ResultsError, one_line
from bench.records.proof import unproven
from bench.records.reading import AGAIN
from bench.records.record import FAILURES, STATUSES, Record
from bench.records.retired import retired_store
from bench.records.store import Store
from bench.records.versions import of_this_version

_START: Final = "imbench run -m 'strategy=none,focal' data=womens model=mlp repeats=5"

_ANOTHER: Final = "of another version"
"""Instead of a status, of records that another version of encoding, training, splitting or evaluation made."""


def status(root: Path, console: Console) -> None:
    """Print what a results folder holds: cells by status, failures and skips by reason, disk use, left-over files."""
    store = Store(root)
    records, unreadable = _read(store)
    if not records and not unreadable:
        say_empty(root, console)
        return
    if records:
        console.print(_counts(records))
    current = [record for record in records if of_this_version(record.config)]
    _print_reasons(current, FAILURES, "Failed", console)
    _print_reasons(current, ("skipped",), "Skipped: not applicable, not a failure", console)
    if any(record.status in FAILURES for record in current):
        console.print(
            "To try the failed cells again, run the same command with run.retry_failed=true.\n", highlight=False
        )
    for problem in unreadable:
        console.print(Text(f"Not counted: {clean(problem)}"), soft_wrap=True)
    size = sum(path.stat().st_size for path in store.runs.rglob("*") if path.is_file() and not path.is_symlink())
    if old := len(records) - len(current):
        console.print(
            f"{plural(old, 'record')} of another version of encoding, training, splitting or evaluation: the same "
            "command trains these cells anew; boards keep the versions apart.\n",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    console.print(Text(f"{plural(len(records), 'record')}, {_size(size)} in {store.runs}"), soft_wrap=True)
    if away := retired_store(store).paths():
        console.print(f"{plural(len(away), 'record')} put away: `imbench results retire` lists them.", highlight=False)
    if orphans := _orphans(store):
        size = sum(path.stat().st_size for path in orphans if path.exists())
        console.print(
            f"{plural(len(orphans), 'left-over file')} of interrupted runs ({_size(size)}), never read; when nothing "
            "runs, `imbench results gc` deletes them.",
            highlight=False,
        )


def _read(store: Store) -> tuple[list[Record], list[str]]:
    """All records, and what is wrong with the files that hold none: one bad file must not hide the others."""
    records, problems = list[Record](), list[str]()
    for path in store.paths():
        try:
            record = store.read(path)
            why = unproven(record, path)
            of_records([] if why else [record])
        except ResultsError as error:
            problems.append(str(error))
        except (OSError, TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
            problems.append(f"{path}: expected a record, but got {one_line(error)}; {AGAIN}")
        else:
            if why:
                problems.append(why)
            else:
                records.append(record)
    return records, problems


def _orphans(store: Store) -> list[Path]:
    """Left-over files; where a record cannot be read only temporary ones, as it may name any of the others."""
    try:
        return store.orphans()
    except (ResultsError, OSError):
        return sorted(store.runs.glob("??/.*.tmp"))


def _counts(records: list[Record]) -> Table:
    """Cells by (data, target, model) and status; only the statuses that occur."""
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for record in records:
        status = record.status if of_this_version(record.config) else _ANOTHER
        counts[record.data, record.target, record.model][status] += 1
    shown = [s for s in (*STATUSES, _ANOTHER) if any(s in counter for counter in counts.values())]
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


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def say_empty(root: Path, console: Console) -> None:
    """Nothing has been run: say what to run."""
    console.print(
        Text(f"No records under {root}: nothing has been run there. For example:\n\n    {_START}\n"), soft_wrap=True
    )
