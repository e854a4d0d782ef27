"""Several models of one recipe that differ in the rows that they draw, averaged."""

from __future__ import annotations

from collections.abc import Callable

from strategies.predictor import Mean
from strategies.spec import Recipe, Sampler, Training


def ensemble(recipe: Recipe, name: str, members: int, sampler: Callable[[int], Sampler]) -> Training:
    """Train `members` copies of a recipe, 0 is off, and average them; `sampler` makes each one's from its own seed."""
    if members == 0:
        return (yield [recipe])[0]
    seeds = [recipe.generator(f"{name} {i}").initial_seed() for i in range(members)]
    got = yield [recipe.resample(sampler(seed)) for seed in seeds]
    return Mean(tuple(got))
