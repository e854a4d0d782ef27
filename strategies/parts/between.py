"""New rows between rows of one class, made once and kept: which rows they start from, and which they may go towards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.parts.interpolate import Towards
from strategies.parts.made_rows import natural_rows, rows_lacking, with_copies, with_made_rows
from strategies.parts.neighbours import Points, groups, nearest, points
from strategies.spec import Recipe, Split

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_OF_ALL = 10  # nearest rows of any class by which borderline judges a row, as in the paper


@dataclass(frozen=True)
class Ways:
    """Rows to start from, each with a weight ≥ 0 and the rows (k each) towards which a new one may lie."""

    rows: Tensor
    weight: Tensor
    towards: Tensor


def anywhere(of: Points, train: Split, c: int, k: int) -> Ways:
    """SMOTE: from every row of class c alike, towards its k nearest of the class."""
    rows = (train.y == c).nonzero().flatten()
    return Ways(rows, torch.ones(len(rows), dtype=torch.float64), nearest(of, rows, rows, k)[0])


def at_the_border(of: Points, train: Split, c: int, k: int) -> Ways:
    """Borderline-SMOTE 1: from rows of which half or more of the nearest, but not all, are of other classes.

    Where a class has no such row, from all.
    """
    ways = anywhere(of, train, c, k)
    others = _others(of, train, ways.rows, _OF_ALL)
    danger = ((others >= 0.5) & (others < 1)).double()
    return Ways(ways.rows, danger if bool(danger.any()) else ways.weight, ways.towards)


def where_it_is_hard(of: Points, train: Split, c: int, k: int) -> Ways:
    """ADASYN: from a row the more often, the more of its k nearest are of other classes; where none is, from all."""
    ways = anywhere(of, train, c, k)
    others = _others(of, train, ways.rows, k)
    return Ways(ways.rows, others if bool(others.any()) else ways.weight, ways.towards)


def _others(of: Points, train: Split, rows: Tensor, k: int) -> Tensor:
    """The share of other classes among the k nearest rows of each row."""
    close, _ = nearest(of, rows, torch.arange(len(train)), k)
    return (train.y[close] != train.y[rows].unsqueeze(1)).double().mean(1)


def in_groups(of: Points, train: Split, c: int, k: int, label: Tensor) -> Ways:
    """k-means SMOTE: within groups that hold the class's share at least, from sparse ones the more often.

    label (n,): the group of each row. A group's new rows are ∝ (mean distance of its rows)² / (their number). Where no
    group holds two rows of the class, as SMOTE.
    """
    mine, found = train.y == c, list[Ways]()
    share = float(mine.double().mean())
    width = min(k, int(mine.sum()) - 1)
    for group in torch.unique(label).tolist():
        inside = label == group
        rows = (mine & inside).nonzero().flatten()
        if len(rows) < 2 or len(rows) / int(inside.sum()) < share:
            continue
        sample = rows[:1000]
        spread = float(of.squared_distances(sample, sample).double().sqrt().sum()) / (len(sample) * (len(sample) - 1))
        towards = nearest(of, rows, rows, width)[0]
        repeated = towards[:, torch.arange(width) % towards.shape[1]]  # of small groups the same ones again
        weight = torch.full((len(rows),), max(spread, 1e-6) ** 2 / len(rows) ** 2, dtype=torch.float64)
        found.append(Ways(rows, weight, repeated))
    if not found:
        return anywhere(of, train, c, k)
    return Ways(*(torch.cat([getattr(w, name) for w in found]) for name in ("rows", "weight", "towards")))


def made_between(recipe: Recipe, method: str, ratio: float, k: int, clusters: int) -> Recipe:
    """The recipe with rows made until each class has int(ratio × largest) of an epoch's, from natural rows only.

    A class of one row has none to go towards, and gets none.
    """
    train, generator = natural_rows(recipe), recipe.generator("made rows")
    of = points(train.x)
    label = groups(of, clusters, generator) if method == "kmeans_smote" else None
    ways: dict[str, Callable[[Points, Split, int, int], Ways]]
    ways = {"smote": anywhere, "borderline": at_the_border, "adasyn": where_it_is_hard}
    natural = torch.bincount(train.y, minlength=train.n_classes)
    starts: list[Tensor] = []  # rows to start from, and towards which: of all classes, one after another
    towards: list[Tensor] = []
    which: list[Tensor] = []  # of these, each made row's
    for c, missing in enumerate(rows_lacking(recipe, ratio)):
        if not missing or int(natural[c]) < 2:
            continue
        found = in_groups(of, train, c, k, label) if label is not None else ways[method](of, train, c, k)
        which.append(_drawn(found.weight, missing, generator).add_(sum(map(len, starts))))
        starts.append(found.rows)
        towards.append(found.towards[:, torch.arange(k) % found.towards.shape[1]])  # every class as many
    if not starts:
        return recipe
    drawn = torch.cat([part.int() for part in which])  # in half the memory: as many as rows are made
    which.clear()
    at = torch.cat(starts)[drawn]
    whole, x = with_copies(recipe.train.x, train.x, at)
    Towards(torch.cat(towards).int(), which=drawn).move(dict(x.columns), train.x, generator)
    del drawn  # as long as the made rows: the labels of these take its place
    return with_made_rows(recipe, whole, at)


def _drawn(weight: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """So many positions, with replacement, with probability ∝ weight."""
    edges = weight.cumsum(0)
    draws = torch.rand(count, generator=generator, dtype=torch.float64) * edges[-1]
    return torch.searchsorted(edges, draws, right=True).clamp_(max=len(weight) - 1)
