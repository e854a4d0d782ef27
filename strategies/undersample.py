"""Drop rows of the commoner classes: a random part of them, or those that lie where they are thought to do least.

`random`: after sampling, no class has more than (rows of the rarest class) / `ratio`; kept rows are drawn without
replacement, as imbalanced-learn's RandomUnderSampler. With `redraw: epoch` every row is seen sooner or later; with
`once` the dropped rows are lost, as in the classical method (Kubat & Matwin 1997). The same number by another choice:
`cluster` draws with probability ∝ 1 / (rare rows in the row's group of `clusters` by k-means), which gives groups the
numbers of Yen & Lee 2009 (doi:10.1016/j.eswa.2008.06.108, eq. 3); `density` draws ∝ distance to the nearest rows of
the class, so that dense regions are thinned (Palmer & Faloutsos 2000); `near_miss` keeps the rows nearest to the
rarest class (NearMiss-1, Mani & Zhang 2003). `tomek` (Tomek 1976) and `enn` (Wilson 1972) clean and reach no ratio:
they drop rows of the commoner classes whose nearest row is of another class and has them as its nearest, or that their
`neighbours` outvote. These are computed once; distances are those of SMOTE-NC and all pairs are compared (`tomek`,
`enn`: up to 130,000 rows). Suggested values: ratio 1 (balanced) for speed, .1-.5 to keep information; 0 is off.
Effect: `random` is a prior shift, with fewer distinct rows an epoch; the others are none, so that prior correction is
not exact. Trees need rows to split: where a leaf would have too few on average, the record says how many
(`rows_a_leaf`). Combines badly with: `oversample` listed before it at ratio 1 (nothing is left to drop, but for
`tomek` and `enn`).
Published: decision trees and nearest neighbours find more rare rows, if borderline and noisy common ones are dropped;
by chance alone they do worse than with repeated rows (Batista et al. 2004). Here: networks: it moves the threshold,
nothing is gained with a tuned one. Trees on small tables lose: too few rows are left to split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from strategies.parts.by_class import drawn_with, fewer_of_each
from strategies.parts.thinning import (
    DrawFewerWeighted,
    Keep,
    among_their_own,
    away_from_rare_rows,
    near_the_rarest,
    outside_links,
    sparseness,
)
from strategies.spec import Recipe, Sampler, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DrawFewer:
    """Keep at most int(rarest / ratio) rows of each class, without replacement."""

    ratio: float
    seed: int | None = None  # given: the same draw every epoch

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        own = drawn_with(self.seed, generator)
        return fewer_of_each(rows, y, self.ratio, lambda mine, n: mine[torch.randperm(len(mine), generator=own)[:n]])


@dataclass(frozen=True)
class Undersample(Strategy):
    """Undersampling to `ratio` (rarest / commoner class, in [0, 1]; 0 is off) by a `method`."""

    name = "undersample"
    ratio: float = 1.0
    redraw: Literal["epoch", "once"] = "epoch"
    method: Literal["random", "cluster", "density", "near_miss", "tomek", "enn"] = "random"
    neighbours: int = 3
    clusters: int = 10

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"undersample ratio: expected a number in [0, 1], got {self.ratio}; 1 balances, 0 is off")
        if min(self.neighbours, self.clusters) < 1:
            raise ValueError(
                "undersample: expected neighbours and clusters >= 1, "
                f"got neighbours={self.neighbours}, clusters={self.clusters}"
            )

    @property
    def evens_out(self) -> bool:
        return self.ratio == 1 and self.method not in ("tomek", "enn")

    @property
    def only_evens_out(self) -> bool:
        return self.ratio > 0 and self.method == "random"

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.ratio == 0:
            return recipe
        seed = recipe.generator("undersample").initial_seed() if self.redraw == "once" else None
        if self.method == "random":
            return recipe.resample(DrawFewer(self.ratio, seed))
        return replace(recipe.resample(self.sampler(recipe, seed)), prior_exact=False)

    def sampler(self, recipe: Recipe, seed: int | None) -> Sampler:
        """What keeps rows by where they lie."""
        train, generator = recipe.train, recipe.generator("thinning")
        if self.method == "cluster":
            return DrawFewerWeighted(self.ratio, away_from_rare_rows(train, self.clusters, generator), seed)
        if self.method == "density":
            return DrawFewerWeighted(self.ratio, sparseness(train, self.neighbours, generator), seed)
        if self.method == "near_miss":
            return Keep(near_the_rarest(train, self.ratio, self.neighbours))
        return Keep(outside_links(train) if self.method == "tomek" else among_their_own(train, self.neighbours))
