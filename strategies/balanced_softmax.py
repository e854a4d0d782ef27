"""Multiply each class's exponential by its number of rows in training only, so that predictions embody equal classes.

Ren et al. 2020, arXiv:2007.10740, eq. 3: cross entropy of softmax(z_c + log n_c), with n_c^`power` in place of n_c.
Power 1 is `logit_adjustment` in its loss with tau 1, under the name by which the paper is cited; n_c counts the rows
of one epoch, weights included. Suggested values: power 1; 0 is off. Effect: a prior shift, to uniform at power 1.
Combines badly with: `logit_adjustment` (the same), full reweighting or balanced sampling listed before (n_c is equal).
Published: higher accuracy on long-tailed images whose test classes are equally large, and in instance segmentation.
Here: test rows keep their prior. It moves the threshold: the order of rows and decisions by a tuned rule are those of
`none`.
"""

from __future__ import annotations

from dataclasses import dataclass

from strategies.spec import Recipe, Strategy


@dataclass(frozen=True)
class BalancedSoftmax(Strategy):
    """Balanced softmax with n_c^`power`."""

    name = "balanced_softmax"
    owns = frozenset({"offset"})
    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 3:
            raise ValueError(f"balanced_softmax power: expected a number in [0, 3], got {self.power}; 1 in the paper")

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.power == 0:
            return recipe
        offset = self.power * recipe.mass().clamp_min(1e-9).log()
        return recipe.change(offset=tuple(offset.tolist()), prior_bias=False)
