"""Make rows of the rarer classes from a model of how their columns go together: a Gaussian copula for each class.

Patki, Wedge & Veeramachaneni 2016, doi:10.1109/DSAA.2016.49: each column is turned into normal scores by its ranks (a
category by its place among the most frequent, at random within), their correlations are estimated, shrunk by `shrink`
towards none, and new scores are drawn and turned back: numbers between the values that there are, categories as often
as they are. So a new row lies between no two rows, as SMOTE's do, but all columns keep their distribution
(correlations with categories of few values come out about a quarter weaker). Text is that of a row of the class at
random. Classes of fewer than `least` rows get none. Rows that are made are checked: those that equal a natural row are
drawn again, and those that still do are left out; `copies_left_out` and `nearest_ratio` (median distance to the
nearest natural row, over that between natural rows: far below 1 are copies) are in the record. Suggested values: ratio
.3-1 (0 is off), shrink .1. Effect: no prior shift, prior correction is not exact. Combines badly with: `oversample` of
the same ratio (nothing is left to make).
Published: people built models on made tables that were about as good as those on the real ones; rare classes are not
its subject. Here: rows that are made from a class's own say nothing new of it: it moves the threshold, the order of
rows is no better.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from strategies.parts.copula import Copula
from strategies.parts.made_rows import natural_rows, rows_lacking, with_made_rows
from strategies.parts.neighbours import nearest, points
from strategies.spec import Features, Inapplicable, Recipe, Strategy

_SAME = 1e-10  # squared distance of a copy


@dataclass(frozen=True)
class Generate(Strategy):
    """Rows of a copula until each class has `ratio` of the largest (0 is off)."""

    name = "generate"
    ratio: float = 1.0
    shrink: float = 0.1
    least: int = 10

    def __post_init__(self) -> None:
        if not (0 <= self.ratio <= 1 and 0 <= self.shrink <= 1 and self.least >= 2):
            raise ValueError(
                "generate: expected ratio in [0, 1] (0 is off), shrink in [0, 1] and least >= 2, got "
                f"ratio={self.ratio}, shrink={self.shrink}, least={self.least}"
            )

    def prepare(self, recipe: Recipe) -> Recipe:
        train, generator = natural_rows(recipe), recipe.generator("generated rows")
        if self.ratio == 0:
            return recipe
        if all(f.kind in ("bag", "tokens") for f in train.x.schema):
            raise Inapplicable("generate: expected numbers or categories, got text only; use augment")
        parents, made, left_out, ratios = [], [], 0, []
        for c, missing in enumerate(rows_lacking(recipe, self.ratio)):
            rows = (train.y == c).nonzero().flatten()
            if not missing or len(rows) < self.least:
                continue
            copula = Copula(train.x, rows, self.shrink)
            at, x = copula.draw(missing, generator)
            again = distances(x, train.x, rows) <= _SAME
            if bool(again.any()):
                at_again, x_again = copula.draw(int(again.sum()), generator)
                at = torch.cat([at[~again], at_again])
                x = Features.cat([x.take((~again).nonzero().flatten()), x_again])
            far = distances(x, train.x, rows)
            own = nearest(points(train.x), rows, rows, 1)[1][:, 0]
            ratios.append(float(far.median().sqrt() / own.median().sqrt().clamp_min(1e-9)))
            new = (far > _SAME).nonzero().flatten()
            left_out += len(far) - len(new)
            if len(new):
                parents.append(at[new])
                made.append(x.take(new))
        if not made:
            raise Inapplicable(
                f"generate: expected a class of {self.least} rows or more below {self.ratio} of the largest, got none"
            )
        grown = with_made_rows(recipe, Features.cat([recipe.train.x, *made]), torch.cat(parents))
        return grown.note(copies_left_out=float(left_out), nearest_ratio=min(ratios))


def distances(x: Features, of: Features, rows: torch.Tensor) -> torch.Tensor:
    """The squared distance of each row of x to the nearest of the given rows of another table (n,)."""
    both = points(of).beside(points(x, of))
    return nearest(both, len(of) + torch.arange(len(x)), rows, 1)[1][:, 0]
