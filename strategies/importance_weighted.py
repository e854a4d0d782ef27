"""Weight, sample or pick rows by how close they are to the rare classes, in a first model's or a language model's view.

Rows are embedded and L2-normalised; a row's importance is the mean over targets t (training rows of the rare classes)
of sinh(scale · v·t) or of the cosine v·t, floored at zero, scaled to mean 1 and clipped. Rare are the classes below the
mean class size. Targets come from the training split only.
`by: model`: rows are embedded by the encoder of a model trained like `none`, whose view the labels have
shaped: the weights are nearly class weights. `by: embedding`: by the pretrained text encoder `data.encoder`, which
knows no labels, whether or not the model sees its vectors; needs no first fit, and works for every model. There each
rare class has targets of its own and counts alike, whatever its size, and no row is a target of itself. Up to a scale
of about 2 sinh is the cosine; at 8 the nearest targets decide. In the record `label_share` is the share of the weights'
variance that the label explains (1: class weights by another name), `like_cosine` the correlation with cosine's scores.
`apply: top_k` keeps the share `keep` of the rows that are most important, and of every class at least one.
`mix` blends importance with 1 (a defensive mixture, Hesterberg 1995): rows unlike any rare one would otherwise weigh
nothing and be forgotten. Weights ≡ 1 are `none`. Suggested values: sinh, scale 1-3, clip 10, mix .5; early stopping
keeps what weights change (Byrd & Lipton 2019, arXiv:1812.03372: they fade with training time in separable problems).
Effect: weights depend on x, so prior correction is not exact; costs one extra fit, by embedding none. The effective
sample size (Kish 1965: (Σw)² / Σw²) is in the record. Combines badly with: class weights (rare rows count twice).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from strategies.spec import Inapplicable, Recipe, Strategy, Training

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 1024  # targets, and on a CPU rows, a matrix product: 4 MB of float32 scores, into the same memory every time
PART = 128  # rows of these whose kernel values are taken at once, in the second cache
GPU_CHUNK = 1 << 16  # rows on a GPU: 256 MB of scores, enough work for a launch


def similarity(
    v: Tensor, targets: Tensor, kernel: Literal["sinh", "cosine"], scale: float, device: torch.device | None = None
) -> Tensor:
    """Mean kernel value of each row (n, d) against the targets (m, d), all L2-normalised here: (n,) float64, CPU.

    The cosines' mean is a product with the mean target. sinh is summed in the precision of `v` over up to `CHUNK`
    targets, and these sums in float64; its error in float32 is below 1e-6 · max(1, scale) of the mean cosh.
    `device`: where to compute, by default where `v` is; rows travel there in chunks.
    """
    device = device or v.device
    size, part = (CHUNK, PART) if device.type == "cpu" else (GPU_CHUNK, GPU_CHUNK)
    scores = torch.zeros(len(v), dtype=torch.float64, device=device)
    aims = torch.nn.functional.normalize(targets.to(device), dim=-1)
    mean, scaled = aims.mean(0, dtype=torch.float64), torch.split(aims * scale, CHUNK)
    space = aims.new_empty(min(size, len(v)) * min(CHUNK, len(aims)) if kernel == "sinh" else 0)
    for rows, total in zip(torch.split(v, size), torch.split(scores, size), strict=True):
        unit = torch.nn.functional.normalize(rows.to(device), dim=-1)
        if kernel == "cosine":
            total.add_(unit.double() @ mean)
            continue
        for aim in scaled:
            s = torch.mm(unit, aim.T, out=space[: len(unit) * len(aim)].view(len(unit), len(aim)))
            total.add_(_twice_sinh_sums(s, part).double() / (2 * len(aims)))
    return scores.cpu()


def _twice_sinh_sums(s: Tensor, part: int) -> Tensor:
    """Sums of 2 sinh(s) = e^s - 1/e^s over rows, overwriting s, so many rows at once.

    exp costs a fifth of torch's sinh.
    """
    one = s.new_ones(1).expand_as(s[:part])
    return torch.cat([p.exp_().addcdiv_(one[: len(p)], p, value=-1).sum(1) for p in torch.split(s, part)])


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
    w = w / w.max()
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


def of_each_class(v: Tensor, y: Tensor, targets: Tensor, kernel: Literal["sinh", "cosine"], scale: float) -> Tensor:
    """`similarity` to the targets of each class, averaged over classes; no row is a target of itself. (n,) float64.

    targets: row numbers. The only target of its class has nothing else to be like there: 0.
    """
    v = torch.nn.functional.normalize(v, dim=-1)
    total = torch.zeros(len(v), dtype=torch.float64)
    itself = (v[targets].double() ** 2).sum(-1)
    found = y[targets]
    classes: list[int] = torch.bincount(found).nonzero().flatten().tolist()
    for c in classes:
        mine, own = targets[found == c], itself[found == c]
        score, m = similarity(v, v[mine], kernel, scale), len(mine)
        rest = score[mine] * m - (torch.sinh(scale * own) if kernel == "sinh" else own)
        score[mine] = rest / (m - 1) if m > 1 else 0.0
        total += score
    return total / len(classes)


def label_share(w: Tensor, y: Tensor) -> float:
    """The share of the variance of `w` that lies between classes (the correlation ratio squared); 0 of no variance."""
    means = torch.zeros(int(y.max()) + 1, dtype=torch.float64).index_add_(0, y, w.double())
    means = means / torch.bincount(y).clamp_min(1)
    whole = float(((w - w.mean()) ** 2).sum())
    return float(((means[y] - w.mean()) ** 2).sum()) / whole if whole > 0 else 0.0


@dataclass(frozen=True)
class ImportanceWeighted(Strategy):
    """Importance by similarity to the rare classes."""

    name = "importance_weighted"
    version = 2
    by: Literal["model", "embedding"] = "model"  # whose view: a first model's, or a pretrained text encoder's
    kernel: Literal["sinh", "cosine"] = "sinh"
    apply: Literal["weight", "sample", "top_k"] = "weight"
    scale: float | None = None  # of the similarity before sinh; None: 1, by embedding 8
    clip: float = 10.0
    mix: float = 0.5  # weight = (1 - mix) + mix · importance: 0 is off, 1 may leave rows unseen
    targets: int = 1000  # at most so many target rows, drawn at random; by embedding of each class
    keep: float = 0.5  # the share of rows that top_k keeps

    @property
    def needs_encoder(self) -> bool:  # type: ignore[override]
        """By embedding the view is another model's."""
        return self.by != "embedding"

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
        return 1 if self.by == "model" and self.mix else 0, 1

    def train(self, recipe: Recipe) -> Training:
        targets, y = self.rare_rows(recipe), recipe.train.y
        if self.mix == 0:
            return (yield [recipe])[0]
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
        w = (1 - self.mix) + self.mix * weights(scores, self.clip)
        notes = {"effective_sample_size": effective_sample_size(w), "label_share": label_share(w, y)}
        alike = float(torch.corrcoef(torch.stack([scores, cosines]))[0, 1])
        notes |= {"like_cosine": alike} if math.isfinite(alike) else {}
        recipe = recipe.change(prior_exact=False).note(**notes)
        (predictor,) = yield [self.applied(recipe, w)]
        return predictor

    def applied(self, recipe: Recipe, w: Tensor) -> Recipe:
        """The recipe with these weights (n,) at work."""
        if self.apply == "weight":
            return recipe.reweight(w)
        if self.apply == "sample":
            return recipe.resample(DrawWeighted(w))
        kept = most_important(w, recipe.train.y, self.keep)
        return recipe.note(rows_kept=float(kept.sum())).resample(KeepTop(kept))
