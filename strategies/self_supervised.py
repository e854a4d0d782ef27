"""Pretrain the encoder on the inputs alone (SCARF: Bahri et al. 2022, arXiv:2106.15147), then train on the labels.

Two views of each row, the row itself and one with a random part of its values replaced by draws from their marginal
in the training rows, are pulled together and all other pairs of the batch pushed apart (InfoNCE, in its
symmetric form). For bags of words each word is replaced by a word drawn from all words of the training texts.
Labels are never read in the pretext stage. Suggested values: corruption .6, temperature 1 in the paper.
Effect: none on the prior; costs one extra fit (Yang & Xu 2020 report gains for rare classes).
Combines badly with: `transfer` (a model starts from one encoder).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import torch

from strategies.spec import Bag, Features, LinearHead, Recipe, Split, Strategy, Training

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Corrupt:
    """Batch of B rows -> 2B rows: the batch, then its corrupted copy. Targets become the row numbers, twice."""

    rate: float

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        columns: dict[str, Tensor | Bag] = {}
        for name, value in x.columns.items():
            pool = train.x.columns[name]
            if isinstance(value, Bag) and isinstance(pool, Bag):
                columns[name] = Bag(self.mix(value.ids, pool.ids, generator), value.weights, value.offsets)
            elif isinstance(value, torch.Tensor) and isinstance(pool, torch.Tensor):
                columns[name] = self.mix(value, pool, generator)
        pairs = torch.arange(len(y), device=y.device).repeat(2)
        return Features.cat([x, Features(x.schema, columns)]), pairs

    def mix(self, value: Tensor, pool: Tensor, generator: torch.Generator) -> Tensor:
        """Replace each entry, with probability `rate`, by a draw from its column of the pool."""
        if not len(pool):
            return value
        hit = torch.rand(value.shape, generator=generator) < self.rate
        draws = torch.randint(len(pool), value.shape, generator=generator)
        drawn = pool[draws.to(pool.device)] if value.dim() == 1 else pool.gather(0, draws.to(pool.device))
        return torch.where(hit.to(value.device), drawn.to(value.device), value)


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
class SelfSupervised(Strategy):
    """SCARF pretraining for at most `steps` steps (0 is off), then fine-tuning."""

    name = "self_supervised"
    owns = frozenset({"init"})
    needs_encoder = True
    steps: int = 200
    corruption: float = 0.6
    temperature: float = 1.0
    projection: int = 32
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        if not (
            0 < self.corruption < 1
            and self.temperature > 0
            and self.steps >= 0
            and self.projection > 0
            and self.encoder_rate > 0
        ):
            raise ValueError(
                "self_supervised: expected corruption in (0, 1), steps >= 0, all others > 0, "
                f"got corruption={self.corruption}, temperature={self.temperature}, steps={self.steps}, "
                f"projection={self.projection}, encoder_rate={self.encoder_rate}"
            )

    def pretext(self, recipe: Recipe) -> Recipe:
        """The first stage: the inputs of the training rows (and unlabelled rows), labels replaced by zeros."""
        x = recipe.train.x if recipe.unlabelled is None else Features.cat([recipe.train.x, recipe.unlabelled])
        blind = Split(x, torch.zeros(len(x), dtype=torch.int64), 1)
        return replace(
            recipe.aside(train=blind, val=replace(recipe.val, y=torch.zeros_like(recipe.val.y), n_classes=1)),
            augment=(Corrupt(self.corruption),),
            loss=InfoNCE(self.temperature),
            head=LinearHead(self.projection),
            max_steps=min(self.steps, recipe.max_steps),
            select="last",
        )

    def train(self, recipe: Recipe) -> Training:
        if self.steps == 0:
            return (yield [recipe])[0]
        (first,) = yield [self.pretext(recipe)]
        (predictor,) = yield [recipe.change(init=first, encoder_rate=self.encoder_rate)]
        return predictor
