"""Start from an encoder trained on another label of the same rows, then train on the target.

The source model is trained like `none` on `source` (`auto`: the one that the data recommend), with the columns that
give the source label away hidden; its encoder starts the target model, the head is new. `freeze: true` trains the head
only; else the encoder is fine-tuned at `encoder_rate` times the learning rate (Yosinski et al. 2014, arXiv:1411.1792).
Source rows are training and validation rows of the target: no test row of either.
Suggested values: freeze false, encoder_rate .1-1. Effect: none on the prior; costs one extra fit.
Skipped where there is no other label. Combines badly with: `self_supervised` (a model starts from one encoder).
Published: networks for images start better from features of another task, even a distant one, than from chance. Here:
it takes another label that is related and happens more often, as `multi_task`, and costs a fit. Where the truth is
known, clicks teach rare purchases (results/published/regret); on the reviews nothing was shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from strategies.spec import Inapplicable, Recipe, Strategy, Training


@dataclass(frozen=True)
class Transfer(Strategy):
    """Supervised pretraining on another label."""

    name = "transfer"
    owns = frozenset({"init"})
    uses_extra = True
    needs_encoder = True
    source: str | None = "auto"  # None: off
    freeze: bool = False
    encoder_rate: float = 0.3

    def __post_init__(self) -> None:
        if self.encoder_rate <= 0:
            raise ValueError(
                f"transfer encoder_rate: expected a number > 0, got {self.encoder_rate}; to freeze, freeze=true"
            )

    def fits(self) -> tuple[int, int]:
        return 0 if self.source is None else 1, 1

    def train(self, recipe: Recipe) -> Training:
        if self.source is None:
            return (yield [recipe])[0]
        name = recipe.default_source if self.source == "auto" else self.source
        if name not in recipe.extra:
            known = ", ".join(sorted(recipe.extra)) or "none"
            raise Inapplicable(
                f"transfer: no source label {name!r} beside this target (there are: {known})"
                if name
                else "transfer: this target has no other label to transfer from"
            )
        train, val = recipe.extra[name]
        (source,) = yield [recipe.aside(train=train, val=val)]
        rate = 0.0 if self.freeze else self.encoder_rate
        (predictor,) = yield [recipe.change(init=source, encoder_rate=rate)]
        return predictor
