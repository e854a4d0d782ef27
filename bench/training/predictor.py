"""A trained network as a `Predictor`: parameters on the CPU, inference in chunks on any device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from bench.models.parts.build import build_network
from bench.models.parts.network import Network
from bench.models.registry import Pretrained
from strategies.predictor import Cost, Predictor
from strategies.spec import Features, Field, Head, Inapplicable, Model

CHUNK = 16384  # rows a forward pass: bounds memory whatever the table's size


@dataclass(frozen=True)
class Architecture:
    """All that decides the shapes of one trained network."""

    model: Model
    schema: tuple[Field, ...]
    head: Head
    n_classes: int

    def build(self) -> Network:
        """The network of one member, whose parameters are to be filled in."""
        model = self.model.to_fill() if isinstance(self.model, Pretrained) else self.model
        return build_network(model, 1, self.schema, self.head, self.n_classes)


@dataclass(frozen=True, eq=False)
class Fitted(Predictor):
    """One trained member: its architecture, and its best parameters (leading axis 1)."""

    architecture: Architecture
    state: Mapping[str, Tensor]
    prior: Tensor
    prior_exact: bool
    cost: Cost
    device: torch.device
    notes: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = ()  # (step, validation score)

    @property
    def where(self) -> torch.device:
        return self.device

    def logits(self, x: Features) -> Tensor:
        return self.chunks(x, network(self))

    def encode(self, x: Features) -> Tensor:
        encoder = network(self).encoder
        if encoder is None:
            raise Inapplicable("this model has no encoder: its logits are linear in the features; use model=mlp")
        return self.chunks(x, encoder)

    def head(self) -> tuple[Tensor, Tensor]:
        if not {"head.weight", "head.bias"} <= set(self.state) or network(self).encoder is None:
            return super().head()
        return self.state["head.weight"][0], self.state["head.bias"][0, 0]

    def chunks(self, x: Features, module: Callable[[Features], Tensor]) -> Tensor:
        """Apply to all rows, `CHUNK` at a time; the result is on the CPU."""
        dtype = _number_type(self.state)
        parts = []
        with torch.no_grad():
            for start in range(0, len(x), CHUNK):
                rows = torch.arange(start, min(start + CHUNK, len(x)))
                part = x if len(rows) == len(x) else x.take(rows)
                parts.append(module(part.to(self.device, dtype))[0].cpu())
        return torch.cat(parts)


@lru_cache(maxsize=8)
def network(fitted: Fitted) -> Network:
    """The network with these parameters, in evaluation mode; the last ones are kept, an ensemble's for every table."""
    made = fitted.architecture.build().to(_number_type(fitted.state))
    made.load_state_dict(fitted.state)
    return made.to(fitted.device).eval()


def _number_type(state: Mapping[str, Tensor]) -> torch.dtype:
    """The type of a network's numbers, whole ones aside."""
    return next(value.dtype for value in state.values() if value.is_floating_point())
