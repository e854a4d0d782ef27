"""Two sides of a comparison, alternately: a busy machine slows both, and medians of several forget single hiccups."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import statistics
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
    cpu: float | None = None  # the ratio in processor seconds, which other processes disturb less than the clock
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is no target or no measurement."""
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


Seconds: TypeAlias = tuple[float, float]  # by the clock, and of this process's processors


def timed(side: Side) -> Seconds:
    """Seconds of one call, with the garbage of earlier ones collected before."""
    gc.collect()
    began, busy = time.perf_counter(), time.process_time()
    side()
    return time.perf_counter() - began, time.process_time() - busy


def alternate(reference: Side, ours: Side, repeats: int, warm: bool = True) -> tuple[list[Seconds], list[Seconds]]:
    """Seconds of both sides, in turn; which goes first changes every round."""
    if warm:
        reference()
        ours()
    theirs, mine = list[Seconds](), list[Seconds]()
    for i in range(repeats):
        for side, seconds in ((reference, theirs), (ours, mine))[:: 1 if i % 2 else -1]:
            seconds.append(timed(side))
    return theirs, mine


def compared(
    row: str,
    what: str,
    against: str,
    reference: Side,
    ours: Side,
    *,
    target: float | None,
    repeats: int,
    warm: bool = True,
    speedup: bool = False,
    processes: bool = False,
    note: str = "",
) -> Measured:
    """The ratio of medians, ours over the reference; for a speed-up the other way round.

    `processes`: a side works in other processes too, whose processor seconds are not ours to see.
    """
    theirs, mine = alternate(reference, ours, repeats, warm)

    def ratio(a: float, b: float) -> float:
        return b / a if speedup else a / b

    pairs = [ratio(a[0], b[0]) for a, b in zip(mine, theirs, strict=True)]
    (a, own), (b, other) = ([statistics.median(s) for s in zip(*side, strict=True)] for side in (mine, theirs))
    return Measured(
        row,
        what,
        against,
        ratio(a, b),
        target,
        at_least=speedup,
        reference_seconds=b,
        our_seconds=a,
        spread=(min(pairs), max(pairs)),
        cpu=None if processes or not own else ratio(own, other),
        note=note,
    )


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The list that is yielded receives how far resident memory rose above its level at the start, in MiB (Linux)."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # what earlier calls left in the allocator's hands would hide it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the kernel's own high-water mark, from now on
    before = high_water()
    found: list[float] = []
    try:
        yield found
    finally:
        found.append(high_water() - before)


def high_water() -> float:
    """Peak resident memory since the mark was reset, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
