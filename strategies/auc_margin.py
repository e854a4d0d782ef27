"""Push the mean scores of positive and negative rows apart until they differ by a margin: a stand-in for the AUC.

Yuan et al. 2021, arXiv:2012.03173, eq. 6 (AUCM): with h the predicted probability of the positive class, its variance
among positive rows plus that among negative ones plus (m + mean of the negative - mean of the positive)_+². The
paper's saddle problem in a, b and α is solved in closed form on each batch here: its a and b are the batch's means,
its α the hinge. Factors p(1 - p) of the class shares are left out (LibAUC has them; Adam sees no factor). More than
two classes: the mean over the classes, each against the rest. A batch without rows of a class says nothing of it.
Suggested values: margin 1, with `balanced_sampler` so that every batch holds positive rows; 0 is off. Effect: outputs
rank and are no probabilities: read the recalibrated view. It knows no class prior, which is why none can be corrected.
Combines badly with: any other loss; row weights (they do not enter the means). Trees have no batches: not for them.
Published: a higher AUROC on medical images (first in the CheXpert competition). Here: cross entropy that is trained to
its end orders these rows as well or better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from strategies.spec import Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class AucMarginLoss:
    """Per row, so that the mean over the batch is variances plus squared hinge."""

    prior_exact: ClassVar[bool] = False
    of_batch: ClassVar[bool] = True  # a row's loss depends on the others of its batch
    margin: float | Tensor = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        p = outputs.softmax(-1)
        true = torch.zeros_like(p).scatter(-1, targets.unsqueeze(-1), 1.0)
        if p.shape[-1] == 2:
            p, true = p[..., 1:], true[..., 1:]
        rows = p.shape[-2]
        margin = self.margin.unsqueeze(-1) if isinstance(self.margin, torch.Tensor) else self.margin
        means, spread = [], torch.zeros_like(p)
        for mine in (true, 1 - true):
            count = mine.sum(-2, keepdim=True)
            share = mine / count.clamp_min(1)
            means.append((p * share).sum(-2, keepdim=True))
            spread = spread + rows * share * (p - means[-1]) ** 2
        both = (true.sum(-2, keepdim=True) > 0) & (true.sum(-2, keepdim=True) < rows)
        hinge = (margin + means[1] - means[0]).clamp_min(0) ** 2
        return (spread + hinge * both).mean(-1)


@dataclass(frozen=True)
class AucMargin(Strategy):
    """AUC margin loss of `margin` (0 is off)."""

    name = "auc_margin"
    owns = frozenset({"loss"})
    in_batches = "compares the rows of a batch with one another"
    margin: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 2:
            raise ValueError(f"auc_margin margin: expected a number in [0, 2], got {self.margin}; 1 in the paper")

    def prepare(self, recipe: Recipe) -> Recipe:
        return recipe if self.margin == 0 else recipe.change(loss=AucMarginLoss(self.margin))
