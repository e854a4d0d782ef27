"""Models that train themselves, in the place of a network: the same recipe, scores, costs, notes and records.

What a recipe asks for beyond what the estimator says that it honours is refused with the reason, never left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from bench.models.registry import Estimator
from bench.training.losses import place_loss
from bench.training.scoring import Outcome, ScoreListener, diverged, natural_prior, score_logits, tie_break
from strategies.predictor import Cost, Costed, Predictor
from strategies.spec import CosineHead, CrossEntropy, Inapplicable, Recipe


@dataclass(frozen=True, eq=False)
class FittedEstimator(Costed):
    """What an estimator gave, with what it cost and its scores on the way."""

    curve: tuple[tuple[int, float], ...] = ()


class EstimatorWatch:
    """Scores an estimator's looks as a network's: the curve, the best step, patience, the listener."""

    def __init__(self, recipe: Recipe, listener: ScoreListener | None) -> None:
        self.recipe, self.listener = recipe, listener
        self.natural = natural_prior(recipe.train)
        self.curve: list[tuple[int, float]] = []
        self.best_step, self.best_score, self.best_loss = -1, math.inf, math.inf

    @property
    def over(self) -> bool:
        """Whether the recipe's patience is at its end."""
        late = bool(self.curve) and self.curve[-1][0] - self.best_step >= self.recipe.patience * self.recipe.eval_every
        return late and self.recipe.select != "last"

    def __call__(self, step: int, logits: Tensor, prior: Tensor) -> bool:
        """Score validation logits; True where they are the best so far.

        Raises:
            ValueError: the shapes are not those of the validation rows, or steps do not increase.
            Diverged: a logit is not finite.
        """
        expected = (len(self.recipe.val), self.recipe.val.n_classes)
        if tuple(logits.shape) != expected or (self.curve and step <= self.curve[-1][0]):
            raise ValueError(
                f"model {self.recipe.model.name}: expected logits {expected} after more steps than before, got "
                f"{tuple(logits.shape)} after {step}"
            )
        (score,) = score_logits(logits.double().cpu().unsqueeze(0), [self.recipe.val], [self.natural], [prior])
        if math.isnan(float(score)):
            raise diverged(step)
        self.curve.append((step, float(score)))
        if self.listener is not None:
            self.listener(self.recipe, step, float(score))
        if float(score) > self.best_score:
            return False
        # Where validation is separable, score after score is 0: how far apart the classes are decides.
        loss = tie_break(logits, self.recipe.val, self.natural, prior)
        if float(score) == self.best_score and loss >= self.best_loss:
            return False
        self.best_step, self.best_score, self.best_loss = step, float(score), loss
        return True


def train_estimator(recipe: Recipe, listener: ScoreListener | None) -> Outcome:
    """Have an estimator train itself; a failure is an exception in the predictor's place."""
    try:
        refuse(recipe)
        watch, began = EstimatorWatch(recipe, listener), time.perf_counter()
        placed = replace(recipe, loss=place_loss(recipe.loss, torch.device("cpu"), torch.float64))
        predictor = cast(Estimator, recipe.model).fit(placed, watch)
        steps = getattr(predictor, "cost", Cost()).steps or (watch.curve[-1][0] if watch.curve else 1)
        if not watch.curve:  # it looks at nothing on the way: once, at its end
            watch(steps, predictor.logits(recipe.val.x), predictor.prior)
        return judged(predictor, recipe, watch, Cost(1, steps, time.perf_counter() - began))
    except Exception as error:
        return error


def judged(predictor: Predictor, recipe: Recipe, watch: EstimatorWatch, cost: Cost) -> FittedEstimator:
    """The predictor with costs, notes and curve, if its prior is one."""
    classes, prior = recipe.train.n_classes, predictor.prior
    if (
        prior.shape != (classes,)
        or not bool((prior > 0).all())
        or not math.isclose(float(prior.sum()), 1, abs_tol=1e-6)
    ):
        raise ValueError(
            f"model {recipe.model.name}: expected the predictor's prior as {classes} positive numbers with sum 1, got "
            f"{prior}; `recipe.embodied` gives it from the mass of each class"
        )
    own: Mapping[str, float] = getattr(predictor, "notes", {})
    notes = {**recipe.notes, "best_step": float(watch.best_step), **own}
    return FittedEstimator(predictor, cost, notes, curve=tuple(watch.curve))


def refuse(recipe: Recipe) -> None:
    """Refuse what the recipe asks for and the estimator does not honour.

    Raises:
        Inapplicable: names all of it.
    """
    model = cast(Estimator, recipe.model)
    asked = {
        "row weights": recipe.train.weight is not None and "weight" not in model.honours,
        "a sampler": bool(recipe.sampler) and "sampler" not in model.honours,
        f"the loss {type(recipe.loss).__name__}": recipe.loss != CrossEntropy() and "loss" not in model.honours,
        "a loss of whole batches": getattr(recipe.loss, "of_batch", False),
        "an offset of the logits": recipe.offset is not None and "offset" not in model.honours,
        "class weights that follow validation": recipe.steer is not None and "steer" not in model.honours,
        "adversarial steps": bool(recipe.adversarial),
        "augmented batches": bool(recipe.augment),
        "a start from another model": recipe.init is not None,
        "a cosine head": isinstance(recipe.head, CosineHead),
        "a head of its own width": recipe.head.out is not None,
        "a rate of its own for the encoder": recipe.encoder_rate != 1.0,
    }
    refused = [what for what, wanted in asked.items() if wanted]
    if refused:
        raise Inapplicable(f"model {model.name} cannot honour {' and '.join(refused)}; use model=mlp")
