"""The rows of each class, which samplers draw from."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_KEPT = 1 << 20  # rows of tables whose rows by class are kept


def rows_by_class(rows: Tensor, y: Tensor) -> dict[int, Tensor]:
    """The given rows of each class that has some, in their order; classes in theirs. `y` (n,): labels of all rows."""
    whole = len(rows) == len(y) <= _KEPT and torch.equal(rows, torch.arange(len(y)))
    return _of_all_rows(y) if whole else _found(rows, y)


def drawn_with(seed: int | None, generator: torch.Generator) -> torch.Generator:
    """What a sampler draws with: of a seed, the same every epoch; else the generator of the epoch."""
    return generator if seed is None else torch.Generator().manual_seed(seed)


def fewer_of_each(rows: Tensor, y: Tensor, ratio: float, pick: Callable[[Tensor, int], Tensor]) -> Tensor:
    """The given rows, of each class at most int(rarest / ratio): `pick` says which, of its rows and their number."""
    classes = rows_by_class(rows, y).values()
    cap = int(min(map(len, classes)) / ratio)
    return torch.cat([pick(mine, cap) if len(mine) > cap else mine for mine in classes])


def _found(rows: Tensor, y: Tensor) -> dict[int, Tensor]:
    labels = y[rows]
    return {c: rows[labels == c] for c in torch.bincount(labels).nonzero().flatten().tolist()}


@lru_cache(maxsize=4)
def _of_all_rows(y: Tensor) -> dict[int, Tensor]:
    """Of the whole table. An epoch of a rare class is over after a step or less: finding them anew costs more."""
    return _found(torch.arange(len(y)), y)
