"""Which rows of the commoner classes to keep, by where they lie: nearness, links, edited rows, groups, density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.parts.by_class import drawn_with, fewer_of_each, rows_by_class
from strategies.parts.neighbours import groups, nearest, points
from strategies.spec import Split

if TYPE_CHECKING:
    from torch import Tensor

_POOL = 4096  # rows of a class among which the density around each is judged


@dataclass(frozen=True, eq=False)
class Keep:
    """Of the rows so far those that `kept` (n,) says."""

    kept: Tensor

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return rows[self.kept[rows]]


@dataclass(frozen=True, eq=False)
class DrawFewerWeighted:
    """At most int(rarest / ratio) rows of each class, without replacement, one after another with probability ∝ weight.

    By exponential clocks (Efraimidis & Spirakis 2006): the rows that ring first.
    """

    ratio: float
    weight: Tensor
    seed: int | None = None  # given: the same draw every epoch

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        generator = drawn_with(self.seed, generator)

        def first(mine: Tensor, count: int) -> Tensor:
            uniform = torch.rand(len(mine), generator=generator, dtype=torch.float64).clamp_min(1e-300)
            return mine[(-uniform.log() / self.weight[mine]).topk(count, largest=False).indices]

        return fewer_of_each(rows, y, self.ratio, first)


def rarest(train: Split) -> int:
    """The class of the fewest rows, of those that have some."""
    counts = torch.bincount(train.y, minlength=train.n_classes)
    return int(torch.where(counts > 0, counts, counts.max() + 1).argmin())


def near_the_rarest(train: Split, ratio: float, k: int) -> Tensor:
    """NearMiss-1: of each commoner class the rows of the least mean distance to their k nearest rarest ones, (n,) bool.

    As many as `ratio` allows: int(rarest / ratio).
    """
    of, few = points(train.x), rarest(train)
    pool = (train.y == few).nonzero().flatten()
    cap, kept = int(len(pool) / ratio), torch.ones(len(train), dtype=torch.bool)
    for c, rows in rows_by_class(torch.arange(len(train)), train.y).items():
        if c != few and len(rows) > cap:
            _, far = nearest(of, rows, pool, k)
            kept[rows[far.double().sqrt().mean(1).argsort(stable=True)[cap:]]] = False
    return kept


def outside_links(train: Split) -> Tensor:
    """All rows but those of commoner classes in a Tomek link: two rows of two classes, each the other's nearest."""
    rows = torch.arange(len(train))
    close, _ = nearest(points(train.x), rows, rows, 1)
    if not close.shape[1]:
        return torch.ones(len(train), dtype=torch.bool)
    partner = close[:, 0]
    linked = (partner[partner] == rows) & (train.y[partner] != train.y)
    return ~(linked & (train.y != rarest(train)))


def among_their_own(train: Split, k: int) -> Tensor:
    """All rows but those of commoner classes that the vote of their k nearest rows would put into another class."""
    common = (train.y != rarest(train)).nonzero().flatten()
    close, _ = nearest(points(train.x), common, torch.arange(len(train)), k)
    votes = torch.nn.functional.one_hot(train.y[close], train.n_classes).sum(1)
    kept = torch.ones(len(train), dtype=torch.bool)
    kept[common] = votes.argmax(1) == train.y[common]
    return kept


def away_from_rare_rows(train: Split, k: int, generator: torch.Generator) -> Tensor:
    """1 / (rare rows in a row's group, at least 1) for each row (n,), float64; groups by k-means of all rows."""
    label = groups(points(train.x), k, generator)
    rare = torch.bincount(label[train.y == rarest(train)], minlength=k)
    return 1 / rare.clamp_min(1).double()[label]


def sparseness(train: Split, k: int, generator: torch.Generator) -> Tensor:
    """The distance of each row to the k-th nearest one of its class (n,), float64 and positive.

    Of classes of more than some thousand rows the nearest are sought among so many, drawn at random.
    """
    of, found = points(train.x), torch.ones(len(train), dtype=torch.float64)
    for rows in rows_by_class(torch.arange(len(train)), train.y).values():
        pool = rows
        if len(rows) > _POOL:
            pool = rows[torch.randperm(len(rows), generator=generator)[:_POOL]].sort().values
        _, far = nearest(of, rows, pool, k)
        if far.shape[1]:
            found[rows] = far[:, -1].double().sqrt()
    return found.clamp_min(1e-3 * float(found.mean()) or 1.0)
