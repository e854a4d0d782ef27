"""Texts of which some tokens are hidden, and which these were: what masked language modelling is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.features import MASKED, Features, Field, Split

if TYPE_CHECKING:  # at run time it would load torch, which planning does without
    from torch import Tensor

_SHARE = 0.15  # of the tokens that are guessed
_HIDDEN, _CHANGED = 0.8, 0.9  # of these: under the mask up to the first, another token up to the second, then as it is


@dataclass(frozen=True)
class MaskTokens:
    """Batch -> the same rows with some tokens hidden, named in the column MASKED; targets: what these were (M,).

    Devlin et al. 2019, appendix A.1: 15% of the tokens that are text, each of which is hidden by the mask (80%),
    replaced by any token of the vocabulary that is text (10%) or left (10%). Drawn anew in every batch (Liu et al.
    2019). A batch without any text gives its first token to guess, which stays.
    """

    field: Field
    longest: int  # tokens of a text that the model reads

    def __call__(self, x: Features, y: Tensor, generator: torch.Generator, train: Split) -> tuple[Features, Tensor]:
        tokens = x.columns[self.field.name]
        assert isinstance(tokens, torch.Tensor)
        assert self.field.mask is not None
        chosen = torch.rand(tokens.shape, generator=generator) < _SHARE
        how = torch.rand(tokens.shape, generator=generator)
        others = any_text(self.field, tokens.shape, generator)
        chosen, how, others = (part.to(tokens.device) for part in (chosen, how, others))
        text = ~torch.isin(tokens, torch.tensor(self.field.special, device=tokens.device))
        text[:, self.longest :] = False
        chosen &= text
        if not chosen.any():
            chosen, how = _first_alone(text), torch.where(_first_alone(text) & text, how, 1.0)
        new = torch.where(chosen & (how < _HIDDEN), self.field.mask, tokens)
        new = torch.where(chosen & (how >= _HIDDEN) & (how < _CHANGED), others, new)
        return Features(x.schema, {**x.columns, self.field.name: new, MASKED: chosen}), tokens[chosen]


def any_text(field: Field, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Tokens drawn from all of the vocabulary that are text: a special one (padding, say) would change the row."""
    drawn = torch.randint(field.sizes[0] - len(field.special), shape, generator=generator)
    for taken in sorted(field.special):
        drawn += drawn >= taken
    return drawn


def _first_alone(text: Tensor) -> Tensor:
    """True at the first entry that is text, or at the very first where none is."""
    found = torch.zeros_like(text)
    found.view(-1)[int(text.flatten().int().argmax())] = True
    return found
