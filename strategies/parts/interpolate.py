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
                Towards(near, at).move(columns, train.x, generator)
        return Features(x.schema, columns), y


@dataclass(frozen=True, eq=False)
class Towards:
    """Which rows of a batch are moved, and towards which training rows each may be.

    near: the neighbours (n, k) of each row that is moved; or, where `which` (m,) says which of these n belong to each
    of m moved rows, of fewer: rows that start from one row share its neighbours, which are kept once. at: the rows of
    the batch that are moved; None: all, in their order.
    """

    near: Tensor
    at: Tensor | None = None
    which: Tensor | None = None

    def __len__(self) -> int:
        return len(self.near if self.which is None else self.which)

    def one_of_each(self, generator: torch.Generator) -> Tensor:
        """One of the neighbours of each moved row, at random: (len(self),)."""
        chosen = torch.randint(self.near.shape[1], (len(self), 1), generator=generator).to(self.near.device)
        return self.near.gather(1, chosen).flatten() if self.which is None else self.near[self.which, chosen.flatten()]

    def move(self, columns: dict[str, Tensor | Bag], rows: Features, generator: torch.Generator) -> None:
        """Write the new values into the columns of the batch; `rows`: the training rows that the neighbours are of."""
        one, part = self.one_of_each(generator), torch.rand(len(self), 1, generator=generator)
        for f in rows.schema:
            value, source = columns[f.name], rows.columns[f.name]
            if isinstance(value, Bag) or isinstance(source, Bag) or f.kind == "tokens":
                continue
            if f.kind == "numeric":
                for first in range(0, len(self), _PIECE):
                    some = slice(first, first + _PIECE)
                    own, way = value[some if self.at is None else self.at[some]], source[one[some]].to(value)
                    way.sub_(own).mul_(part[some].to(value))
                    # Missing stays missing, and is not spread.
                    way.nan_to_num_(nan=0.0, posinf=math.inf, neginf=-math.inf)
                    own.add_(way)  # of all rows a view of the column
                    if self.at is not None:
                        value[self.at[some]] = own
            else:
                everyone = self.near if self.which is None else self.near[self.which]
                value[slice(None) if self.at is None else self.at] = source[everyone].mode(dim=1).values.to(value)


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
