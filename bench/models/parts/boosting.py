"""Boosting round by round, in a loop of our own: rows drawn for each round, a look every few, the best look kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import torch

from bench.models.parts.tree_columns import matrix
from bench.models.parts.tree_growth import started
from bench.models.parts.tree_objective import Objective, logits_of
from strategies.spec import Cost, Features, Predictor, Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from bench.models.lightgbm import LightGBM
    from strategies.spec import Watch


def boost(model: LightGBM, recipe: Recipe, watch: Watch) -> BoostedTrees:
    """Grow trees until validation stops improving; those up to the best look are the predictor.

    Raises:
        Inapplicable: a field of the table cannot be split.
        ValueError: a sampler draws no rows.
    """
    generator = recipe.generator("order")
    rows, weight = _drawn(recipe, generator, 0.0)
    mass = _mass_of(recipe, rows, weight)
    objective = Objective(recipe, mass)
    trees = started(model, recipe, objective, rows)
    alike = recipe.train.weight is None and not recipe.sampler and recipe.steer is None
    factors = torch.ones(recipe.train.n_classes, dtype=torch.float64)  # on the class weights, if they follow validation
    best, kept, step = 0, recipe.embodied(mass), 0
    for step in range(1, model.max_trees + 1):
        if recipe.sampler and step > 1:
            rows, weight = _drawn(recipe, generator, (step - 1) / model.max_trees)
            own = _mass_of(recipe, rows, weight)
            mass = own if recipe.sampler_moves else mass + own
        trees.grow(rows, None if alike else _times(weight, factors[recipe.train.y[rows]]))
        if step % model.look_every and step < model.max_trees:
            continue
        prior, logits = recipe.embodied(mass * factors), objective.logits(trees.validation())
        if watch(step, logits, prior) or recipe.select == "last":
            best, kept = step, prior
        if recipe.steer is not None:
            factors = recipe.steer(logits, recipe.val.y, factors)
        if step - best >= model.patience and recipe.select != "last":
            break
    notes = {"best_step": float(best), "trees": float(best * objective.scores)}
    if len(rows) < model.num_leaves * model.min_data_in_leaf:  # trees of fewer leaves, or none: draw more rows
        notes["rows_a_leaf"] = len(rows) / model.num_leaves
    return BoostedTrees(
        text=trees.text(best),
        start=objective.start,
        prior=kept,
        prior_exact=recipe.prior_exact and recipe.loss.prior_exact,
        cost=Cost(1, step),
        notes=notes,
        threads=torch.get_num_threads(),
    )


def _drawn(recipe: Recipe, generator: torch.Generator, progress: float) -> tuple[Tensor, Tensor]:
    """The rows of a round, those of weight zero left out: each once, in their order, with counts times weights."""
    rows, weight = recipe.counted(generator, progress)
    if not bool((weight > 0).any()):
        raise ValueError("sampler: expected rows to train on, got a round without any; lower the ratio")
    there = weight > 0
    return (rows, weight) if bool(there.all()) else (rows[there], weight[there])


def _times(weight: Tensor, factor: Tensor) -> Tensor:
    """Weights (m,) times factors, at the sum that they have."""
    both = weight * factor
    return both * (weight.sum() / both.sum())


def _mass_of(recipe: Recipe, rows: Tensor, weight: Tensor) -> Tensor:
    """Weight of each class (C,)."""
    return torch.bincount(recipe.train.y[rows], weights=weight, minlength=recipe.train.n_classes)


@dataclass(frozen=True, eq=False)
class BoostedTrees(Predictor):
    """The trees as LightGBM writes them (empty: none), and the logits (C,) to start from, which that text lacks."""

    text: str
    start: Tensor
    prior: Tensor
    prior_exact: bool
    cost: Cost
    notes: Mapping[str, float] = field(default_factory=dict)
    threads: int = 1

    def logits(self, x: Features) -> Tensor:
        if not self.text:
            return self.start.expand(len(x), -1)
        scores = loaded(self.text).predict(matrix(x), raw_score=True, num_threads=self.threads)
        return logits_of(np.asarray(scores, dtype=np.float64), self.start)


@lru_cache(maxsize=8)
def loaded(text: str) -> lgb.Booster:
    """The booster of a text; the last ones are kept, an ensemble's for one table after another."""
    return lgb.Booster(model_str=text)
