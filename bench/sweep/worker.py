"""A worker process: what it is given to do, what it says, and its life from the first batch to the last.

Imports neither torch nor Lightning, because the process that starts the workers needs neither.
"""

from __future__ import annotations

import gc
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

from bench.machine import Place
from bench.records.files import ResultsError, one_line
from bench.sweep.end_with_parent import end_with_parent


class Item(Protocol):
    """Something to work on: a cell, a trial."""

    @property
    def key(self) -> str:
        """Its name, which no other item has."""
        ...


T_contra = TypeVar("T_contra", bound=Item, contravariant=True)


@dataclass(frozen=True)
class Began:
    """Work on an item has begun."""

    key: str


@dataclass(frozen=True)
class Finished:
    """An item is finished, and its result safe. `elsewhere`: another command did it."""

    key: str
    result: Any
    elsewhere: bool = False


@dataclass(frozen=True)
class Elsewhere:
    """Another command is at work on this item: it is left to that one."""

    key: str


@dataclass(frozen=True)
class Fatal:
    """Nothing more can be done by anybody: results cannot be written, or the data changed under the command."""

    error: ResultsError


@dataclass(frozen=True)
class Raised:
    """The work raised what it should have caught: the rest of the batch was not done."""

    reason: str
    traceback: str


@dataclass(frozen=True)
class Free:
    """The worker waits for its next batch. Results of the last one may still be on their way to the disk."""


Said: TypeAlias = Began | Finished | Elsewhere | Fatal


class Work(Protocol[T_contra]):
    """What workers do. It is pickled into each process, opened there once, and called with one batch after another.

    When it is left, all results are safe. It says what happens, from any thread, and raises only `ResultsError`.
    """

    module: ClassVar[str]  # imported by the fork server, before there is anything to do

    def open(self, say: Callable[[Said], None]) -> AbstractContextManager[Callable[[Sequence[T_contra]], None]]:
        """Get ready, in the process that does the work."""
        ...


def serve(pipe: Connection, work: Work[Any], place: Place, litter: str = "") -> None:
    """The life of a worker process: receive a batch, work on it, say so; ends when the pipe closes, or the parent."""
    end_with_parent(litter)
    place.occupy()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle; it ends us
    turn = Lock()

    def say(message: Said | Raised | Free) -> None:
        with turn:  # one item may begin while another thread says that the last one is on the disk
            pipe.send(message)

    # The pipe closes when there is no more work. What cannot be written has been said as `Fatal`.
    with suppress(EOFError, ConnectionError, ResultsError), work.open(say) as do:
        gc.freeze()  # what was imported stays: no need to look through it for garbage
        while True:
            batch = pipe.recv()
            try:
                do(batch)
            except ResultsError as error:
                say(Fatal(error))
                raise
            except Exception as error:
                say(Raised(f"{type(error).__name__}: {one_line(error)}", traceback.format_exc()))
            say(Free())
