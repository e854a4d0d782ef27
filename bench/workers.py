"""Worker processes that outlive any cell: a dead one costs its cell, and the rest of its group goes to another.

Workers come from a server that has imported Lightning once (`bench.warm`). Each runs groups of cells and reports events
through its own pipe.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from bench.config import RunConfig
from bench.planning import Planned
from bench.results import Record, ResultsError
from bench.warm import warm_context

RETRIES = 1  # how often a cell that took its worker down is tried again

Fate = Literal["crashed", "timeout"]


@dataclass
class Worker:
    """A process, our end of its pipe, and what it has been given."""

    process: Any
    pipe: Connection
    group: list[Planned] = field(default_factory=list)
    current: str | None = None
    since: float = 0.0


def serve(pipe: Connection, root: str, run: RunConfig) -> None:
    """A worker's life: receive a group, run it, report; ends when the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends us
    from bench.cell import execute  # noqa: PLC0415 - Lightning: already there in a forked worker

    gc.freeze()  # what was imported stays: no need to look through it for garbage
    turn = Lock()

    def say(event: str, payload: Any) -> None:
        with turn:  # the next cell may begin while another thread says that the last one is on the disk
            pipe.send((event, payload))

    while True:
        try:
            group: list[Planned] = pipe.recv()
        except EOFError:
            return
        try:
            execute(
                group, Path(root), run,
                began=lambda key: say("began", key), done=lambda record: say("done", record),
            )  # fmt: skip
        except ResultsError as error:
            say("fatal", str(error))


class Pool:
    """Runs groups of cells on up to `size` processes."""

    def __init__(self, size: int, root: Path, run: RunConfig) -> None:
        self.context: Any = warm_context("bench.cell")
        self.size, self.root, self.run_config = size, root, run
        self.workers: list[Worker] = []

    def run(
        self,
        groups: Sequence[list[Planned]],
        *,
        began: Callable[[str], None],
        done: Callable[[Record], None],
        lost: Callable[[Planned, Fate, str], None],
    ) -> None:
        """Run all groups. `lost` is told of cells whose worker died on them more than once, or that took too long.

        Raises:
            ResultsError: the results folder cannot be written; running cells are abandoned, records are intact.
        """
        queue = deque(groups)
        deaths: Counter[str] = Counter()
        try:
            while queue or any(w.group for w in self.workers):
                self.feed(queue)
                for worker in self.ready():
                    self.listen(worker, began, done)
                    if worker.process.exitcode is not None:
                        self.bury(worker, queue, deaths, lost)
                self.expire(queue, lost)
        finally:
            self.close()

    def feed(self, queue: deque[list[Planned]]) -> None:
        """Give waiting groups to idle workers, starting new ones up to the size."""
        while queue and (idle := self.idle()) is not None:
            idle.group, idle.current, idle.since = list(queue.popleft()), None, time.monotonic()
            with suppress(BrokenPipeError):  # died while idle: noticed as dead in the next round, its group kept
                idle.pipe.send(idle.group)

    def idle(self) -> Worker | None:
        """A worker without work, new if there is room."""
        for worker in self.workers:
            if not worker.group:
                return worker
        if len(self.workers) >= self.size:
            return None
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=serve, args=(theirs, str(self.root), self.run_config), daemon=True)
        process.start()
        theirs.close()
        self.workers.append(Worker(process, ours))
        return self.workers[-1]

    def ready(self) -> list[Worker]:
        """Workers that said something or died; waits a little."""
        by_handle = {handle: w for w in self.workers for handle in (w.pipe, w.process.sentinel)}
        found = {id(w): w for w in (by_handle[handle] for handle in wait(list(by_handle), timeout=0.2))}
        return list(found.values())

    def listen(self, worker: Worker, began: Callable[[str], None], done: Callable[[Record], None]) -> None:
        """Take in all that a worker has sent."""
        with suppress(EOFError, ConnectionResetError):
            while worker.pipe.poll():
                event, payload = worker.pipe.recv()
                if event == "began":
                    worker.current, worker.since = payload, time.monotonic()
                    began(payload)
                elif event == "done":
                    worker.group = [p for p in worker.group if p.key != payload.key]
                    if worker.current == payload.key:
                        worker.current = None
                    done(payload)
                elif event == "fatal":
                    raise ResultsError(payload)

    def bury(
        self, worker: Worker, queue: deque[list[Planned]], deaths: Counter[str],
        lost: Callable[[Planned, Fate, str], None],
    ) -> None:  # fmt: skip
        """A dead worker: its cell is tried once more, then given up; the rest of its group goes back."""
        self.workers.remove(worker)
        code = worker.process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        culprit = worker.current or (worker.group[0].key if worker.group else None)
        if culprit is not None:
            deaths[culprit] += 1
        again = []
        for planned in worker.group:
            if planned.key == culprit and deaths[culprit] > RETRIES:
                lost(planned, "crashed", f"its worker process died with {how}, {deaths[culprit]} times")
            else:
                again.append(planned)
        # The suspect goes alone, so that it cannot take the others down again.
        suspects = [p for p in again if p.key == culprit]
        rest = [p for p in again if p.key != culprit]
        queue.extendleft(group for group in (suspects, rest) if group)

    def expire(self, queue: deque[list[Planned]], lost: Callable[[Planned, Fate, str], None]) -> None:
        """End workers whose cell took longer than `run.timeout`."""
        limit = self.run_config.timeout
        if limit is None:
            return
        for worker in list(self.workers):
            if worker.current is not None and time.monotonic() - worker.since > limit:
                self.kill(worker)
                self.workers.remove(worker)
                late = [p for p in worker.group if p.key == worker.current]
                rest = [p for p in worker.group if p.key != worker.current]
                for planned in late:
                    lost(planned, "timeout", f"took longer than run.timeout={limit:g} seconds")
                if rest:
                    queue.appendleft(rest)

    def kill(self, worker: Worker) -> None:
        """End a worker at once."""
        worker.pipe.close()
        with suppress(ProcessLookupError, TypeError):
            os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.join(5)

    def close(self) -> None:
        """End all workers: the idle by closing their pipes, the busy at once."""
        for worker in self.workers:
            if worker.group:
                self.kill(worker)
            else:
                worker.pipe.close()
        for worker in self.workers:
            worker.process.join(5)
        self.workers.clear()
