"""Learn the representation on the data as they are, then only the classifier again on balanced classes (cRT).

Kang et al. 2020, arXiv:1910.09217, section 4.2, "classifier re-training": the encoder of a model trained without
balancing is frozen, a new head is trained on rows drawn with p_c ∝ n_c^`power` (0: class-balanced). Costs a second
fit, of the head alone. Suggested values: power 0; null is off. Effect: a prior shift, of the head's training rows.
Combines badly with: `transfer`, `self_supervised` (the second stage starts from the first one's encoder already).
Published: the best accuracy of its time on long-tailed images (ImageNet-LT, Places-LT, iNaturalist), whose test classes
are equally large. Here: test rows keep their prior. It moves the threshold, as other balancing does; the order of rows
is that of `none`.
"""

from __future__ import annotations

from dataclasses import dataclass

from strategies.balanced_sampler import DrawByClass
from strategies.spec import Recipe, Strategy, Training


@dataclass(frozen=True)
class Crt(Strategy):
    """Decoupled training: a frozen encoder, and a head on sampling of `power` (None: off)."""

    name = "crt"
    owns = frozenset({"init"})
    needs_encoder = True
    power: float | None = 0.0

    def __post_init__(self) -> None:
        if self.power is not None and not 0 <= self.power <= 1:
            raise ValueError(f"crt power: expected a number in [0, 1] or null for off, got {self.power}")

    def fits(self) -> tuple[int, int]:
        return 0, 1 if self.power is None else 2

    def train(self, recipe: Recipe) -> Training:
        (first,) = yield [recipe]
        if self.power is None:
            return first
        (second,) = yield [recipe.resample(DrawByClass(self.power)).change(init=first, encoder_rate=0.0)]
        return second
