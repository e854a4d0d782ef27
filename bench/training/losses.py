"""Losses of a stack: those of one type become one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, cast

import torch
from torch import Tensor

from strategies.spec import Loss


def stack_losses(losses: Sequence[Loss]) -> list[tuple[list[int], Loss]]:
    """Losses of one type become one call: fields that differ are stacked, (K, 1) for numbers, (K, 1, C) for tuples."""
    groups: dict[type, list[int]] = {}
    for k, loss in enumerate(losses):
        groups.setdefault(type(loss), []).append(k)
    stacked: list[tuple[list[int], Loss]] = []
    for members in groups.values():
        first: Any = losses[members[0]]
        changes: dict[str, Tensor] = {}
        for f in fields(first):
            values = [getattr(losses[k], f.name) for k in members]
            if any(v != values[0] for v in values):
                value = torch.tensor(values, dtype=torch.float64)
                changes[f.name] = value.view(len(members), 1, *value.shape[1:])
        stacked.append((members, cast(Loss, replace(first, **changes))))
    return stacked


def place_loss(loss: Loss, device: torch.device, dtype: torch.dtype) -> Loss:
    """The loss with its stacked numbers, and its numbers per class, where the outputs are."""
    own = {f.name: getattr(loss, f.name) for f in fields(cast(Any, loss))}
    tensors = {k: torch.as_tensor(v).to(device, dtype) for k, v in own.items() if isinstance(v, Tensor | tuple)}
    return cast(Loss, replace(cast(Any, loss), **tensors)) if tensors else loss
