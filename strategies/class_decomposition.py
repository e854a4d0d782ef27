"""Split each class into groups of rows that lie together, learn the groups, and add their probabilities up again.

Vilalta & Rish 2003, doi:10.1007/978-3-540-39857-8_40: k-means within each class (`clusters` of them, fewer where a
group would have less than `least` rows on average); a class of many kinds is then several simple ones, and the common
one no longer one block. Predictions are mapped back by summing. Distances are those of encoded numbers and categories.
Validation rows belong to the group of the nearest training row of their class. Strategies listed after it treat groups
as classes, so [class_decomposition,class_weights] balances groups. Suggested values: clusters 2-5, least 20; 1 is off.
Effect: none on the prior; early stopping sees groups. Combines badly with: strategies listed before it that set
numbers per class (`ldam`, `logit_adjustment`); models that find the groups themselves (trees, wide networks).
Published: naive Bayes is better on 26 sets, the more so the more groups its classes have. Here: networks find groups by
themselves, and each group has fewer rows to learn from. For a model that draws one line the gain is real, and a test
shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.parts.neighbours import groups, nearest, points
from strategies.parts.relabelled import Coarsened, relabelled
from strategies.spec import Recipe, Strategy, Training

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClassDecomposition(Strategy):
    """Up to `clusters` groups a class (1 is off), of `least` rows each on average."""

    name = "class_decomposition"
    relabels = True
    clusters: int = 3
    least: int = 20

    def __post_init__(self) -> None:
        if min(self.clusters, self.least) < 1:
            raise ValueError(
                "class_decomposition: expected clusters >= 1 (1 is off) and least >= 1, got "
                f"clusters={self.clusters}, least={self.least}"
            )

    def train(self, recipe: Recipe) -> Training:
        train_y, val_y, coarse = self.parts(recipe)
        if len(coarse) == recipe.train.n_classes:
            return (yield [recipe])[0]
        (predictor,) = yield [relabelled(recipe, train_y, val_y, coarse).note(groups=float(len(coarse)))]
        return Coarsened(predictor, coarse)

    def parts(self, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
        """The groups of training and validation rows (numbered through all classes), and the class of each group."""
        train, val, classes = recipe.train, recipe.val, list[int]()
        label, of_val = torch.zeros_like(train.y), torch.zeros_like(val.y)
        of = points(train.x) if self.clusters > 1 else None
        for c in range(train.n_classes):
            rows = (train.y == c).nonzero().flatten()
            k = min(self.clusters, max(1, len(rows) // self.least))
            mine = (val.y == c).nonzero().flatten()
            first = len(classes)
            if k == 1 or of is None:
                classes.append(c)
                label[rows], of_val[mine] = first, first
                continue
            found = groups(of.take(rows), k, recipe.generator(f"groups {c}"))
            found = torch.unique(found, return_inverse=True)[1]
            classes += [c] * (int(found.max()) + 1)
            label[rows] = first + found
            both = of.beside(points(val.x, train.x))
            of_val[mine] = label[nearest(both, len(train) + mine, rows, 1)[0][:, 0]]
        return label, of_val, torch.tensor(classes)
