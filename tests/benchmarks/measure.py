"""Two sides of a comparison, alternately: a busy machine slows both, and medians of several forget single hiccups."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Side: TypeAlias = Callable[[], Any]


@dataclass(frozen=True)
class Measured:
    """One line of the table. `value` is a ratio unless `unit` says otherwise; None: not measured, `note` says why."""

    row: str
    what: str
    reference: str
    value: float | None
    target: float | None
    unit: str = "×"
    at_least: bool = False  # the target is a floor (speed-ups), not a ceiling
    reference_seconds: float | None = None
    our_seconds: float | None = None
    spread: tuple[float, float] | None = None  # smallest and largest ratio of the pairs
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is no target or no measurement."""
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def timed(side: Side) -> float:
    """Seconds of one call, with the garbage of earlier ones collected before."""
    gc.collect()
    began = time.perf_counter()
    side()
    return time.perf_counter() - began


def alternate(reference: Side, ours: Side, repeats: int, warm: bool = True) -> tuple[list[float], list[float]]:
    """Seconds of both sides, in turn; which goes first changes every round."""
    if warm:
        reference()
        ours()
    theirs, mine = [], []
    for i in range(repeats):
        for side, seconds in ((reference, theirs), (ours, mine))[:: 1 if i % 2 else -1]:
            seconds.append(timed(side))
    return theirs, mine


def compared(
    row: str, what: str, against: str, reference: Side, ours: Side, target: float | None, repeats: int,
    *, warm: bool = True, speedup: bool = False, note: str = "",
) -> Measured:  # fmt: skip
    """The ratio of medians, ours over the reference; for a speed-up the other way round."""
    theirs, mine = alternate(reference, ours, repeats, warm)
    pairs = [b / a if speedup else a / b for a, b in zip(mine, theirs, strict=True)]
    a, b = statistics.median(mine), statistics.median(theirs)
    return Measured(
        row, what, against, b / a if speedup else a / b, target, at_least=speedup, reference_seconds=b,
        our_seconds=a, spread=(min(pairs), max(pairs)), note=note,
    )  # fmt: skip


def rss() -> float:
    """Resident memory of this process now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The list that is yielded receives how far resident memory rose above its level at the start, in MiB."""
    gc.collect()
    before, highest, done = rss(), [rss()], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            highest[0] = max(highest[0], rss())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    found: list[float] = []
    try:
        yield found
    finally:
        done.set()
        watcher.join()
        found.append(max(highest[0], rss()) - before)
