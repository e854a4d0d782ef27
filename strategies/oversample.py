"""Repeat rows of the rarer classes, or make new ones between them.

After sampling, every class has at least `ratio` × (rows of the largest class); all original rows are kept.
`random`: added rows are draws with replacement, as imbalanced-learn's RandomOverSampler in counts (Batista et al. 2004,
doi:10.1145/1007730.1007735). `smote`: each added row is moved towards one of its `neighbours` nearest rows of its class
(Chawla et al. 2002, arXiv:1106.1813; categories as SMOTE-NC takes them, text stays the row's own); with `redraw: epoch`
anew in every batch and never stored (networks only), with `once` as other libraries do. The next three are made once:
`borderline` starts from rows near other classes (Borderline-SMOTE 1, Han et al. 2005, doi:10.1007/11538059_91),
`adasyn` from a row the more often, the more of its neighbours are of other classes (He et al. 2008), `kmeans_smote`
within groups (of `clusters`) where the class is at home, the sparser the more (Douzas et al. 2018, arXiv:1711.00837;
exponent 2). Made rows are known as such: neighbours, the prior that logits are corrected to, and first stages see
natural rows only; their number is in the record. Suggested values: ratio 1 (balanced); 0 is off.
Effect: `random` is a prior shift: ranking barely changes, raw probabilities of rare classes are inflated; correct them.
The others are none, so that prior correction is not exact. Combines badly with: `undersample` of the same ratio (the
second finds nothing to do); full reweighting after it counts the added rows, so that nothing is corrected twice.
Published: decision trees: repeated rows are about as good as smarter ways, and better than dropping rows. Here: it
moves the threshold: decisions by the default rule are better, of trees shown so; with a tuned rule, and in the order of
rows, nothing is gained that was shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from strategies.parts.between import made_between
from strategies.parts.by_class import drawn_with, rows_by_class
from strategies.parts.interpolate import Interpolate
from strategies.spec import Inapplicable, Recipe, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawMore:
    """Keep all rows; add draws with replacement until each class has int(ratio × largest) rows."""

    ratio: float
    seed: int | None = None  # given: the same draw every epoch

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        generator = drawn_with(self.seed, generator)
        classes = rows_by_class(rows, y).values()
        wanted = int(self.ratio * max(map(len, classes)))
        parts = [rows]
        for mine in classes:
            missing = wanted - len(mine)
            if missing > 0:
                parts.append(mine[torch.randint(len(mine), (missing,), generator=generator)])
        return torch.cat(parts)


@dataclass(frozen=True)
class Oversample(Strategy):
    """Oversampling to `ratio` (rarer / largest class, in [0, 1]) by a `method`."""

    name = "oversample"
    ratio: float = 1.0
    method: Literal["random", "smote", "borderline", "adasyn", "kmeans_smote"] = "random"
    neighbours: int = 5
    redraw: Literal["epoch", "once"] = "epoch"
    clusters: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"oversample ratio: expected a number in [0, 1], got {self.ratio}; 1 balances, 0 is off")
        if self.neighbours < 1:
            raise ValueError(f"oversample neighbours: expected a number >= 1, got {self.neighbours}; 5 in the paper")
        if self.clusters < 1:
            raise ValueError(f"oversample clusters: expected a number >= 1, got {self.clusters}")

    @property
    def only_evens_out(self) -> bool:
        return self.ratio > 0

    @property
    def in_batches(self) -> str:  # type: ignore[override]
        if self.method == "smote" and self.redraw == "epoch" and self.ratio > 0:
            return "method=smote makes rows anew in every batch (strategy.oversample.redraw=once: once)"
        return ""

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.ratio > 0 and self.method != "random" and not (self.method == "smote" and self.redraw == "epoch"):
            return made_between(recipe, self.method, self.ratio, self.neighbours, self.clusters)
        seed = recipe.generator("oversample").initial_seed() if self.redraw == "once" else None
        drawn = recipe.resample(DrawMore(self.ratio, seed))
        if self.method == "random" or self.ratio == 0:
            return drawn
        if all(f.kind in ("bag", "tokens") for f in recipe.train.x.schema):
            raise Inapplicable("oversample method=smote: expected numbers or categories, got text only; use random")
        before = recipe.epoch(recipe.generator("mass"))
        after = drawn.epoch(drawn.generator("mass"))
        y, classes = recipe.train.y, recipe.train.n_classes
        kept, total = (torch.bincount(y[rows], minlength=classes) for rows in (before, after))
        made = 1 - kept / total.clamp_min(1)
        interpolate = Interpolate(tuple(made.tolist()), self.neighbours)
        return replace(drawn, augment=(*drawn.augment, interpolate), prior_exact=False)
