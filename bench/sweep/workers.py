"""How many workers a command gets, and where they run: what was asked for, or what the machine has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bench.config import CommandOptions
from bench.machine import gpus, places, usable_cores
from bench.sweep.pool import Event, InThisProcess, Pool, halves
from bench.sweep.worker import Item, Work

T = TypeVar("T", bound=Item)


def open_workers(
    work: Work[T],
    options: CommandOptions,
    most: int,
    heard: Callable[[Event[T]], None],
    *,
    fits: int = 1,
    together: bool = True,
    divide: Callable[[list[T]], tuple[list[T], list[T]]] = halves,
) -> Pool[T] | InThisProcess[T]:
    """A `Pool` for at most `most` batches at a time; this process itself when debugging."""
    if options.debug:
        return InThisProcess(work, heard)
    where = places(worker_count(options, most), options.run.threads, _visible_gpus(options))
    return Pool(work, where, heard, timeout=options.run.timeout, fits=fits, together=together, divide=divide)


def worker_count(options: CommandOptions, most: int) -> int:
    """Processes to use: what was asked for, or one per GPU; where there is none, one per usable core."""
    if options.run.workers != "auto":
        return min(options.run.workers, most)
    seen = _visible_gpus(options)
    return min(len(seen) or max(1, usable_cores() // options.run.threads), most)


def _visible_gpus(options: CommandOptions) -> tuple[str, ...]:
    """GPUs to use; none where the CPU was asked for."""
    return gpus() if options.run.device != "cpu" else ()
