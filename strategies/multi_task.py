"""Learn another label of the same rows together with the target: one model of both, read as one of the target.

Hard parameter sharing (Caruana 1997, doi:10.1023/A:1007379606734) in the form of a model of pairs: an output for each
(class, other label), log p(y) summed over the other label, and the loss -log p(y) - `weight` · log p(other | y). At
weight 1 that is cross entropy of pairs. Rows without the other label count for the target alone. `source`: the other
label (data.extra_labels for a file of one's own; `auto`: the one that the data recommend). Only labels of the same
rows will do, and columns that give the other label away stay features. Strategies listed after it treat pairs as
classes. Suggested values: weight .3-1; 0 is off. Effect: none on the prior, no second fit; early stopping sees pairs.
Combines badly with: `transfer` (learns from the same label), losses with numbers per class listed before it.
Published: tasks that are related are learnt better together. Here: it takes another label that is related and happens
more often: clicks that teach purchases come nearest to a gain; the class of a product teaches nothing of its stars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from strategies.parts.relabelled import Coarsened, relabelled
from strategies.spec import Inapplicable, Recipe, Split, Strategy, Training, negative_at

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PairLoss:
    """-log p(y) - weight · log p(other | y) of pairs y · others + other; the last `other` is none, if rows lack it.

    `others`: how many there are of them, that one included.
    """

    prior_exact: ClassVar[bool] = True
    others: int
    lacking: bool
    weight: float | Tensor = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        log_p = outputs.log_softmax(-1)
        of_target = log_p.view(*log_p.shape[:-1], -1, self.others).logsumexp(-1)
        own = negative_at(of_target, targets // self.others)
        rest = self.weight * (negative_at(log_p, targets) - own)
        return own + (torch.where(targets % self.others == self.others - 1, 0.0, rest) if self.lacking else rest)


@dataclass(frozen=True)
class MultiTask(Strategy):
    """Target and other label at once, the latter with `weight` (0 is off)."""

    name = "multi_task"
    owns = frozenset({"loss"})
    uses_extra = True
    relabels = True
    source: str = "auto"
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 10:
            raise ValueError(f"multi_task weight: expected a number in [0, 10], got {self.weight}; 0 is off")

    def train(self, recipe: Recipe) -> Training:
        if self.weight == 0:
            return (yield [recipe])[0]
        name = recipe.default_source if self.source == "auto" else self.source
        if name not in recipe.extra or recipe.extra[name][0].places is None:
            known = ", ".join(n for n, (train, _) in recipe.extra.items() if train.places is not None) or "none"
            raise Inapplicable(
                f"multi_task: expected another label of the same rows, got {name or 'none'!r} (there are: {known}); of "
                "a file of your own name its columns with data.extra_labels"
            )
        train, val = (
            _other(own, extra) for own, extra in zip((recipe.train, recipe.val), recipe.extra[name], strict=True)
        )
        lacking = bool((train < 0).any() or (val < 0).any())
        others = recipe.extra[name][0].n_classes + lacking
        pairs = [own.y * others + other % others for own, other in ((recipe.train, train), (recipe.val, val))]
        coarse = torch.arange(recipe.train.n_classes).repeat_interleave(others)
        both = relabelled(recipe, pairs[0], pairs[1], coarse)
        (predictor,) = yield [both.change(loss=PairLoss(others, lacking, self.weight))]
        return Coarsened(predictor, coarse)


def _other(own: Split, extra: Split) -> Tensor:
    """The other label of each row (n,), -1 where it has none, as of rows that were made."""
    found = torch.full((len(own),), -1, dtype=torch.int64)
    assert extra.places is not None
    found[extra.places] = extra.y
    return found
