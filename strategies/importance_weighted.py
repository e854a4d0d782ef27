"""Weight, sample or pick rows by importance: how like the rare classes they are, how hard, or how alone.

`by: model`, `embedding`: likeness to the rare classes, those below the mean class size. Rows are embedded and
L2-normalised; a row's score is the mean over targets t (training rows of these classes) of sinh(scale · v·t) or of the
cosine v·t. `model` embeds them by the encoder of a model trained like `none`, whose view the labels have shaped: the
weights are nearly class weights. `embedding`: by the pretrained text encoder `data.encoder`, which
knows no labels, whether or not the model sees its vectors; needs no first fit, and works for every model. There each
rare class has targets of its own and counts alike, whatever its size, and no row is a target of itself. Up to a scale
of about 2 sinh is the cosine; at 8 the nearest targets decide.
`by: difficulty`: a row's loss under a model of the kind that is trained (trees, where `model=lightgbm`) which has not
seen the row, over the mean loss of its class: hard rows count, and not rare classes as such; one of `folds` models for
each part of the rows. `by: density_ratio` (Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4): how much likelier a row
is among rows without a label (`data.unlabelled`: those that the model is for) than in training, by a logistic
regression that tells them apart. `by: cluster`: one over the rows of its group, of `clusters` by k-means. The last two
read numbers and categories, no labels and no text.
Scores are floored at zero, scaled to mean 1 and clipped; `mix` blends them with 1 (a defensive mixture, Hesterberg
1995): rows of no importance would otherwise be forgotten. Weights ≡ 1 are `none`. `apply: top_k` keeps the share `keep`
of the rows that are most important, and of every class at least one. In the record: the effective sample size (Kish
1965: (Σw)² / Σw²); `label_share`, the share of the weights' variance that the label explains (1: class weights by
another name); of likeness `like_cosine`, the correlation with cosine's scores.
Suggested values: sinh, scale 1-3, clip 10, mix .5; early stopping keeps what weights change (Byrd & Lipton 2019,
arXiv:1812.03372: they fade with training time in separable problems).
Effect: weights depend on x, so prior correction is not exact. Costs one extra fit by model, `folds` by difficulty, none
by others. Combines badly with: class weights (by likeness rare rows count twice).
Published: consistent estimates under a shift of the inputs, where the model is wrong. Here: models are trained to their
end, where weights fade, and test rows are drawn as training rows are: differences are within a hundredth.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from strategies.parts.importance import density_ratio, difficulty, rarity_of_groups
from strategies.parts.likeness import of_each_class, similarity
from strategies.predictor import Predictor
from strategies.spec import Inapplicable, Recipe, Strategy, Training

if TYPE_CHECKING:
    from torch import Tensor

_Scored: TypeAlias = "Generator[Sequence[Recipe], Sequence[Predictor], tuple[Tensor, dict[str, float]]]"


_SMALLEST = 1e-290  # score beside the largest, of those above 0: what it takes to scale a smaller one up is no number


def weights(scores: Tensor, clip: float) -> Tensor:
    """Non-negative, at most `clip`, mean 1: (n,) float64. All ones where no score is positive.

    Clipping lowers the mean, so the others are scaled up until nothing more needs clipping: exactly, by sorting.
    Where too few scores are positive for a mean of 1 under the clip, these share it equally.

    Raises:
        ValueError: a score is infinite or NaN.
    """
    w = scores.double().clamp_min(0)
    if not bool(torch.isfinite(w).all()):
        raise ValueError(
            "importance: expected finite scores, got infinity or NaN; lower strategy.importance_weighted.scale"
        )
    positive = w > 0
    if not bool(positive.any()):
        return torch.ones_like(w)
    if clip * float(positive.double().mean()) <= 1:
        return positive.double() / positive.double().mean()
    w = torch.where(positive, (w / w.max()).clamp_min(_SMALLEST), 0.0)
    largest = w.sort(descending=True).values
    rest = largest.flip(0).cumsum(0).flip(0)  # sum from each position on
    scale = (len(w) - clip * torch.arange(len(w), dtype=torch.float64)) / rest  # were exactly that many clipped
    clipped = int(((scale <= 0) | (largest * scale > clip)).long().argmin())  # the first count that needs no more
    return torch.where(positive, (w * scale[clipped]).clamp(max=clip), 0.0)


def effective_sample_size(w: Tensor) -> float:
    """(Σw)² / Σw², in rows (Kish 1965)."""
    return float(w.sum() ** 2 / (w**2).sum())


@dataclass(frozen=True, eq=False)
class DrawWeighted:
    """As many rows as there are, with replacement, with probability ∝ weight (float64: exact above 2^24 rows).

    On the CPU whatever the device, as every draw of rows (`bench.training.rows`).
    """

    weight: Tensor

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        edges = self.weight[rows].cumsum(0)
        draws = torch.rand(len(rows), generator=generator, dtype=torch.float64) * edges[-1]
        return rows[torch.searchsorted(edges, draws, right=True).clamp(max=len(rows) - 1)]


@dataclass(frozen=True, eq=False)
class KeepTop:
    """The rows whose place in `kept` is true."""

    kept: Tensor

    def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return rows[self.kept[rows]]


def most_important(w: Tensor, y: Tensor, share: float) -> Tensor:
    """Whether a row is among the share of largest weights, or the largest of its class: bool (n,)."""
    kept = torch.zeros(len(w), dtype=torch.bool)
    order = w.argsort(descending=True, stable=True)
    kept[order[: max(1, round(share * len(w)))]] = True
    for c in torch.bincount(y).nonzero().flatten().tolist():
        mine = (y == c).nonzero().flatten()
        kept[mine[w[mine].argmax()]] = True
    return kept


def label_share(w: Tensor, y: Tensor) -> float:
    """The share of the variance of `w` that lies between classes (the correlation ratio squared); 0 of no variance."""
    means = torch.zeros(int(y.max()) + 1, dtype=torch.float64).index_add_(0, y, w.double())
    means = means / torch.bincount(y).clamp_min(1)
    whole = float(((w - w.mean()) ** 2).sum())
    return float(((means[y] - w.mean()) ** 2).sum()) / whole if whole > 0 else 0.0


@dataclass(frozen=True)
class ImportanceWeighted(Strategy):
    """Importance by likeness to the rare classes, difficulty, density ratio, or rarity of a row's cluster."""

    name = "importance_weighted"
    version = 2
    by: Literal["model", "embedding", "difficulty", "density_ratio", "cluster"] = "model"
    kernel: Literal["sinh", "cosine"] = "sinh"
    apply: Literal["weight", "sample", "top_k"] = "weight"
    scale: float | None = None  # of the similarity before sinh; None: 1, by embedding 8
    clip: float = 10.0
    mix: float = 0.5  # weight = (1 - mix) + mix · importance: 0 is off, 1 may leave rows unseen
    targets: int = 1000  # at most so many target rows, drawn at random; by embedding of each class
    keep: float = 0.5  # the share of rows that top_k keeps
    folds: int = 3  # by difficulty: parts of the rows, and models
    clusters: int = 20  # by cluster: groups, at most

    @property
    def needs_encoder(self) -> bool:  # type: ignore[override]
        """By model alone: other views are not the model's."""
        return self.by == "model"

    @property
    def steepness(self) -> float:
        """The scale, or what it is by default."""
        return (8.0 if self.by == "embedding" else 1.0) if self.scale is None else self.scale

    def __post_init__(self) -> None:
        within = 0 < self.steepness <= 50 and 0 < self.keep <= 1 and 0 <= self.mix <= 1
        if not within or self.clip < 1 or self.targets < 1:
            raise ValueError(
                "importance_weighted: expected scale in (0, 50], clip >= 1, targets >= 1, mix in [0, 1], keep in (0, 1]"
                f", got scale={self.scale}, clip={self.clip}, targets={self.targets}, mix={self.mix}, keep={self.keep}"
            )
        if self.folds < 2 or self.clusters < 2:
            raise ValueError(
                "importance_weighted: expected folds >= 2 and clusters >= 2, got "
                f"folds={self.folds}, clusters={self.clusters}"
            )

    def rare_rows(self, recipe: Recipe) -> Tensor:
        """Training rows of the classes below the mean class size, at most `targets` of them."""
        y = recipe.train.y
        counts = torch.bincount(y, minlength=recipe.train.n_classes)
        rare = (counts > 0) & (counts < len(y) / recipe.train.n_classes)
        rows = rare[y].nonzero().flatten()
        if not len(rows):
            raise Inapplicable("importance_weighted: no class is rarer than the mean class size, nothing to aim at")
        order = torch.randperm(len(rows), generator=recipe.generator("targets"))
        rows = rows[order]
        if self.by != "embedding":
            return rows[: self.targets]
        return torch.cat([rows[y[rows] == c][: self.targets] for c in rare.nonzero().flatten().tolist()])

    def fits(self) -> tuple[int, int]:
        first = {"model": 1, "difficulty": self.folds}.get(self.by, 0)
        return first if self.mix else 0, 1

    def train(self, recipe: Recipe) -> Training:
        if self.mix == 0:
            return (yield [recipe])[0]
        scores, notes = yield from self._scored(recipe)
        w = (1 - self.mix) + self.mix * weights(scores, self.clip)
        notes |= {"effective_sample_size": effective_sample_size(w), "label_share": label_share(w, recipe.train.y)}
        recipe = recipe.change(prior_exact=False).note(**notes)
        (predictor,) = yield [self.applied(recipe, w)]
        return predictor

    def _scored(self, recipe: Recipe) -> _Scored:
        """Scores of the training rows (n,), and notes about them."""
        if self.by == "difficulty":
            return (yield from difficulty(recipe, self.folds)), {}
        if self.by == "cluster":
            return rarity_of_groups(recipe.train.x, self.clusters, recipe.generator("clusters")), {}
        if self.by == "density_ratio":
            if recipe.unlabelled is None:
                raise Inapplicable(
                    "importance_weighted by=density_ratio: expected rows without a label, which the model is for, got "
                    "none; set data.unlabelled=true, where the table has some"
                )
            return density_ratio(recipe.train.x, recipe.unlabelled), {}
        targets, y = self.rare_rows(recipe), recipe.train.y
        if self.by == "embedding":
            v = recipe.train.embedding
            if v is None:
                raise Inapplicable(
                    "importance_weighted by=embedding: expected text and an encoder for it, got none; set data.encoder"
                )
            scores = of_each_class(v, y, targets, self.kernel, self.steepness)
            cosines = of_each_class(v, y, targets, "cosine", 1.0)
        else:
            (first,) = yield [recipe.aside()]
            v = first.encode(recipe.train.x)
            scores = similarity(v, v[targets], self.kernel, self.steepness, first.where)
            cosines = similarity(v, v[targets], "cosine", 1.0, first.where)
        alike = float(torch.corrcoef(torch.stack([scores, cosines]))[0, 1])
        return scores, {"like_cosine": alike} if math.isfinite(alike) else {}

    def applied(self, recipe: Recipe, w: Tensor) -> Recipe:
        """The recipe with these weights (n,) at work."""
        if self.apply == "weight":
            return recipe.reweight(w)
        if self.apply == "sample":
            return recipe.resample(DrawWeighted(w))
        kept = most_important(w, recipe.train.y, self.keep)
        return recipe.note(rows_kept=float(kept.sum())).resample(KeepTop(kept))
