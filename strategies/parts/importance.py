"""Importance of training rows by other measures than likeness to rare ones: density ratio, difficulty, groups.

Each gives non-negative scores (n,) float64, to be scaled, clipped and mixed by whoever weights rows with them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import torch

from strategies.parts.neighbours import groups, points
from strategies.predictor import Predictor
from strategies.spec import Features, Recipe, Split

if TYPE_CHECKING:
    from torch import Tensor

Scoring: TypeAlias = "Generator[Sequence[Recipe], Sequence[Predictor], Tensor]"
"""Yields what is to be trained first; returns the scores."""


def density_ratio(train: Features, target: Features, ridge: float = 1.0, rounds: int = 25) -> Tensor:
    """How much likelier each training row is among the target rows: p(x | target) / p(x | training).

    Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4, by a logistic regression that tells target rows from training
    rows (Bickel, Brückner & Scheffer 2007): the odds of being a target row, times the training rows per target row.
    Newton's method on standardised numbers and categories; `ridge` is half the penalty on squared coefficients, but
    for the intercept.
    """
    both = points(train).beside(points(target, train)).matrix().double()
    x = torch.cat([both, torch.ones(len(both), 1, dtype=torch.float64)], 1)
    of_target = (torch.arange(len(x)) >= len(train)).double()
    penalty = torch.full((x.shape[1],), ridge, dtype=torch.float64)
    penalty[-1] = 1e-9
    w = torch.zeros(x.shape[1], dtype=torch.float64)
    for _ in range(rounds):
        p = (x @ w).sigmoid()
        slope = x.T @ (p - of_target) + penalty * w
        curvature = (x.T * (p * (1 - p)).clamp_min(1e-9)) @ x + torch.diag(penalty)
        step = torch.linalg.solve(curvature, slope)
        w = w - step
        if float(step.abs().max()) < 1e-10:
            break
    return (x[: len(train)] @ w).exp() * (len(train) / len(target))


def rarity_of_groups(x: Features, clusters: int, generator: torch.Generator) -> Tensor:
    """One over the rows of a row's group, groups by k-means: every group weighs the same."""
    label = groups(points(x), clusters, generator)
    return 1 / torch.bincount(label).double()[label]


def difficulty(recipe: Recipe, folds: int = 3) -> Scoring:
    """The loss of each row under a plain model that has not seen it, over the mean loss of its class.

    Each of `folds` models, of the recipe's own kind, is trained without one part of the rows; parts hold every class
    alike. Divided by the class's mean, so that hard rows count, and not the rare classes as such. Rows that a strategy
    made, which come after the natural ones, have the mean of their class: 1.
    """
    train = recipe.aside().train
    part = _folds(train, folds, recipe.generator("folds"))
    asks = [recipe.aside(train=_rows_of(train, (part != f).nonzero().flatten())) for f in range(folds)]
    got = yield asks
    loss = torch.zeros(len(train), dtype=torch.float64)
    for f, predictor in enumerate(got):
        rows = (part == f).nonzero().flatten()
        log_p = predictor.logits(train.x.take(rows)).double().log_softmax(-1)
        loss[rows] = -log_p.gather(1, train.y[rows].unsqueeze(1))[:, 0]
    counts = torch.bincount(train.y, minlength=train.n_classes).double()
    means = torch.bincount(train.y, weights=loss, minlength=train.n_classes) / counts.clamp_min(1)
    made = torch.ones(len(recipe.train) - len(train), dtype=torch.float64)
    return torch.cat([loss / means.clamp_min(1e-12)[train.y], made])


def _folds(train: Split, folds: int, generator: torch.Generator) -> Tensor:
    """The part of each row (n,), each class shared out evenly; a class of fewer rows than parts is in some only."""
    part = torch.zeros(len(train), dtype=torch.int64)
    for c in range(train.n_classes):
        rows = (train.y == c).nonzero().flatten()
        part[rows[torch.randperm(len(rows), generator=generator)]] = torch.arange(len(rows)) % folds
    return part


def _rows_of(split: Split, rows: Tensor) -> Split:
    """Some rows of a split, with their weights and groups."""
    natural, group, embedding = (
        None if value is None else value[rows] for value in (split.natural, split.group, split.embedding)
    )
    weight = None if split.weight is None else split.weight[rows]
    weight = natural if split.weight is split.natural else weight
    own = {"weight": weight, "natural": natural, "group": group, "embedding": embedding}
    return replace(split, x=split.x.take(rows), y=split.y[rows], texts=None, **own)  # type: ignore[arg-type]
