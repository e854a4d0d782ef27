"""Train on mixtures of two rows of the batch, with the label of either: of the rarer one where the classes differ much.

`mixup` (Zhang et al. 2018, arXiv:1710.09412, eq. 1): x = λ a + (1 - λ) b with λ ~ Beta(`alpha`, `alpha`); the label is
a's with probability λ, which is the paper's loss in expectation. `remix` (Chou et al. 2020, arXiv:2007.03943, eq. 10):
it is the rarer class's for sure where the other one has `kappa` times the rows, and λ of the other is below `tau`.
Numbers are mixed; a category, and the text as a whole, is a's with probability λ. Mixtures are made in the batch and
never stored. Suggested values: alpha .2-1, kappa 3, tau .5 in the papers; alpha 0 is off. Effect: no pure prior shift
(`remix` moves labels towards rare classes as well): read the recalibrated view. Combines badly with: `oversample` by
smote (mixes already); losses with margins. Trees have no batches: not for them.
Published: less error on images, speech and tables; remix: on images with few rows of some classes. Here: nothing
was gained on ten sets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from strategies.spec import Bag, Features, Recipe, Split, Strategy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Mix:
    """Each row of a batch mixed with another one; counts: rows per class (C), which decide labels where tau > 0."""

    alpha: float
    counts: tuple[int, ...]
    kappa: float = 3.0
    tau: float = 0.0

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        n, device = len(y), y.device
        part = beta_shares(self.alpha, n, generator)
        partner = torch.randperm(n, generator=generator)
        first = (torch.rand(n, generator=generator) < part).to(device)
        a, b = y, y[partner.to(device)]
        rows = torch.arange(n)
        whole = torch.where(torch.rand(n, generator=generator) < part, rows, partner).to(device)
        columns: dict[str, Tensor | Bag] = {}
        for f in x.schema:
            value = x.columns[f.name]
            if isinstance(value, Bag):
                columns[f.name] = value.take(whole)
            elif f.kind == "numeric":
                share, other = part.to(value).unsqueeze(1), value[partner.to(device)]
                columns[f.name] = value + (1 - share) * (other - value)
            else:
                columns[f.name] = value[whole]
        return Features(x.schema, columns), torch.where(self.keeps(a, b, part.to(device), first), a, b)

    def keeps(self, a: Tensor, b: Tensor, part: Tensor, first: Tensor) -> Tensor:
        """Whether a mixture, a's by `part`, has a's label: as drawn (`first`), or as its rarity decides."""
        counts = torch.tensor(self.counts, dtype=torch.float64, device=a.device)
        ratio = counts[a] / counts[b]
        yields = (ratio >= self.kappa) & (part < self.tau)
        claims = (ratio <= 1 / self.kappa) & (1 - part < self.tau)
        return (first & ~yields) | claims


def beta_shares(alpha: float, n: int, generator: torch.Generator) -> Tensor:
    """n draws of Beta(alpha, alpha), from the generator: by Jöhnk's method, the last of 64 tries where none fits."""
    u, v = (torch.rand(64, n, generator=generator, dtype=torch.float64).clamp_min(1e-12) for _ in range(2))
    a, b = u ** (1 / alpha), v ** (1 / alpha)
    fits = (a + b <= 1) & (a + b > 0)
    at = fits.int().argmax(0)
    at = torch.where(fits.any(0), at, 63).unsqueeze(0)
    a, b = a.gather(0, at)[0], b.gather(0, at)[0]
    return (a / (a + b).clamp_min(1e-300)).clamp(0, 1)


@dataclass(frozen=True)
class Mixup(Strategy):
    """Mixtures of rows by `method`, with λ ~ Beta(alpha, alpha); alpha 0 is off."""

    name = "mixup"
    alpha: float = 0.4
    method: Literal["mixup", "remix"] = "remix"
    kappa: float = 3.0
    tau: float = 0.5

    def __post_init__(self) -> None:
        if not ((self.alpha == 0 or 0.05 <= self.alpha <= 2) and self.kappa >= 1 and 0 <= self.tau <= 1):
            raise ValueError(
                "mixup: expected alpha in [.05, 2] or 0 (off), kappa >= 1 and tau in [0, 1], got "
                f"alpha={self.alpha}, kappa={self.kappa}, tau={self.tau}"
            )

    @property
    def in_batches(self) -> str:  # type: ignore[override]
        return "mixes rows of a batch" if self.alpha > 0 else ""

    def prepare(self, recipe: Recipe) -> Recipe:
        if self.alpha == 0:
            return recipe
        counts = tuple(torch.bincount(recipe.train.y, minlength=recipe.train.n_classes).clamp_min(1).tolist())
        mix = Mix(self.alpha, counts, self.kappa, self.tau if self.method == "remix" else 0.0)
        return replace(recipe, augment=(*recipe.augment, mix), prior_exact=False)
