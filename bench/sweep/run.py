"""Cells in, records out: skip what is done, isolate failures, run the rest, show progress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from bench.config import CommandOptions
from bench.data.embeddings.ahead import encode_ahead
from bench.leaderboard.text.words import plural
from bench.models.registry import takes
from bench.records.files import ResultsError
from bench.records.record import FAILURES, Record, failed_record
from bench.records.store import Store
from bench.sweep.batches import batches, divided
from bench.sweep.cell_worker import CellWorker
from bench.sweep.claims import Claims
from bench.sweep.plan import Planned, outlook
from bench.sweep.pool import Event, Lost
from bench.sweep.progress import Display
from bench.sweep.worker import Began, Elsewhere, Finished
from bench.sweep.workers import open_workers, worker_count

_POLL_SECONDS: Final = 0.5  # between looks at the cells of others, when there is nothing else to do


@dataclass(frozen=True)
class SweepOutcome:
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


def run_sweep(planned: Sequence[Planned], options: CommandOptions, console: Console) -> SweepOutcome:
    """Run the cells that have no record; the same call again resumes.

    Raises:
        ResultsError: the results folder cannot be used.
        KeyboardInterrupt: stopped by hand; what is done is recorded.
    """
    store = Store(options.results)
    _check_writable(store)
    ahead = outlook(list(planned), store, retry_failed=options.run.retry_failed)
    for problem in ahead.problems:
        console.print(Text(problem), soft_wrap=True)
    labels = {p.key: p.label for p in planned}
    with Display(console, total=len(ahead.planned), already=len(ahead.planned) - len(ahead.to_do)) as display:

        def heard(event: Event[Planned]) -> None:
            match event:
                case Began(key):
                    display.began(key, labels[key])
                case Finished(key, record, elsewhere):
                    display.done(record, labels[key], elsewhere=elsewhere)
                case Lost(lost, fate, reason, traceback):
                    record = failed_record(lost.identity(), fate, reason, traceback=traceback)
                    display.done(store.settle(record), lost.label)

        if ahead.to_do:
            train(ahead.to_do, options, store, heard, console)
    found = outlook(ahead.planned, store, retry_failed=False).records
    missing = [p.label for p in ahead.planned if p.key not in found]
    if missing:
        few = "; ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        console.print(
            Text(f"{len(missing)} of {len(ahead.planned)} cells have no record ({few}); run the same command again"),
            soft_wrap=True,
        )
    return SweepOutcome([*found.values()], len(ahead.to_do), len(missing))


def train(
    to_do: Sequence[Planned],
    options: CommandOptions,
    store: Store,
    heard: Callable[[Event[Planned]], None],
    console: Console,
) -> None:
    """Train cells in workers; `heard` is told how they go. Cells that another command is at are waited for.

    Texts that an encoder is to read are encoded before, here.
    """
    encode_ahead(
        ((p.cell.data, takes(p.cell.model)) for p in to_do), lambda said: console.print(Text(said), soft_wrap=True)
    )
    together, size = options.run.together, 1 if options.debug else worker_count(options, len(to_do))
    work, others = CellWorker(store.root, options.run), _Others(to_do, store)

    def tell(event: Event[Planned]) -> None:
        if isinstance(event, Elsewhere):
            if not others.waiting:
                console.print("another command is at work on some of these cells: each trains what the other does not")
            others.waiting.add(event.key)
        else:
            heard(event)

    with open_workers(work, options, len(to_do), tell, together=together, divide=divided) as workers:
        for batch in batches(to_do, size, seeds_together=together):
            workers.submit(batch)
        while workers.busy or others.waiting:
            if workers.busy:
                workers.wait()
                continue
            time.sleep(_POLL_SECONDS)
            for record in others.finished():
                heard(Finished(record.key, record, elsewhere=True))
            if left := others.given_up():
                workers.submit(left)
    others.claims.close()


class _Others:
    """Cells that other commands are at work on: they become records, or nobody's again."""

    def __init__(self, cells: Sequence[Planned], store: Store) -> None:
        self.cells, self.store = {p.key: p for p in cells}, store
        self.claims = Claims(store.runs)
        self.waiting: set[str] = set()

    def finished(self) -> list[Record]:
        """Those with a record by now, which are waited for no longer."""
        found = []
        for key in sorted(self.waiting):
            with suppress(ResultsError):
                record = self.store.proven(key)
                if record is not None and self.claims.take(key):  # given back: it is the record of this run
                    self.claims.give_back(key)
                    found.append(record)
        self.waiting -= {record.key for record in found}
        return found

    def given_up(self) -> list[Planned]:
        """Those that nobody is at any more, and that have no record: their owner ended."""
        free = [key for key in sorted(self.waiting) if self.claims.take(key)]
        for key in free:
            self.claims.give_back(key)
        self.waiting -= {*free}
        return [self.cells[key] for key in free]


def _check_writable(store: Store) -> None:
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


def report_failures(outcome: SweepOutcome, console: Console) -> None:
    """List every failed cell with its reason, and what to do."""
    if not outcome.failures:
        return
    console.print(
        f"\n[red]{len(outcome.failures)} of {plural(len(outcome.records), 'cell')} failed[/]", highlight=False
    )
    for r in outcome.failures:
        console.print(
            escape(
                f"  {r.status}  {r.data}/{r.target} {r.model} {r.strategy} split={r.split} seed={r.seed}: {r.reason}"
            ),
            highlight=False,
            soft_wrap=True,
        )
    console.print("To run them again: the same command with run.retry_failed=true", highlight=False)
