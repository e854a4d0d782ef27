"""Worker processes that outlive any cell: a dead one costs its cell, and the rest of its group goes to another.

Workers come from a server that has imported Lightning once (`bench.sweep.fork_server`). Each runs groups of cells and
reports events through its own pipe.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from bench.config import RunConfig
from bench.machine import Place
from bench.records.files import ResultsError
from bench.records.record import Record
from bench.sweep.fork_server import forking_context
from bench.sweep.plan import Planned, divided

RETRIES = 1  # how often a cell that took its worker down is tried again

Fate = Literal["crashed", "timeout"]


@dataclass
class Worker:
    """A process, our end of its pipe, and what it has been given."""

    process: Any
    pipe: Connection
    place: Place
    group: list[Planned] = field(default_factory=list)  # what it was given and has no record yet
    free: bool = True
    running: list[str] = field(default_factory=list)  # begun and not on the disk, the latest last
    since: float = 0.0

    def take(self, keys: Collection[str]) -> tuple[list[Planned], list[Planned]]:
        """Of its group: the cells with these keys, and the others."""
        return [p for p in self.group if p.key in keys], [p for p in self.group if p.key not in keys]


def serve(pipe: Connection, root: str, run: RunConfig, place: Place) -> None:
    """A worker's life: receive a group, run it, report; ends when the pipe closes."""
    place.occupy()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it ends us
    from bench.sweep.runner import Runner  # noqa: PLC0415 - Lightning: already there in a forked worker

    gc.freeze()  # what was imported stays: no need to look through it for garbage
    turn = Lock()

    def say(event: str, payload: Any) -> None:
        with turn:  # the next cell may begin while another thread says that the last one is on the disk
            pipe.send((event, payload))

    with (
        suppress(EOFError, ResultsError),  # no more work; a record that could not be written, which `failed` has said
        Runner(
            Path(root), run, began=lambda key: say("began", key), done=lambda record: say("done", record),
            failed=lambda error: say("fatal", str(error)),
        ) as runner,
    ):  # fmt: skip
        while True:
            runner.execute(pipe.recv())
            say("free", None)  # its last record may still be on its way to the disk


class Pool:
    """Runs groups of cells on up to one process per place."""

    def __init__(self, places: Sequence[Place], root: Path, run: RunConfig) -> None:
        self.context: Any = forking_context("bench.sweep.runner")
        self.places, self.root, self.run_config = places, root, run
        self.workers: list[Worker] = []
        self.together = run.together

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
                    dead = worker.process.exitcode is not None  # asked first: what it said before is heard then
                    self.listen(worker, began, done)
                    if dead:
                        self.bury(worker, queue, deaths, lost)
                self.expire(queue, lost)
        finally:
            self.close()

    def feed(self, queue: deque[list[Planned]]) -> None:
        """Give waiting groups to idle workers, starting new ones up to the size."""
        while queue and (idle := self.idle()) is not None:
            group = queue.popleft()
            idle.group, idle.free, idle.since = [*idle.group, *group], False, time.monotonic()
            with suppress(BrokenPipeError):  # died while idle: noticed as dead in the next round, its group kept
                idle.pipe.send(group)

    def idle(self) -> Worker | None:
        """A worker without work, new if there is room."""
        for worker in self.workers:
            if worker.free:
                return worker
        free = list((Counter(self.places) - Counter(w.place for w in self.workers)).elements())
        if not free:
            return None
        ours, theirs = self.context.Pipe()
        arguments = (theirs, str(self.root), self.run_config, free[0])
        process = self.context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        theirs.close()
        self.workers.append(Worker(process, ours, free[0]))
        return self.workers[-1]

    def ready(self) -> list[Worker]:
        """Workers that said something or died; waits a little."""
        by_handle = {handle: w for w in self.workers for handle in (w.pipe, w.process.sentinel)}
        found = {id(w): w for w in (by_handle[handle] for handle in wait(list(by_handle), timeout=0.2))}
        return list(found.values())

    def listen(self, worker: Worker, began: Callable[[str], None], done: Callable[[Record], None]) -> None:
        """Take in all that a worker has sent."""
        with suppress(EOFError, OSError):  # also a message that a killed worker left half sent
            while worker.pipe.poll():
                event, payload = worker.pipe.recv()
                if event == "began":
                    worker.running.append(payload)
                    worker.since = time.monotonic()
                    began(payload)
                elif event == "done":
                    worker.group = [p for p in worker.group if p.key != payload.key]
                    worker.running = [key for key in worker.running if key != payload.key]
                    if self.together:
                        worker.since = time.monotonic()
                    done(payload)
                elif event == "free":
                    worker.free = True
                elif event == "fatal":
                    raise ResultsError(payload)

    def bury(
        self, worker: Worker, queue: deque[list[Planned]], deaths: Counter[str],
        lost: Callable[[Planned, Fate, str], None],
    ) -> None:  # fmt: skip
        """A dead worker: its cell is tried once more, then given up; the rest of its group goes back.

        Of cells that trained together nobody knows which it was: they go back in halves, until it is alone.
        """
        self.workers.remove(worker)
        code = worker.process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        suspects, rest = worker.take(self.suspects(worker) or [p.key for p in worker.group[:1]])
        if len(suspects) == 1:
            (culprit,) = suspects
            deaths[culprit.key] += 1
            if deaths[culprit.key] > RETRIES:
                lost(culprit, "crashed", f"its worker process died with {how}, {deaths[culprit.key]} times")
                suspects = []
        # Suspects go apart, so that they cannot take the others down again.
        queue.extendleft(group for group in (*divided(suspects), rest) if group)

    def suspects(self, worker: Worker) -> list[str]:
        """The cells that a worker was training: the last one that it began, or all of them where these may stack."""
        return worker.running if self.together else worker.running[-1:]

    def expire(self, queue: deque[list[Planned]], lost: Callable[[Planned, Fate, str], None]) -> None:
        """End workers whose cell took longer than `run.timeout`; a stack may take as long as its cells in all."""
        limit = self.run_config.timeout
        if limit is None:
            return
        for worker in list(self.workers):
            late, rest = worker.take(self.suspects(worker))
            if late and time.monotonic() - worker.since > limit * len(late):
                self.kill(worker)
                self.workers.remove(worker)
                if len(late) == 1:
                    lost(late.pop(), "timeout", f"took longer than run.timeout={limit:g} seconds")
                queue.extendleft(group for group in (*divided(late), rest) if group)

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
