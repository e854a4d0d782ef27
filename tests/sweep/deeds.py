"""Work for tests of the pool, in a module that a worker process imports in a moment: no torch, no pandas."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.records.files import ResultsError
from bench.sweep.worker import Began, Finished, Item, Said


@dataclass(frozen=True)
class Thing:
    """Something to work on; as a cell it has a seed."""

    key: str
    seed: int = 0

    @property
    def cell(self) -> Thing:
        return self


@dataclass(frozen=True)
class Deeds:
    """Work that does to each item what is asked: nothing, by default. Every try leaves a line in the log."""

    module: ClassVar[str] = "bench.sweep.worker"
    deeds: Mapping[str, str]
    log: Path
    together: bool = False

    @contextmanager
    def open(self, say: Callable[[Said], None]) -> Iterator[Callable[[Sequence[Item]], None]]:
        """One item after another, or all begun before any ends."""

        def work(batch: Sequence[Item]) -> None:
            for at, item in enumerate(batch):
                if self.deeds.get(item.key) == "stop":  # before it says anything
                    threading.Event().wait()
                for begun in batch if self.together and not at else [] if self.together else [item]:
                    say(Began(begun.key))
                self.do(item)
                for ended in batch if self.together and item is batch[-1] else [] if self.together else [item]:
                    say(Finished(ended.key, os.getpid()))

        yield work

    def do(self, item: Item) -> None:
        """The deed of an item."""
        tries = self.tries()[item.key]
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{item.key}\n")
        match self.deeds.get(item.key, ""):
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "die once" if not tries:
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise ValueError("no\nluck")
            case "hang":
                threading.Event().wait()
            case "no disk":
                raise ResultsError("the disk is full")

    def tries(self) -> Counter[str]:
        """How often each item was tried."""
        return Counter(self.log.read_text(encoding="utf-8").split()) if self.log.exists() else Counter()
