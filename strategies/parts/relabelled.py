"""Training on finer labels than the target's (two labels as one, parts of classes), and the way back to its classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from strategies.predictor import Derived, Predictor
from strategies.spec import Features, Inapplicable, Recipe, Sampler

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class _ByTarget:
    """A sampler that was given the target's labels (n,), whatever the model is trained on."""

    sampler: Sampler
    y: Tensor

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return self.sampler(rows, self.y, generator)


def relabelled(recipe: Recipe, train_y: Tensor, val_y: Tensor, coarse: Tensor) -> Recipe:
    """The recipe with finer labels of training and validation rows; coarse (J,): the class of each of the finer ones.

    Samplers so far see the target's labels; what strategies listed after do, they do to the finer ones.

    Raises:
        Inapplicable: a strategy listed before has set a number per class, or changes batches by class.
    """
    treated = recipe.treated() & {"loss", "offset", "augment", "keep_head"}
    if treated:
        raise Inapplicable(
            f"{recipe.by}: expected no strategy before it that sets the {' or the '.join(sorted(treated))}, which is "
            "of the target's classes; list it first"
        )
    train, count = recipe.train, len(coarse)
    population = train.population
    if population is not None:  # within a class, as the training rows have it
        fine = torch.bincount(train_y, minlength=count).double().clamp_min(0.5)
        whole = torch.zeros(train.n_classes, dtype=torch.float64).index_add_(0, coarse, fine)
        population = population[coarse] * fine / whole[coarse]
    return replace(
        recipe,
        train=replace(train, y=train_y, n_classes=count, population=population),
        val=replace(recipe.val, y=val_y, n_classes=count),
        sampler=tuple(_ByTarget(sampler, train.y) for sampler in recipe.sampler),
    )


@dataclass(frozen=True, eq=False)
class Coarsened(Derived):
    """`base` of finer labels as a predictor of the target: probabilities and prior are summed within a class."""

    base: Predictor
    coarse: Tensor

    @property
    def prior(self) -> Tensor:  # type: ignore[override]
        classes = int(self.coarse.max()) + 1
        return torch.zeros(classes, dtype=torch.float64).index_add_(0, self.coarse, self.base.prior.double())

    @property
    def prior_exact(self) -> bool:  # type: ignore[override]
        return self.base.prior_exact

    def logits(self, x: Features) -> Tensor:
        z, classes = self.base.logits(x).double(), int(self.coarse.max()) + 1
        return torch.stack([z[:, self.coarse == c].logsumexp(1) for c in range(classes)], 1)
