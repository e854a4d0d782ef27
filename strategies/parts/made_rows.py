"""A split with rows that a strategy made: they come last, and nobody who has to know takes them for natural ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from strategies.features import Features, Split

if TYPE_CHECKING:
    from torch import Tensor


def extended(train: Split, x: Features, parents: Tensor) -> Split:
    """A split with rows added that have the labels, weights and groups of their parents (row numbers, (m,)).

    The natural prior, which logits are corrected to, and the natural rows are remembered.
    """

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
        x=Features.cat([train.x, x]),
        y=torch.cat([train.y, train.y[parents]]),
        weight=natural if same else more(train.weight),
        natural=natural,
        group=more(train.group),
        population=prior,
        embedding=more(train.embedding),
        texts=None,
        original=train if train.original is None else train.original,
    )
