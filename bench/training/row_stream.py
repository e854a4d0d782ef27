"""The stream of training rows of one recipe: sampled, shuffled and weighted epoch by epoch, counted as it goes.

Rows are drawn on the CPU on every device, so that a GPU trains on the very rows that a CPU would: a million draws take
some hundredths of a second, and what travels is the indices of the steps up to the next look, from pinned memory
(`batches.sent`), while the device works on.
"""

from __future__ import annotations

import torch
from torch import Tensor

from strategies.spec import Recipe


class RowStream:
    """Rows and their weights, in batches of any size; keeps account of what training saw."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.generator = recipe.generator("order")
        self.rows = torch.empty(0, dtype=torch.int64)
        self.weights = torch.empty(0, dtype=torch.float64)
        self.mass = torch.zeros(recipe.train.n_classes, dtype=torch.float64)
        counts = torch.bincount(recipe.train.y, minlength=recipe.train.n_classes)
        self.rarest = int(torch.where(counts > 0, counts, counts.max() + 1).argmin())
        # On the class weights, and those from the next look on, where the recipe has them follow validation.
        self.factors = None if recipe.steer is None else torch.ones(recipe.train.n_classes, dtype=torch.float64)
        self.upcoming: Tensor | None = None
        self.batches = 0
        self.without_rarest = 0

    def take(self, steps: int) -> tuple[Tensor, Tensor | None]:
        """Rows (steps, B) int64 and weights (steps, B) of mean 1 over each epoch's rows, or None where all are 1."""
        size = self.recipe.batch_size
        if self.recipe.sampler_moves:  # what is left was drawn for an earlier moment
            self.rows, self.weights = self.rows[:0], self.weights[:0]
        while len(self.rows) < steps * size:
            self.draw()
        rows, self.rows = self.rows[: steps * size].view(steps, size), self.rows[steps * size :]
        self.batches += steps
        labels = self.recipe.train.y.index_select(0, rows.reshape(-1)).view(steps, size)
        self.without_rarest += int((labels != self.rarest).all(1).sum())
        factors = None if self.factors is None else self.factors[labels]
        if self.recipe.train.weight is None:
            return rows, factors
        weights, self.weights = self.weights[: steps * size].view(steps, size), self.weights[steps * size :]
        return rows, weights if factors is None else weights * factors

    def draw(self) -> None:
        """One more epoch. A float64 mean keeps the weights' scale exact however many rows there are."""
        train = self.recipe.train
        rows = self.recipe.epoch(self.generator, min(1.0, self.batches / self.recipe.max_steps))
        if not len(rows):
            raise ValueError("sampler: expected rows to train on, got an epoch without any; lower the ratio")
        self.rows = torch.cat([self.rows, rows])
        weights = None
        if train.weight is not None:
            weights = train.weight[rows]
            weights = weights / weights.mean()
            self.weights = torch.cat([self.weights, weights])
        if self.recipe.sampler_moves:  # the logits embody what training sees now
            self.mass.zero_()
        self.mass += torch.bincount(train.y[rows], weights=weights, minlength=train.n_classes)

    def prior(self) -> Tensor:
        """The class prior that the logits embody (C,): mass drawn so far, adjusted by the recipe's training offset.

        Where class weights follow validation, by the present ones.
        """
        return self.recipe.embodied(self.mass if self.factors is None else self.mass * self.factors)

    def hear(self, logits: Tensor, y: Tensor) -> None:
        """Told of the logits (n, C) of validation rows and their labels: what class weights follow, if they do."""
        if self.recipe.steer is not None and self.factors is not None:
            new = self.recipe.steer(logits, y, self.factors)
            self.upcoming = new * self.mass.sum() / (self.mass * new).sum()

    def follow(self) -> None:
        """From now on the class weights that the last look asked for; their mean over the rows drawn is 1."""
        if self.upcoming is not None:
            self.factors, self.upcoming = self.upcoming, None
