"""Worker processes for work that comes in batches of items: sweeps train cells in them, tuning trains trials.

Workers come from a server that has imported Lightning once (`bench.sweep.fork_server`), outlive any batch and report
through a pipe of their own. Where one dies, takes too long or raises, what it was at is divided until the item that did
it is alone; that item is given up and all others are finished.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.util import get_temp_dir
from time import monotonic
from types import TracebackType
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from bench.machine import Place
from bench.sweep.fork_server import forking_context
from bench.sweep.worker import Began, Elsewhere, Fatal, Finished, Free, Item, Raised, Said, Work, serve

_RETRIES = 1  # how often an item that took its worker down is tried again
_BEGINS_WITHIN = 120.0  # seconds for imports and for the data, where run.timeout bounds the time of an item

T = TypeVar("T", bound=Item)

Fate = Literal["crashed", "timeout", "failed"]


@dataclass(frozen=True)
class Lost(Generic[T]):
    """An item was given up: its worker died on it twice, or it took too long, or it raised."""

    item: T
    fate: Fate
    reason: str
    traceback: str = ""


Event: TypeAlias = Began | Finished | Elsewhere | Lost[T]


def halves(batch: list[T]) -> tuple[list[T], list[T]]:
    """A batch in two."""
    return batch[::2], batch[1::2]


@dataclass(eq=False)
class Worker(Generic[T]):
    """A process, our end of its pipe, and what it has been given."""

    process: Any
    pipe: Connection
    place: Place
    batch: list[T] = field(default_factory=list)  # what it was given and has not finished
    free: bool = True
    running: list[str] = field(default_factory=list)  # begun and not finished, the latest last
    since: float = 0.0  # when what it is at began

    def take(self, keys: Collection[str]) -> tuple[list[T], list[T]]:
        """Of its batch: the items with these keys, and the others."""
        return [i for i in self.batch if i.key in keys], [i for i in self.batch if i.key not in keys]


class Pool(AbstractContextManager["Pool[T]"], Generic[T]):
    """Works on batches in up to one process per place, and tells `heard` what happens; leaving it ends all workers.

    `timeout`: seconds that each of the `fits` of an item may take; None: any time.
    `together`: items of a batch run at once, so that any of those begun may be the one that ended the worker.
    `divide`: a batch in two, for the search for that item.
    """

    def __init__(
        self,
        work: Work[T],
        places: Sequence[Place],
        heard: Callable[[Event[T]], None],
        *,
        timeout: float | None = None,
        fits: int = 1,
        together: bool = True,
        divide: Callable[[list[T]], tuple[list[T], list[T]]] = halves,
    ) -> None:
        self.context: Any = forking_context(work.module)
        self.work, self.places, self.heard = work, places, heard
        self.timeout, self.fits, self.together, self.divide = timeout, fits, together, divide
        self.workers: list[Worker[T]] = []
        self.queue: deque[list[T]] = deque()
        self.deaths: Counter[str] = Counter()
        self.over: set[str] = set()  # items that are finished or lost

    def submit(self, batch: list[T]) -> None:
        """Have a batch worked on, after those that wait."""
        self.queue.append(batch)

    @property
    def idle(self) -> int:
        """How many batches can be submitted that will not have to wait."""
        return len(self.places) - sum(not w.free for w in self.workers) - len(self.queue)

    @property
    def busy(self) -> bool:
        """Whether any item is neither finished nor lost, or any worker at the end of its batch."""
        return bool(self.queue) or any(w.batch or not w.free for w in self.workers)

    def wait(self) -> None:
        """Wait until something happens, and tell it. Returns at once where nothing is to be done.

        Raises:
            ResultsError: results cannot be written.
        """
        self.feed()
        if not self.busy:
            return
        by_handle = {handle: w for w in self.workers for handle in (w.pipe, w.process.sentinel)}
        ready = {id(w): w for w in (by_handle[h] for h in wait(list(by_handle), timeout=self.until_late()))}
        for worker in ready.values():
            dead = worker.process.exitcode is not None  # asked first: what it said before is heard then
            self.listen(worker)
            if dead:
                self.replace_dead(worker)
        self.expire()

    def feed(self) -> None:
        """Give waiting batches to free workers, starting new ones up to the number of places."""
        while self.queue and (worker := self.free_worker()) is not None:
            batch = [item for item in self.queue.popleft() if item.key not in self.over]
            if not batch:
                continue
            worker.batch, worker.free, worker.since = [*worker.batch, *batch], False, monotonic()
            with suppress(ConnectionError):  # died a moment ago: the next `wait` sees it dead, with this batch
                worker.pipe.send(batch)

    def free_worker(self) -> Worker[T] | None:
        """A worker without work, new if there is a place for it."""
        for worker in self.workers:
            if worker.free and worker.process.exitcode is None:
                return worker
        places = list((Counter(self.places) - Counter(w.place for w in self.workers)).elements())
        if not places:
            return None
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=serve, args=(theirs, self.work, places[0], get_temp_dir()), daemon=True)
        process.start()
        theirs.close()
        self.workers.append(Worker(process, ours, places[0]))
        return self.workers[-1]

    def listen(self, worker: Worker[T]) -> None:
        """Take in all that a worker has sent."""
        with suppress(EOFError, OSError):  # also a message that a killed worker left half sent
            while worker.pipe.poll():
                self.take_in(worker, worker.pipe.recv())

    def take_in(self, worker: Worker[T], message: Said | Raised | Free) -> None:
        """One message of a worker."""
        match message:
            case Began(key):
                worker.running.append(key)
                worker.since = monotonic()
                self.heard(message)
            case Finished(key):
                worker.batch = [item for item in worker.batch if item.key != key]
                worker.running = [name for name in worker.running if name != key]
                if self.together:
                    worker.since = monotonic()
                if key not in self.over:
                    self.over.add(key)
                    self.heard(message)
            case Elsewhere(key):
                worker.batch = [item for item in worker.batch if item.key != key]
                self.heard(message)
            case Free():
                worker.free = True
            case Raised(reason, traceback):
                suspects, rest = worker.take(self.suspects(worker))
                worker.batch, worker.running = [], []
                if len(suspects) == 1:
                    self.give_up(Lost(suspects.pop(), "failed", reason, traceback))
                self.divide_again(suspects, rest)
            case Fatal(error):
                raise error

    def suspects(self, worker: Worker[T]) -> list[str]:
        """What a worker may have died of: what it began last, or all that it began where items run at once."""
        return (worker.running if self.together else worker.running[-1:]) or [item.key for item in worker.batch[:1]]

    def replace_dead(self, worker: Worker[T]) -> None:
        """A dead worker: a lone suspect is tried once more, then given up; several go apart."""
        self.workers.remove(worker)
        code = worker.process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        suspects, rest = worker.take(self.suspects(worker))
        if len(suspects) == 1:
            (culprit,) = suspects
            self.deaths[culprit.key] += 1
            if self.deaths[culprit.key] > _RETRIES:
                times = self.deaths[culprit.key]
                self.give_up(Lost(culprit, "crashed", f"its worker process died with {how}, {times} times"))
                suspects = []
        self.divide_again(suspects, rest)

    def divide_again(self, suspects: list[T], rest: list[T]) -> None:
        """Back to the head of the queue: suspects in two halves, so that in the end they are alone, and the rest."""
        self.queue.extendleft(batch for batch in (*self.divide(suspects), rest) if batch)

    def give_up(self, lost: Lost[T]) -> None:
        """Give an item up."""
        self.over.add(lost.item.key)
        self.heard(lost)

    def until_late(self) -> float | None:
        """Seconds until the first worker has taken too long; None where none can."""
        late = [at for worker in self.workers if (at := self.late(worker)) is not None]
        return max(0.0, min(late) - monotonic()) if late else None

    def late(self, worker: Worker[T]) -> float | None:
        """When a worker will have taken too long: items that run at once have the time of all of them.

        One that was given work and begins none of it, stopped perhaps, has a while to start and to load besides.
        """
        if self.timeout is None or worker.free:
            return None
        begun, _ = worker.take(self.suspects(worker))
        allowed = self.timeout * self.fits * max(len(begun), 1)
        return worker.since + allowed + (0.0 if worker.running else _BEGINS_WITHIN)

    def expire(self) -> None:
        """End workers that have taken too long."""
        for worker in list(self.workers):
            at = self.late(worker)
            if at is None or monotonic() < at:
                continue
            late, rest = worker.take(self.suspects(worker))
            self.kill(worker)
            self.workers.remove(worker)
            if len(late) == 1:
                each = f" for each of its {self.fits} fits" if self.fits > 1 else ""
                reason = f"took longer than run.timeout={self.timeout:g} seconds{each}"
                self.give_up(Lost(late.pop(), "timeout", reason))
            self.divide_again(late, rest)

    def kill(self, worker: Worker[T]) -> None:
        """End a worker at once."""
        worker.pipe.close()
        with suppress(ProcessLookupError, TypeError):
            os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.join(5)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End all workers: the idle by closing their pipes, the busy at once."""
        for worker in self.workers:
            if worker.batch:
                self.kill(worker)
            else:
                worker.pipe.close()
        for worker in self.workers:
            worker.process.join(5)
        self.workers.clear()


class InThisProcess(AbstractContextManager["InThisProcess[T]"], Generic[T]):
    """What `Pool` does, in this process and without isolation: for debugging. What the work raises is raised here."""

    def __init__(self, work: Work[T], heard: Callable[[Event[T]], None]) -> None:
        self.work, self.heard = work, heard
        self.queue: deque[list[T]] = deque()
        self.left = ExitStack()

    def __enter__(self) -> InThisProcess[T]:
        self.do = self.left.enter_context(self.work.open(self.tell))
        return self

    def tell(self, message: Said) -> None:
        """What the work says; what is fatal it raises as well."""
        if not isinstance(message, Fatal):
            self.heard(message)

    def submit(self, batch: list[T]) -> None:
        self.queue.append(batch)

    @property
    def idle(self) -> int:
        return 1 - len(self.queue)

    @property
    def busy(self) -> bool:
        return bool(self.queue)

    def wait(self) -> None:
        if self.queue:
            self.do(self.queue.popleft())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.left.__exit__(kind, error, tb)
