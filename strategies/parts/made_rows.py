"""Rows that a strategy made, kept beside the natural ones: they are the last of a split, which remembers the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from strategies.spec import Bag, Features, Recipe, Split

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _Add:
    """Add `count` rows of the table from number `first` on: those that a strategy made."""

    first: int
    count: int

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return torch.cat([rows, torch.arange(self.first, self.first + self.count)])


def natural_rows(recipe: Recipe) -> Split:
    """The training rows without those that a strategy made."""
    return recipe.train if recipe.train.original is None else recipe.train.original


def rows_lacking(recipe: Recipe, ratio: float) -> list[int]:
    """How many rows each class needs to have int(ratio × largest) of an epoch's; 0 where it has them."""
    rows = recipe.epoch(recipe.generator("mass"))
    counts = torch.bincount(recipe.train.y[rows], minlength=recipe.train.n_classes)
    wanted = int(ratio * int(counts.max()))
    return [max(0, wanted - count) for count in counts.tolist()]


def with_copies(x: Features, of: Features, rows: Tensor) -> tuple[Features, Features]:
    """x with some rows of another table after it, and these last ones alone, to be changed where they are.

    Dense columns of the second are views of the first: no third copy. Bags are never changed.
    """
    whole: dict[str, Tensor | Bag] = {}
    last: dict[str, Tensor | Bag] = {}
    for name, value in x.columns.items():
        source = of.columns[name]
        if isinstance(value, Bag) or isinstance(source, Bag):
            assert isinstance(value, Bag)
            assert isinstance(source, Bag)
            last[name] = source.take(rows)
            whole[name] = Bag.cat([value, last[name]])  # type: ignore[list-item]
            continue
        room = value.new_empty(len(value) + len(rows), *value.shape[1:])
        room[: len(value)] = value
        last[name] = torch.index_select(source, 0, rows, out=room[len(value) :])
        whole[name] = room
    return Features(x.schema, whole), Features(x.schema, last)


def with_made_rows(recipe: Recipe, x: Features, parents: Tensor) -> Recipe:
    """The recipe with made rows, which have the labels, weights and groups of their `parents` (row numbers, (m,)).

    x: the recipe's rows, and the made ones after them. These are drawn after what the samplers so far leave. Their
    number is noted; no prior is exact with them.
    """
    added = _Add(len(recipe.train), len(parents))
    train = _extended(recipe.train, x, parents)
    made = recipe.notes.get("rows_made", 0.0) + len(parents)
    return replace(recipe.resample(added), train=train, prior_exact=False).note(rows_made=float(made))


def _extended(train: Split, x: Features, parents: Tensor) -> Split:
    """A split with rows added. The natural prior, which logits are corrected to, and natural rows are remembered."""

    def more(values: Tensor | None) -> Tensor | None:
        return None if values is None else torch.cat([values, values[parents]])

    prior = train.population
    if prior is None:
        weight = None if train.natural is None else train.natural.double()
        mass = torch.bincount(train.y, weights=weight, minlength=train.n_classes).double()
        mass = mass.clamp_min(0.5 * float(mass.sum()) / len(train))
        prior = mass / mass.sum()
    same = train.weight is train.natural
    natural = more(train.natural)
    return replace(
        train,
        x=x,
        y=torch.cat([train.y, train.y[parents]]),
        weight=natural if same else more(train.weight),
        natural=natural,
        group=more(train.group),
        population=prior,
        embedding=more(train.embedding),
        texts=None,
        original=train if train.original is None else train.original,
    )
