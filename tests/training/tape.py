"""CUDA graphs without a GPU: operations on CPU tensors, noted and run again on the same memory.

What Python computes while a step is noted is frozen, addresses are fixed, nothing runs while it is noted, and a
generator must be known: as on a GPU. What a GPU would refuse to note is refused here, as far as it shows in the
operations that torch dispatches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from bench.training import graphs

CPU = torch.device("cpu")


def refuse(func: Any, args: Any, kwargs: Any, device: torch.device) -> None:
    """What ends a capture on a GPU.

    Raises:
        RuntimeError: the operation asks for a value, has a shape that depends on values, makes a tensor from Python
            numbers (on the host, to be copied), or reads or writes one that is not on the device. What happens on the
            host alone is free.
    """
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    if tensors and all(x.device == CPU != device for x in tensors) and kwargs.get("device") in (None, CPU):
        return
    known = func is torch.ops.aten.repeat_interleave.Tensor and kwargs.get("output_size") is not None
    known |= func is torch.ops.aten.index.Tensor and all(at is None or at.dtype != torch.bool for at in args[1])
    if torch.Tag.data_dependent_output in func.tags:
        raise RuntimeError(f"capture: {func} asks for a value")
    if torch.Tag.dynamic_output_shape in func.tags and not known:
        raise RuntimeError(f"capture: the shape of what {func} gives depends on values")
    if func is torch.ops.aten.lift_fresh.default:
        raise RuntimeError("capture: a tensor is made from Python numbers, on the host")
    for x in tensors:
        if x.device != device and x.dim():
            raise RuntimeError(f"capture: {func} works on a tensor on {x.device}")
    if kwargs.get("device", device) not in (None, device):
        raise RuntimeError(f"capture: {func} makes a tensor on {kwargs['device']}")


class Careful(TorchDispatchMode):
    """Refuses what a capture would."""

    def __init__(self, device: torch.device = CPU) -> None:
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        refuse(func, args, kwargs or {}, self.device)
        return func(*args, **(kwargs or {}))


class Tape(Careful):
    """Notes operations; `rewind` undoes what they did, `play` does it again."""

    def __init__(self, generators: list[torch.Generator]) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[Any]]] = []
        self.before: dict[int, tuple[Any, Any]] = {}
        self.generators = [(g, g.get_state()) for g in generators]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        drawn = kwargs.get("generator")
        if drawn is not None and not any(drawn._cdata == g._cdata for g, _ in self.generators):
            raise RuntimeError("capture: a generator that the graph was not told of")
        if func._schema.is_mutable:
            for x in tree_leaves((args, kwargs)):
                if isinstance(x, Tensor):
                    storage = x.untyped_storage()
                    self.before.setdefault(storage.data_ptr(), (storage, storage.clone()))
        out = super().__torch_dispatch__(func, types, args, kwargs)
        if not func.is_view:
            # As memory only: what they are to autograd would keep a finished step alive.
            args, kwargs, fresh = tree_map_only(Tensor, Tensor.detach, (args, kwargs, out))
            self.calls.append((func, args, kwargs, tree_leaves(fresh)))
        return out

    def rewind(self) -> None:
        """Memory and generators as they were."""
        for storage, content in self.before.values():
            storage.copy_(content)
        for generator, state in self.generators:
            generator.set_state(state)

    @torch.no_grad()
    def play(self) -> None:
        """Everything once more, into the same memory."""
        for func, args, kwargs, fresh in self.calls:
            out = func(*args, **kwargs)
            if func._schema.is_mutable:
                continue
            for old, new in zip(fresh, tree_leaves(out), strict=True):
                if isinstance(old, Tensor):
                    old.copy_(new)


class FakeStream:
    """Notes who waits for whom."""

    log: list[str] = []  # noqa: RUF012 - one log for all of a test, emptied by `fake_cuda`

    def __init__(self, device: Any = None, name: str = "side") -> None:
        self.name = name

    def wait_stream(self, other: FakeStream) -> None:
        """Order of streams."""
        self.log.append(f"{self.name} waits for {other.name}")


class FakeGraph:
    """torch.cuda.CUDAGraph on a tape."""

    made: list[FakeGraph] = []  # noqa: RUF012 - as above

    def __init__(self) -> None:
        self.generators: list[torch.Generator] = []
        self.tape: Tape | None = None
        self.replays = 0
        self.made.append(self)

    def register_generator_state(self, generator: torch.Generator) -> None:
        """Before the capture only."""
        assert self.tape is None
        self.generators.append(generator)

    def replay(self) -> None:
        """Launch."""
        assert self.tape is not None
        assert FakeStream.log[-1:] != ["capturing"]
        self.replays += 1
        self.tape.play()


@contextmanager
def fake_stream(stream: FakeStream) -> Iterator[None]:
    """torch.cuda.stream."""
    FakeStream.log.append(f"on {stream.name}")
    yield
    FakeStream.log.append(f"off {stream.name}")


@contextmanager
def fake_capture(graph: FakeGraph, *, stream: FakeStream) -> Iterator[None]:
    """torch.cuda.graph: nothing runs until the first replay."""
    FakeStream.log.append(f"capturing on {stream.name}")
    tape = Tape(graph.generators)
    with tape:
        yield
    tape.rewind()
    graph.tape = tape


@contextmanager
def fake_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeGraph]]:
    """`run.graphs` on a CPU; yields the graphs that are made."""
    main = FakeStream(name="main")
    FakeStream.log, FakeGraph.made = [], []
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "Stream", FakeStream)
        patch.setattr(torch.cuda, "stream", fake_stream)
        patch.setattr(torch.cuda, "current_stream", lambda _: main)
        patch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
        patch.setattr(torch.cuda, "set_sync_debug_mode", lambda mode: FakeStream.log.append(f"watching {mode}"))
        patch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
        patch.setattr(torch.cuda, "graph", fake_capture)
        patch.setattr(graphs, "DEVICES", {"cpu"})
        patch.setattr(graphs, "_wanted", True)
        yield FakeGraph.made
