"""Records written in the background: each waits for the disk twice, and the next cell need not wait with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType

from bench.records.files import ResultsError, one_line
from bench.records.predictions import Logits, pack
from bench.records.record import Record, failed_record
from bench.records.store import Store

MOST_WAITING = 8  # outcomes on their way to the disk; a slow disk then slows training instead of filling memory


class BackgroundWriter(AbstractContextManager["BackgroundWriter"]):
    """Writes outcomes one after another in a thread of its own; leaving it waits until all are on the disk.

    In that thread `done` is told of each record that stands, and `failed` at once where one cannot be written, which
    the next call then raises. What is killed in between has no record, and runs again.
    """

    def __init__(
        self, store: Store, done: Callable[[Record], None], failed: Callable[[ResultsError], None] = lambda _: None
    ) -> None:
        self.store, self.done, self.failed = store, done, failed
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="records")
        self.waiting: deque[Future[None]] = deque()

    def put(self, record: Record, predictions: Logits | None) -> None:
        """Hand over an outcome, and the logits (see `pack`) behind one that is done.

        Raises:
            ResultsError: an earlier one could not be written.
        """
        self.waiting.append(self.writer.submit(self.write, record, predictions))
        self.collect(MOST_WAITING)

    def write(self, record: Record, predictions: Logits | None) -> None:
        try:
            settled = self.settled(record, predictions)
        except Exception as error:
            self.failed(error if isinstance(error, ResultsError) else ResultsError(f"cannot write a record: {error}"))
            raise
        self.done(settled)

    def settled(self, record: Record, predictions: Logits | None) -> Record:
        """The record that stands in the end: this one, an earlier one, or one that says why this one cannot be."""
        try:
            if predictions is not None:
                content = pack(predictions, record.key)
                record = replace(record, predictions=self.store.put_predictions(record.key, content))
            return self.store.settle(record)
        except ResultsError:
            raise
        except Exception as error:  # what a strategy noted is nothing that a file can hold, say
            return self.store.settle(unwritable(record, error))

    def collect(self, most: int) -> None:
        """Wait until at most so many are outstanding; raise what any of the others raised."""
        while self.waiting and (len(self.waiting) > most or self.waiting[0].done()):
            self.waiting.popleft().result()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self.collect(0)
        finally:
            self.writer.shutdown()


def unwritable(record: Record, error: Exception) -> Record:
    """In place of a record that could not be written, through no fault of the disk: one that says why."""
    reason = f"its record could not be written: {type(error).__name__}: {one_line(error)}"
    known = {"environment": record.environment, "created": record.created}
    return failed_record(record.identity(), "failed", reason, **known)
