"""Cells in, records out: skip what is done, isolate failures, run the rest, show progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.config import Settings
from bench.evaluation.registry import METRICS, ranking_metric
from bench.machine import gpus, places, usable_cores
from bench.records.files import ResultsError
from bench.records.record import FAILURES, Record
from bench.records.store import Store
from bench.sweep.plan import Outlook, Planned, outlook, units
from bench.sweep.pool import Fate, Pool


@dataclass(frozen=True)
class Summary:
    """What a sweep did: records of all its cells, and how many of them it ran itself."""

    records: list[Record]
    ran: int
    missing: int = 0

    @property
    def failures(self) -> list[Record]:
        """Records with a failed status, old and new."""
        return [r for r in self.records if r.status in FAILURES]

    @property
    def exit_code(self) -> int:
        """0 where every cell is done or does not apply, else 1."""
        return 1 if self.failures or self.missing else 0


def run(planned: Sequence[Planned], options: Settings, console: Console) -> Summary:
    """Run the cells that have no record; the same call again resumes.

    Raises:
        ResultsError: the results folder cannot be used.
        KeyboardInterrupt: stopped by hand; what is done is recorded.
    """
    store = Store(options.results)
    check_writable(store)
    ahead = outlook(list(planned), store, retry_failed=options.run.retry_failed)
    labels = {p.key: p.label for p in planned}
    with Display(console, total=len(ahead.planned), already=len(ahead.planned) - len(ahead.to_do)) as display:

        def done(record: Record) -> None:
            display.done(record, labels[record.key])

        if ahead.to_do:
            launch(ahead, options, store, began=lambda key: display.began(key, labels[key]), done=done)
    records = [r for p in ahead.planned if (r := store.get(p.key)) is not None]
    return Summary(records, len(ahead.to_do), len(ahead.planned) - len(records))


def launch(
    ahead: Outlook, options: Settings, store: Store, *, began: Callable[[str], None], done: Callable[[Record], None]
) -> None:
    """Run what is to do: in this process when debugging, else in workers."""
    together = options.run.together
    if options.debug:
        from bench.sweep.runner import Runner  # noqa: PLC0415 - Lightning

        with Runner(store.root, options.run, began=began, done=done) as runner:
            for group in units(ahead.to_do, 1, seeds_together=together):
                runner.execute(group)
        return

    def lost(planned: Planned, fate: Fate, reason: str) -> None:
        done(bury(planned, fate, reason, store))

    size = worker_count(options, len(ahead.to_do))
    where = places(size, options.run.threads, visible_gpus(options))
    work = units(ahead.to_do, size, seeds_together=together)
    Pool(where, store.root, options.run).run(work, began=began, done=done, lost=lost)


def bury(planned: Planned, fate: Fate, reason: str, store: Store) -> Record:
    """The record of a cell whose process did not live to write one."""
    cell = planned.cell
    record = Record(
        key=planned.key, status=fate, reason=reason, data=planned.data_name, target=planned.target,
        model=cell.model.name, strategy=cell.strategy, split=cell.split, seed=cell.seed, tuned=cell.tuned,
        config=planned.config, created=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    return store.settle(record)


def worker_count(options: Settings, cells: int) -> int:
    """Processes to use: what was asked for, or one per GPU; where there is none, one per usable core."""
    if options.run.workers != "auto":
        return min(options.run.workers, cells)
    seen = visible_gpus(options)
    return min(len(seen) or max(1, usable_cores() // options.run.threads), cells)


def visible_gpus(options: Settings) -> tuple[str, ...]:
    """GPUs to use; none where the CPU was asked for."""
    return gpus() if options.run.device != "cpu" else ()


def check_writable(store: Store) -> None:
    """Find out before an hour of training that results cannot be written.

    Raises:
        ResultsError: naming the folder.
    """
    probe = store.runs / f".probe-{os.getpid()}"
    try:
        store.runs.mkdir(parents=True, exist_ok=True)
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise ResultsError(
            f"results={store.root}: expected a writable folder, got: {error.strerror or error}; choose another"
        ) from error


class Display(AbstractContextManager["Display"]):
    """One progress bar on a terminal; one clean line per event elsewhere."""

    def __init__(self, console: Console, total: int, already: int) -> None:
        self.console, self.total, self.count = console, total, already
        self.already, self.began_at = already, time.monotonic()
        self.running: dict[str, str] = {}
        self.progress: Progress | None = None
        if console.is_terminal:
            self.progress = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TimeElapsedColumn(), TextColumn("{task.fields[now]}"), console=console, transient=True,
            )  # fmt: skip

    def __enter__(self) -> Display:
        if self.already:
            self.console.print(f"{self.already} of {self.total} cells have a record already", highlight=False)
        if self.progress is not None and self.already < self.total:
            self.progress.start()
            self.task = self.progress.add_task(
                "cells", total=self.total, completed=self.already, now="starting workers"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.progress is not None:
            self.progress.stop()
        if self.count > self.already:
            seconds = time.monotonic() - self.began_at
            self.console.print(f"ran {self.count - self.already} cells in {duration(seconds)}", highlight=False)

    def began(self, key: str, label: str) -> None:
        """A cell has started."""
        self.running[key] = label
        self.refresh()

    def done(self, record: Record, label: str) -> None:
        """A cell has a record."""
        self.running.pop(record.key, None)
        self.count += 1
        if self.progress is None or record.status in FAILURES:
            self.console.print(line(record, label, self.count, self.total), soft_wrap=True, highlight=False)
        self.refresh()

    def refresh(self) -> None:
        if self.progress is not None and hasattr(self, "task"):
            now = escape("; ".join(self.running.values()))
            room = max(self.console.width - 60, 10)
            self.progress.update(self.task, completed=self.count, now=now[:room])


def line(record: Record, label: str, number: int, total: int) -> str:
    """`[12/48] done womens/one_star mlp focal split=0 seed=1  average precision .352  5.1 s`."""
    head = f"[dim]{escape(f'[{number}/{total}]')}[/] {record.status} {escape(label)}"
    if record.status != "done":
        return f"{head}: {escape(record.reason)}"
    column = ranking_metric(int(record.traits["n_classes"]))
    value = record.metrics.get(column)
    name = METRICS[column.partition("/")[2]].label.lower()
    shown = "undefined" if value is None else f"{value:.3f}"
    return f"{head}  {name} {shown}  {record.cost['wall_seconds']:.1f} s"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 10 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def report_failures(summary: Summary, console: Console) -> None:
    """List every failed cell with its reason, and what to do."""
    if not summary.failures:
        return
    console.print(f"\n[red]{len(summary.failures)} of {len(summary.records)} cells failed[/]", highlight=False)
    for r in summary.failures:
        console.print(
            escape(f"  {r.status}  {r.data}/{r.target} {r.model} {r.strategy} split={r.split} seed={r.seed}: "
            f"{r.reason}"),
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    console.print("To run them again: the same command with run.retry_failed=true", highlight=False)
