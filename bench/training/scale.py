"""The scale of an objective, by which the trainer divides it: constants of the optimiser then mean the same for all.

Adam's steps know no scale but that of its epsilon, and the epsilon of embedding tables is not small: it smooths the
steps of rare terms. At 3.6% positives the gradient of cross entropy on the logits is .19 in root mean square, on
balanced rows .5; undivided, the same epsilon made steps on rare categories several times as large for resampled rows as
for untreated ones. Penalties are divided alike.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.training.row_stream import RowStream
from strategies.spec import LinearHead, Recipe


def gradient_scale(recipe: Recipe, stream: RowStream) -> float:
    """Root mean square of the objective's gradient on the logits of the first epoch, at the initial logits.

    `stream` has drawn that epoch and given nothing of it. At the start all rows of a class have the same logits, so
    that C kinds of rows say it all. Exactly proportional to the loss for powers of two. 1 where there is no gradient.
    """
    if recipe.head.out is not None:
        return _root_mean_square(*_other_outputs(recipe))
    classes = recipe.train.n_classes
    rows, weights = stream.rows, None if recipe.train.weight is None else stream.weights
    y = recipe.train.y[rows]
    mass = torch.bincount(y, weights=weights, minlength=classes).double()
    squares = torch.bincount(y, weights=None if weights is None else weights**2, minlength=classes).double()
    logits = torch.zeros(classes, dtype=torch.float64)
    if recipe.prior_bias and isinstance(recipe.head, LinearHead):
        logits = (mass / mass.sum()).clamp_min(1e-6).log()
    if recipe.offset is not None:
        logits = logits + torch.tensor(recipe.offset, dtype=torch.float64)
    by_class = gradients(recipe, logits.expand(classes, classes), torch.arange(classes))
    return _root_mean_square(by_class, squares / len(rows))


def gradients(recipe: Recipe, outputs: Tensor, y: Tensor) -> Tensor:
    """Of the summed loss on outputs (B, C): (B, C) float64."""
    with torch.enable_grad():
        outputs = outputs.detach().clone().requires_grad_()
        (found,) = torch.autograd.grad(recipe.loss(outputs.unsqueeze(0), y.unsqueeze(0)).sum(), outputs)
    return found


def _other_outputs(recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Where outputs are no logits of classes (a pretext task): a first batch, at outputs drawn from a normal."""
    generator = recipe.generator("scale")
    rows = torch.randperm(len(recipe.train), generator=generator)[: recipe.batch_size]
    x, y = recipe.train.x.take(rows), recipe.train.y[rows]
    for augment in recipe.augment:
        x, y = augment(x, y, generator, recipe.train)
    width = recipe.head.out or recipe.train.n_classes
    outputs = torch.randn(len(y), width, generator=generator, dtype=torch.float64)
    return gradients(recipe, outputs, y), torch.full((len(y),), 1 / len(y), dtype=torch.float64)


def _root_mean_square(by_row: Tensor, shares: Tensor) -> float:
    """Of rows (B, C) with these shares (B,) among all; 1 where it is zero or not finite."""
    found = math.sqrt(float((by_row.pow(2).mean(1) * shares).sum()))
    return found if math.isfinite(found) and found > 0 else 1.0
