"""From recipes to outcomes: every fit that takes, one after another, whoever carries it out."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from traceback import clear_frames
from typing import TypeAlias

import torch

from bench.models.registry import kind
from bench.training.estimators import train_estimator
from bench.training.fit import Fit
from bench.training.scoring import Outcome, ScoreListener
from strategies.spec import Recipe


@dataclass(frozen=True)
class Stack:
    """Recipes that train together, whom to tell of their looks, and the numbers of the trainings that asked."""

    recipes: Sequence[Recipe]
    listener: ScoreListener | None = None
    asked: tuple[int, ...] = ()


Stacks: TypeAlias = Generator[Stack, list[Outcome], None]
"""Yields what is to be trained next; is sent one outcome per recipe."""

Fits: TypeAlias = Generator[tuple[Fit, tuple[int, ...]], None, None]
"""Yields fits to be carried out, with the numbers of the trainings that asked for them."""


def fits(stacks: Stacks, device: torch.device) -> Fits:
    """Every fit of the stacks; what comes next may depend on what became of the ones before."""
    outcomes: list[Outcome] | None = None
    while True:
        try:
            stack = next(stacks) if outcomes is None else stacks.send(outcomes)
        except StopIteration:
            return
        if kind(stack.recipes[0].model) == "estimator":
            outcomes = [train_estimator(recipe, stack.listener) for recipe in stack.recipes]
        else:
            outcomes = yield from attempts(stack, device)


def attempts(stack: Stack, device: torch.device) -> Generator[tuple[Fit, tuple[int, ...]], None, list[Outcome]]:
    """The fits of a stack: one, and where it fails as a whole (memory, an error of one member) those of its halves."""
    try:
        fit = Fit(stack.recipes, device, stack.listener)
    except Exception as error:
        failed = error
    else:
        yield fit, stack.asked
        if fit.failed is None:
            return fit.outcomes()
        failed = fit.failed
        del fit  # or its memory would be there twice
    clear_frames(failed.__traceback__)  # which hold the model, its data and its moments
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if len(stack.recipes) == 1:
        return [failed]
    half = len(stack.recipes) // 2
    first, second = (Stack(part, stack.listener, stack.asked) for part in (stack.recipes[:half], stack.recipes[half:]))
    return [*(yield from attempts(first, device)), *(yield from attempts(second, device))]
