"""Rows of which a random part of the values is replaced by draws from their columns: what pretext tasks are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from strategies.features import Bag, Features, Field, Split

if TYPE_CHECKING:
    from torch import Tensor


def mixed(value: Tensor, pool: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    """Each entry replaced, with probability `rate`, by a draw from its column of the pool."""
    if not len(pool):
        return value
    hit = torch.rand(value.shape, generator=generator) < rate
    draws = torch.randint(len(pool), value.shape, generator=generator)
    drawn = pool[draws.to(pool.device)] if value.dim() == 1 else pool.gather(0, draws.to(pool.device))
    return torch.where(hit.to(value.device), drawn.to(value.device), value)


@dataclass(frozen=True)
class Corrupt:
    """Batch of B rows -> 2B rows: the batch, then its corrupted copy. Targets become the row numbers, twice."""

    rate: float

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        columns: dict[str, Tensor | Bag] = {}
        for name, value in x.columns.items():
            pool = train.x.columns[name]
            if isinstance(value, Bag) and isinstance(pool, Bag):
                columns[name] = Bag(mixed(value.ids, pool.ids, self.rate, generator), value.weights, value.offsets)
            elif isinstance(value, torch.Tensor) and isinstance(pool, torch.Tensor):
                columns[name] = mixed(value, pool, self.rate, generator)
        pairs = torch.arange(len(y), device=y.device).repeat(2)
        return Features.cat([x, Features(x.schema, columns)]), pairs


@dataclass(frozen=True)
class Twice:
    """Batch of B rows -> 2B rows: every row twice, for a model whose noise makes two views of them."""

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        return Features.cat([x, x]), torch.arange(len(y), device=y.device).repeat(2)


@dataclass(frozen=True)
class InfoNCE:
    """-log softmax of a row's similarity to the other row with its target: (..., B, d), (..., B) -> (..., B)."""

    prior_exact: ClassVar[bool] = True
    temperature: float | Tensor = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        z = torch.nn.functional.normalize(outputs, dim=-1)
        t = self.temperature.unsqueeze(-1) if isinstance(self.temperature, torch.Tensor) else self.temperature
        itself = torch.eye(z.shape[-2], dtype=torch.bool, device=z.device)
        log_p = (z @ z.mT / t).masked_fill(itself, float("-inf")).log_softmax(-1)
        pair = (targets.unsqueeze(-1) == targets.unsqueeze(-2)) & ~itself
        return -log_p.masked_fill(~pair, 0).sum(-1) / pair.sum(-1)


@dataclass(frozen=True)
class AcrossViews:
    """-log softmax, over the second views of all rows, of a row's similarity to its own: (..., 2B, d) -> (..., 2B).

    Gao et al. 2021, eq. 4. The outputs are B first views, then B second ones; both views of a row carry its loss, so
    that the mean over 2B is the paper's over B. `InfoNCE` pushes a row away from the other first views too.
    """

    prior_exact: ClassVar[bool] = True
    temperature: float | Tensor = 0.05

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        first, second = torch.nn.functional.normalize(outputs, dim=-1).chunk(2, dim=-2)
        t = self.temperature.unsqueeze(-1) if isinstance(self.temperature, torch.Tensor) else self.temperature
        own = -(first @ second.mT / t).log_softmax(-1).diagonal(dim1=-2, dim2=-1)
        return torch.cat([own, own], -1)


def estimated(schema: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields that VIME masks and estimates: numbers and categories; text stays as it is."""
    return tuple(f for f in schema if f.kind in ("numeric", "categorical"))


@dataclass(frozen=True)
class Mask:
    """Batch of B rows -> B rows, corrupted; targets float (B, 2m): for each of m columns 1 if it changed, its value."""

    rate: float

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        columns = dict(x.columns)
        changed: list[Tensor] = []
        values: list[Tensor] = []
        for field in estimated(x.schema):
            value, pool = x.columns[field.name], train.x.columns[field.name]
            assert isinstance(value, torch.Tensor)
            assert isinstance(pool, torch.Tensor)
            new = mixed(value, pool, self.rate, generator)
            columns[field.name] = new
            changed.append((new != value).float())
            values.append(value.float())
        return Features(x.schema, columns), torch.cat([*changed, *values], 1)


@dataclass(frozen=True)
class MaskAndValue:
    """VIME's loss (Yoon et al. 2020, eq. 4-6): which columns were changed, and what they had held.

    outputs (..., B, m + values), targets (..., B, 2m) -> (..., B): the mean cross entropy of the mask, plus `alpha`
    times the mean error of the values: squared for a number (beyond 1 only linear, so that no outlier decides), cross
    entropy for a category.
    """

    prior_exact: ClassVar[bool] = True
    fields: tuple[Field, ...]
    alpha: float | Tensor = 2.0

    @staticmethod
    def outputs(fields: tuple[Field, ...]) -> int:
        """How many outputs it takes: one a column for the mask, one a number and one a category for the values."""
        return sum(2 * f.width if f.kind == "numeric" else f.width + sum(f.sizes) for f in fields)

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        m = targets.shape[-1] // 2
        changed, values = targets[..., :m].to(outputs), targets[..., m:]
        mask = torch.nn.functional.binary_cross_entropy_with_logits(outputs[..., :m], changed, reduction="none")
        error, out, column = outputs.new_zeros(outputs.shape[:-1]), m, 0
        for field in self.fields:
            if field.kind == "numeric":
                guess, true = outputs[..., out : out + field.width], values[..., column : column + field.width]
                error = error + torch.nn.functional.smooth_l1_loss(guess, true.to(guess), reduction="none").sum(-1)
                out += field.width
            else:
                for i, size in enumerate(field.sizes):
                    log_p, true = outputs[..., out : out + size].log_softmax(-1), values[..., column + i].long()
                    flat = torch.nn.functional.nll_loss(log_p.flatten(0, -2), true.flatten(), reduction="none")
                    error = error + flat.view(true.shape)
                    out += size
            column += field.width
        return mask.mean(-1) + self.alpha * error / m
