"""The rate of a fit and its end: constant until validation stops improving, then linearly to zero from the best step.

A constant rate never arrives anywhere: where it stops is luck with the noise of the last looks (a look is one scoring
of the validation rows), and that luck is not the same for every strategy. So every fit has two phases, as in
"warm-up, stable, decay" (Hu et al. 2024, arXiv:2404.06395, whose decay is the last tenth to third of the steps):

1. at the full rate, until no look was better for `patience` looks and for `_WAIT` of the best step (long fits are given
   longer patience), or until what is left of the budget is needed for the second phase;
2. from the parameters of the best look, linearly to zero over `decay / (1 - decay)` times the steps that led to them.

The parameters kept are those of the best look of both. A fit without looks has the second phase at the budget's end.
Rates change at looks only, so that steps between two looks stay one recorded block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from strategies.spec import Recipe

_WAIT = 0.5  # of the best step: how much longer a fit goes on without improvement


@dataclass
class Schedule:
    """The phases of one fit: where the second begins and ends, once that is known."""

    recipe: Recipe
    begins: int | None = None
    ends: int | None = None

    def reached(self, step: int, best_step: int) -> bool:
        """Told of every look: whether the second phase begins here, to be trained from the best look's parameters."""
        if self.begins is not None or not self.recipe.decay:
            return False
        recipe, stalled = self.recipe, self.stalled(step, best_step)
        if not stalled and step < recipe.max_steps - self.whole(recipe.decay * recipe.max_steps):
            return False
        length = self.whole(best_step * recipe.decay / (1 - recipe.decay))
        self.begins, self.ends = step, min(step + length, recipe.max_steps) if stalled else recipe.max_steps
        return self.ends > step

    def factor(self, step: int) -> float:
        """On every rate, for the steps from a look to the next: the mean of the line over them."""
        if self.begins is None or self.ends is None or step >= self.ends:
            return 1.0
        after = min(step + self.recipe.eval_every, self.ends)
        return (self.ends - (step + after) / 2) / (self.ends - self.begins)

    def ended(self, step: int, best_step: int) -> bool:
        """Whether the fit is over at this look."""
        if step >= self.recipe.max_steps:
            return True
        if self.recipe.decay:
            return self.ends is not None and step >= self.ends
        return self.stalled(step, best_step)

    def stalled(self, step: int, best_step: int) -> bool:
        """Whether validation has not improved for long enough."""
        return self.recipe.select != "last" and step - best_step >= self.waiting(best_step)

    def waiting(self, best_step: int) -> float:
        """Steps without improvement that a fit is given."""
        return max(self.recipe.patience * self.recipe.eval_every, _WAIT * best_step if self.recipe.decay else 0)

    def whole(self, steps: float) -> int:
        """Steps as whole runs between looks, at least one."""
        return max(1, math.ceil(steps / self.recipe.eval_every)) * self.recipe.eval_every
