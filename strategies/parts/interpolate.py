"""New rows between a row and its neighbours of the same class (SMOTE), made in the batch and never stored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.features import Bag, Features, Split

if TYPE_CHECKING:
    from torch import Tensor

_POOL = 4096
"""Rows of a class among which neighbours are sought; of larger classes so many are drawn for every batch."""

_PIECE = 1 << 15
"""Rows that are moved at once: two copies of so many are in memory beside the table."""


@dataclass(frozen=True)
class Interpolate:
    """Move rows of class c, each with probability `made[c]`, towards one of its `neighbours` nearest of its class.

    Numbers go a random part u ~ U(0, 1) of the way to one neighbour; categories become the commonest among all of them
    (SMOTE-NC, Chawla et al. 2002, section 6.1); text stays. The distance is Euclidean on the encoded numbers, which are
    standardised; a category that differs counts as one standard deviation. A class of one row has no neighbours and
    stays as it is.
    """

    made: tuple[float, ...]
    neighbours: int = 5

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        columns = {name: v if isinstance(v, Bag) else v.clone() for name, v in x.columns.items()}
        labels = y.cpu()
        hit = torch.rand(len(y), generator=generator) < torch.tensor(self.made)[labels]
        for c in sorted(set(labels[hit].tolist())):
            pool = (train.y == c).nonzero().flatten()
            if len(pool) > _POOL:
                pool = pool[torch.randperm(len(pool), generator=generator)[:_POOL].to(pool.device)]
            at = (hit & (labels == c)).nonzero().flatten().to(y.device)
            if len(pool) > 1:
                near = _nearest(x, at, train.x, pool, self.neighbours)
                self.move(columns, at, near, train.x, generator)
        return Features(x.schema, columns), y

    def move(
        self, columns: dict[str, Tensor | Bag], at: Tensor, near: Tensor, rows: Features, generator: torch.Generator
    ) -> None:
        """Write new values of the rows `at` of a batch, from neighbours `near` (len(at), k) of the training rows."""
        chosen = torch.randint(near.shape[1], (len(at), 1), generator=generator).to(near.device)
        one, part = near.gather(1, chosen).flatten(), torch.rand(len(at), 1, generator=generator)
        for f in rows.schema:
            value, source = columns[f.name], rows.columns[f.name]
            if isinstance(value, Bag) or isinstance(source, Bag) or f.kind == "tokens":
                continue
            if f.kind == "numeric":
                for first in range(0, len(at), _PIECE):
                    some = slice(first, first + _PIECE)
                    own, way = value[at[some]], source[one[some]].to(value)
                    way.sub_(own).mul_(part[some].to(value))
                    # Missing stays missing, and is not spread.
                    way.nan_to_num_(nan=0.0, posinf=math.inf, neginf=-math.inf)
                    value[at[some]] = own.add_(way)
            else:
                value[at] = source[near].mode(dim=1).values.to(value)


def _nearest(x: Features, at: Tensor, rows: Features, pool: Tensor, k: int) -> Tensor:
    """The k rows of the pool nearest to each row of the batch, as training rows (len(at), k); not the row itself."""
    distance = torch.zeros(len(at), len(pool), device=at.device)
    for f in x.schema:
        ours, theirs = x.columns[f.name], rows.columns[f.name]
        if isinstance(ours, Bag) or isinstance(theirs, Bag) or f.kind == "tokens":
            continue
        a, b = ours[at], theirs[pool].to(ours.device)
        if f.kind == "numeric":
            distance += torch.cdist(a.float(), b.float()) ** 2
        else:
            for j in range(a.shape[1]):
                distance += (a[:, j, None] != b[None, :, j]).float()
    k = min(k + 1, len(pool))
    found = distance.topk(k, largest=False).indices[:, 1:]  # the first is the row itself, or a copy of it
    return pool.to(found.device)[found]
