"""What a stack relies on: member k of K gives what it gives alone, and a row what it gives alone.

Checked on made-up rows the first time that models of a kind are to train together: a model that breaks it would train
without an error, to something else than its members alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import torch

from bench.models.parts.build import build_network, member_settings, stacks_with
from bench.models.parts.network import Network
from bench.models.parts.probe import made_up
from strategies.spec import Features, Field, Head, Model

MEMBERS, ROWS = 3, 5
NEAR = 1e-9  # of float64 numbers of the size of 1


class Unstackable(TypeError):
    """A network whose members or rows touch one another, or that cannot be stacked at all."""


def check_stacking(model: Model, schema: tuple[Field, ...], head: Head, n_classes: int) -> None:
    """Refuse a network that breaks the law. What was found of a kind of model is remembered.

    Raises:
        Unstackable: says which part of the law, and by how much.
    """
    broken = _broken(_ByKind(stacks_with(model), model), schema, head, n_classes)
    if broken:
        raise Unstackable(f"model {model.name}: {broken}")


class _ByKind:
    """A model that equals all that stack with it."""

    def __init__(self, kind: Hashable, model: Model) -> None:
        self.kind, self.model = (type(model), kind), model

    def __hash__(self) -> int:
        return hash(self.kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByKind) and self.kind == other.kind


@lru_cache(maxsize=256)
def _broken(of: _ByKind, schema: tuple[Field, ...], head: Head, n_classes: int) -> str:
    """What is wrong; empty where nothing is."""
    g, model = torch.Generator().manual_seed(0), of.model
    together, alone = (_ready(model, k, schema, head, n_classes) for k in (MEMBERS, 1))
    for name, value in together.state_dict().items():
        if value.dim() == 0 or len(value) != MEMBERS:
            return f"expected a leading axis of {MEMBERS} members in {name}, got shape {tuple(value.shape)}"
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=g, dtype=torch.float64))
    x = made_up(schema, MEMBERS * ROWS, g).to(torch.device("cpu"), torch.float64)
    try:
        with torch.no_grad():
            got = together(x)
            for k in range(MEMBERS):
                mine = x.take(torch.arange(k * ROWS, (k + 1) * ROWS))
                alone.load_state_dict({n: v[k : k + 1] for n, v in together.state_dict().items()})
                found = _differs(got[k], alone, mine, f"member {k} of {MEMBERS}")
                found = found or _differs(got[k][2:3], alone, mine.take(torch.tensor([2])), f"row 2 of {ROWS}")
                if found:
                    return found
    except (RuntimeError, TypeError, IndexError) as error:
        return f"expected {MEMBERS} members to be computed at once, got: {error}"
    return ""


def trains_stacked(model: Model, schema: tuple[Field, ...], head: Head, n_classes: int) -> bool:
    """Whether a step of several ordinary modules at once gives what it gives each alone, noise and buffers included."""
    return _trains(_ByKind(stacks_with(model), model), schema, head, n_classes)


@lru_cache(maxsize=256)
def _trains(of: _ByKind, schema: tuple[Field, ...], head: Head, n_classes: int) -> bool:
    if _broken(of, schema, head, n_classes):
        return False
    g = torch.Generator().manual_seed(0)
    together, alone = (_ready(of.model, k, schema, head, n_classes).train() for k in (MEMBERS, 1))
    for value in together.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=g, dtype=torch.float64))
    x = made_up(schema, MEMBERS * ROWS, g).to(torch.device("cpu"), torch.float64)
    before = {n: v.clone() for n, v in together.state_dict().items()}
    try:
        with torch.no_grad():
            got = together(x)
            for k in range(MEMBERS):
                alone.load_state_dict({n: v[k : k + 1] for n, v in before.items()})
                if _differs(got[k], alone, x.take(torch.arange(k * ROWS, (k + 1) * ROWS)), ""):
                    return False
                after = together.state_dict()
                if not all(torch.allclose(after[n][k].double(), v[0].double()) for n, v in alone.state_dict().items()):
                    return False
    except (RuntimeError, TypeError, IndexError):  # noise, or what `vmap` does not know
        return False
    return True


def _ready(model: Model, members: int, schema: tuple[Field, ...], head: Head, n_classes: int) -> Network:
    """A network in float64 that only predicts."""
    network = build_network(model, members, schema, head, n_classes).to(torch.float64).eval()
    network.assign([member_settings(model, n_classes, ROWS)] * members, [torch.Generator()] * members)
    return network


def _differs(got: torch.Tensor, alone: Network, x: Features, what: str) -> str:
    """Whether something is not what it is alone."""
    apart = float((got - alone(x)[0]).abs().max())
    return "" if apart <= NEAR else f"expected {what} to give what it gives alone, got outputs apart by {apart:.2g}"
