"""Ordinary modules, written without a thought of members, as a layer with a leading member axis.

One member is the module itself, called with its parameters taken off the axis. Several are `torch.func`'s: stacked
state, `functional_call` under `vmap`. That takes dense fields and a module that draws no noise and changes no buffer
while it trains (`stacks`); other modules train one after another.

A module may be an ensemble in one: logits (rows, members, C). In training each row then counts as so many, one for
each member, which has a loss of its own; otherwise the members' probabilities are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.models.parts.layers import Layer
from bench.models.parts.probe import made_up
from strategies.spec import Bag, Features, Field

_ENSEMBLE = 3  # axes of what an ensemble in one gives: rows, members, logits


class Ordinary(Layer):
    """K modules of one architecture: Features of K·B rows -> (K, B, width). All of its state has the member axis.

    Of an ensemble in one, training gives (1, B · members, C), the members of a row one after another.
    """

    def __init__(self, members: int, make: Callable[[], nn.Module], what: str) -> None:
        """make: a new module, with parameters drawn from torch's global stream; what: its name in messages."""
        super().__init__()
        self.count, self.make, self.what = members, make, what
        self.streams: Sequence[torch.Generator] = ()
        self.ensemble = False  # as the first rows show
        self.module = stacked(seeded(make, 0), members)
        self.buffered = frozenset(self.module.state_dict()) - {name for name, _ in self.module.named_parameters()}

    def reset(self, k: int, generator: torch.Generator) -> None:
        fresh = seeded(self.make, generator.initial_seed()).state_dict()
        for name, value in self.module.state_dict(keep_vars=True).items():
            value.data[k] = fresh[name]

    def state(self) -> dict[str, Tensor]:
        """What has the member axis: parameters, and the buffers that belong to the state."""
        buffers = {name: b for name, b in self.module.named_buffers() if name in self.buffered}
        return {**dict(self.module.named_parameters()), **buffers}

    def forward(self, x: Features) -> Tensor:
        state = self.state()
        members = len(next(iter(state.values()))) if state else self.count
        if members > 1:
            return self.mapped(state, x, members)
        out = self.alone(x)
        self.ensemble = out.dim() == _ENSEMBLE and len(out) == len(x)
        if self.ensemble:
            return (out.flatten(0, 1) if self.training else _mean_probability(out)).unsqueeze(0)
        if out.dim() != 2 or len(out) != len(x):
            raise ValueError(
                f"{self.what}: expected a module from {len(x)} rows to ({len(x)}, width), got {tuple(out.shape)}"
            )
        return out.unsqueeze(0)

    def alone(self, x: Features) -> Tensor:
        """What the module of the only member gives, as it gives it."""
        own = {name: value.squeeze(0) for name, value in self.state().items()}
        with drawing_from(self.streams[0] if self.training and self.streams else None):
            out: Tensor = functional_call(self.module, own, (x,))
        return out

    def mapped(self, state: dict[str, Tensor], x: Features, members: int) -> Tensor:
        """K members at once; what cannot be is an error."""
        columns = {}
        for name, value in x.columns.items():
            if isinstance(value, Bag):
                raise TypeError(
                    f"{self.what}: expected dense fields to train several members at once, got bag {name!r}"
                )
            columns[name] = value.view(members, -1, *value.shape[1:])

        def alone(own: dict[str, Tensor], mine: dict[str, Tensor]) -> Tensor:
            out: Tensor = functional_call(self.module, own, (Features(x.schema, mine),))
            return out

        out: Tensor = torch.vmap(alone, randomness="error")(state, columns)
        return out

    def width(self, schema: tuple[Field, ...]) -> int:
        """How many numbers it gives a row, found by two rows of zeros."""
        was = self.training
        with torch.no_grad():
            state = {name: value[:1] for name, value in self.state().items()}
            out: Tensor = functional_call(self.eval(), {f"module.{n}": v for n, v in state.items()}, made_up(schema, 2))
        self.train(was)
        return out.shape[-1]


def _mean_probability(out: Tensor) -> Tensor:
    """Logits (rows, C) of the mean of the probabilities that logits (rows, members, C) stand for."""
    return out.log_softmax(-1).logsumexp(1) - math.log(out.shape[1])


def stacked(module: nn.Module, members: int) -> nn.Module:
    """The module with K copies of its parameters and buffers along a new first axis; tied ones stay tied."""
    made: dict[int, Tensor] = {}
    state = module.state_dict(keep_vars=True)
    for path, value in state.items():
        if id(value) not in made:
            copies = value.detach().unsqueeze(0).repeat(members, *(1 for _ in value.shape))
            tied = isinstance(value, nn.Parameter)
            made[id(value)] = nn.Parameter(copies, requires_grad=value.requires_grad) if tied else copies
        owner, _, leaf = path.rpartition(".")
        setattr(module.get_submodule(owner), leaf, made[id(value)])
    return module


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A module made from a stream of this seed; torch's global stream is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


@contextmanager
def drawing_from(stream: torch.Generator | None) -> Iterator[None]:
    """What is drawn from torch's global stream comes from this one, which moves on; None: left alone."""
    if stream is None:
        yield
        return
    cuda = stream.device.type == "cuda"
    default = torch.cuda.default_generators[stream.device.index or 0] if cuda else torch.default_generator
    before = default.get_state()
    default.set_state(stream.get_state())
    try:
        yield
    finally:
        stream.set_state(default.get_state())
        default.set_state(before)
