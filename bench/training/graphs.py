"""Training steps recorded once as a CUDA graph and replayed: one launch where a step of a small model has fifty.

`run.graphs` asks for it. It changes no number: the kernels are those of ordinary steps, in their order, on the same
random streams. What a step reads lies at fixed addresses, and where it has got to is counted on the device, so that
nothing passes between host and device while the steps between two looks run.

A step whose shapes depend on its rows (text), whose batches are treated in Python (augmentation) or that talks to
other processes cannot be recorded and runs as ever. So does everything on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeAlias

import torch
from torch import Tensor

from bench.training.batches import Batches, pinned

Step: TypeAlias = Callable[[Tensor, Tensor | None], None]
"""Runs the steps of some rows (steps, K, B) and row weights (steps, K, B) on the device."""

DEVICES = {"cuda"}  # types of device that can record
WARM_UP = 3  # ordinary steps before any is recorded: libraries choose kernels and take workspaces at the first ones
STEPS_A_REPLAY = 5  # of one graph: what a replay costs itself is shared, and recording costs as much as these steps

_wanted = False


def use_graphs(wanted: bool) -> None:
    """Record training steps in this process from now on, where they can be (`run.graphs`)."""
    global _wanted  # noqa: PLW0603 - how a process runs, as its number of threads
    _wanted = wanted


def recordable(batches: Batches, ranks: int) -> bool:
    """Whether steps of these batches are to be recorded, and can be."""
    fixed = not batches.ragged and not batches.augmented
    return _wanted and batches.device.type in DEVICES and fixed and ranks == 1


class Replay:
    """Steps of one grouping of a stack: first ordinary ones on a stream of their own, then several by one replay.

    Each generator that a step draws from must be given: a graph moves those that it knows on at every replay, by two
    small launches each. With dropout, K members thus cost 2K launches a replay.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        weights: torch.dtype | None,
        device: torch.device,
        generators: Sequence[torch.Generator],
    ) -> None:
        """shape: the most steps between two looks, members, batch size; weights: their type, None where all are 1."""
        self.rows = torch.zeros(shape, dtype=torch.int64, device=device)
        self.weights = None if weights is None else torch.ones(shape, dtype=weights, device=device)
        self.at = torch.zeros(1, dtype=torch.int64, device=device)
        self.device, self.generators = device, generators
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.ordinary = WARM_UP

    def run(self, step: Step, rows: Tensor, weights: Tensor | None) -> None:
        """All steps of rows and weights (steps, K, B), which may still be on the host.

        Raises:
            RuntimeError: a step does what a graph cannot hold.
        """
        self.rows[: len(rows)].copy_(pinned(rows, self.device), non_blocking=True)
        if self.weights is not None and weights is not None:
            self.weights[: len(rows)].copy_(weights, non_blocking=True)
        self.at.zero_()
        if self.ordinary:
            first = min(self.ordinary, len(rows))
            self.ordinary -= first
            self.ordinarily(step, first, watch=not self.ordinary)
            rows = rows[first:]
        if len(rows) >= STEPS_A_REPLAY and self.graph is None:
            self.graph = self.record(step)
        for _ in range(len(rows) // STEPS_A_REPLAY):
            assert self.graph is not None
            self.graph.replay()
        if len(rows) % STEPS_A_REPLAY:
            self.ordinarily(step, len(rows) % STEPS_A_REPLAY)

    def once(self, step: Step) -> None:
        """The step that the counter has come to."""
        weights = None if self.weights is None else self.weights.index_select(0, self.at)
        step(self.rows.index_select(0, self.at), weights)
        self.at += 1

    def ordinarily(self, step: Step, times: int, watch: bool = False) -> None:
        """Steps as ever, on the stream that records; `watch` over the last one."""
        main = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream):
            for i in range(times):
                with watched() if watch and i == times - 1 else nullcontext():
                    self.once(step)
        main.wait_stream(self.stream)

    def record(self, step: Step) -> torch.cuda.CUDAGraph:
        """The next steps as a graph; nothing of them has run yet."""
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        main = torch.cuda.current_stream(self.device)
        # The outer context takes the process back to its stream, which a capture that fails does not.
        with explained(), torch.cuda.stream(main), torch.cuda.graph(graph, stream=self.stream):
            for _ in range(STEPS_A_REPLAY):
                self.once(step)
        return graph


@contextmanager
def watched() -> Iterator[None]:
    """An ordinary step in which torch refuses what waits for the device.

    To be found here rather than while recording: what fails there may leave the process unable to go on.
    """
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        with explained():
            yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def explained() -> Iterator[None]:
    """Errors, but those of memory, with their remedy."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise RuntimeError(
            "run.graphs: expected training steps that a CUDA graph can hold, got one that asks the device for a "
            f"value or copies from the host (a loss that calls .item() or gather, say): {error}; "
            "run with run.graphs=false"
        ) from error
