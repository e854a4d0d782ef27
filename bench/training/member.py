"""One recipe in training: its streams of draws, what it came to so far, and when it ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.training.predictor import Architecture, Fitted
from bench.training.row_stream import RowStream
from bench.training.schedule import Schedule
from bench.training.scoring import Outcome
from strategies.predictor import Cost
from strategies.spec import Recipe


def steps_between_looks(recipes: Sequence[Recipe]) -> list[int]:
    """Steps up to each look; there is one wherever a recipe ends."""
    every, last = recipes[0].eval_every, max(r.max_steps for r in recipes)
    edges = sorted({*range(every, last, every), *(r.max_steps for r in recipes)})
    return [b - a for a, b in zip([0, *edges], edges, strict=False)]


@dataclass(eq=False)
class Member:
    """One recipe in training."""

    recipe: Recipe
    stream: RowStream
    noise: torch.Generator
    augmenting: torch.Generator
    natural: Tensor
    schedule: Schedule
    scale: float = 1.0  # of its objective, which is divided by it
    best_score: float = math.inf
    best_loss: float = math.inf  # of the best look, where its score is 0
    best_step: int = -1
    best_prior: Tensor | None = None  # that the outputs embody there, where weights or draws change as training goes
    best_state: dict[str, Tensor] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    outcome: Outcome | None = None

    def due(self, steps: int) -> bool:
        """Whether a look is its own; others of the stack may need one when, alone, it would not be judged."""
        return steps >= self.recipe.max_steps or steps % self.recipe.eval_every == 0

    def finish(self, steps: int, together: int, device: torch.device) -> Fitted:
        """Its predictor: its best parameters, the prior that it saw, what it took, among how many."""
        recipe, stream = self.recipe, self.stream
        notes = {**recipe.notes, "batches": float(stream.batches), "best_step": float(self.best_step)}
        if stream.without_rarest:
            notes["batches_without_rarest_class"] = float(stream.without_rarest)
        return Fitted(
            architecture=Architecture(recipe.model, recipe.train.x.schema, recipe.head, recipe.train.n_classes),
            state=self.best_state,
            prior=stream.prior() if self.best_prior is None else self.best_prior,
            prior_exact=recipe.prior_exact and recipe.loss.prior_exact,
            cost=Cost(1, steps, self.seconds, together),
            device=device,
            notes=notes,
            curve=tuple(self.curve),
        )
