"""A few rows of any schema, made up: to see what a network gives for them before it has seen data."""

from __future__ import annotations

import torch
from torch import Tensor

from strategies.spec import Bag, Features, Field


def made_up(schema: tuple[Field, ...], rows: int, generator: torch.Generator | None = None) -> Features:
    """Rows that fit a schema: normal numbers, uniform codes, two terms a row; without a generator all zero."""
    columns: dict[str, Tensor | Bag] = {}
    for field in schema:
        sizes = field.sizes or (1,)
        if field.kind == "numeric":
            shape = (rows, field.width)
            columns[field.name] = torch.zeros(shape) if generator is None else torch.randn(shape, generator=generator)
        elif field.kind == "categorical":
            columns[field.name] = torch.stack([drawn(size, rows, generator) for size in sizes], 1)
        elif field.kind == "tokens":
            columns[field.name] = drawn(sizes[0], rows * field.width, generator).view(rows, field.width)
        else:
            ids, offsets = drawn(sizes[0], 2 * rows, generator).int(), torch.arange(0, 2 * rows + 1, 2).int()
            columns[field.name] = Bag(ids, torch.ones(2 * rows), offsets)
    return Features(schema, columns)


def drawn(size: int, count: int, generator: torch.Generator | None) -> Tensor:
    """Codes below a size, int64 (count,)."""
    if generator is None:
        return torch.zeros(count, dtype=torch.int64)
    return torch.randint(size, (count,), generator=generator)
