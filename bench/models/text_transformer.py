"""A pretrained text encoder, trained further or frozen, with the other features beside it (Devlin et al. 2019).

The transformer that `data.encoder` names reads its own tokens; the mean of its last states goes to the head together
with what a layer makes of the other columns. Its learning rate is `body_rate` times the training rate, which is the
head's; 0 freezes it. `pretrained: false` draws its weights instead: the control for what pretraining brings.
Rows of a batch are read in groups of like length, each padded to its own longest only.
On a CPU a step of 32 reviews takes about half a second with six layers: a fit takes minutes, and a frozen encoder is
had in seconds as `data.text=embed` with any model. A GPU is where fine-tuning belongs (`train.precision=bf16`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from strategies.model import Takes
from strategies.spec import CosineHead, Field, Inapplicable, LinearHead

if TYPE_CHECKING:
    from torch import nn

_BODY = ".body."  # in the names of the transformer's parameters


@dataclass(frozen=True, kw_only=True)
class TextTransformer:
    """`longest` text in tokens, `pretrained` or from scratch, `body_rate` of the transformer, `beside` dimensions of
    the other columns, `dropout` before the head."""

    name: ClassVar[str] = "text_transformer"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = True
    reads_tokens: ClassVar[bool] = True
    embeds: ClassVar[bool] = True
    takes: ClassVar[Takes] = Takes(categories="one-hot", text="subwords")
    longest: int = 128
    pretrained: bool = True
    body_rate: float = 0.03
    beside: int = 32
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.longest < 3 or self.body_rate < 0 or self.beside < 1 or not 0 <= self.dropout < 1:
            raise ValueError(
                "model text_transformer: expected longest >= 3, body_rate >= 0, beside >= 1 and dropout in [0, 1), got "
                f"{self}"
            )

    def build(self, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int) -> nn.Module:
        """The encoder of text and of what is beside it.

        Raises:
            Inapplicable: the table has no tokens of a pretrained encoder.
        """
        if not any(f.origin for f in schema):
            raise Inapplicable("model text_transformer: expected text and data.encoder, got none; use model=mlp")
        from bench.models.parts.text_and_beside import TextAndBeside  # noqa: PLC0415 - torch

        return TextAndBeside(schema, self.longest, self.beside, self.dropout, pretrained=self.pretrained)

    def to_fill(self) -> TextTransformer:
        """The same without the encoder's weights, for which its folder need not hold any."""
        return replace(self, pretrained=False)

    def rate_of(self, parameter: str) -> float:
        """The factor on the learning rate of a parameter, by its name."""
        return self.body_rate if _BODY in parameter else 1.0
