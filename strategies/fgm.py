"""Train on each row twice: as it is, and with its embedding moved a small step in the direction that hurts most.

The fast gradient method on embeddings (Miyato et al. 2017, arXiv:1605.07725, eq. 1-4 and 7): the loss is the mean of
l(h) and l(h + r), with r = ε ‖h‖ g / ‖g‖ and g the gradient of the row's loss on its embedding h; r is a constant to
the optimiser. The paper normalises its embeddings so that they cannot outgrow a step of fixed length; here the step is
in lengths of the row's own embedding. A regularisation of networks that is listed beside treatments of imbalance.
What is moved: with `text_transformer` the embeddings of a text's tokens, all together; with `mlp` the sum of the
embeddings of a row's columns. `linear` and `tabm` have no such place, trees no gradient: not for them.
Suggested values: epsilon .01-.1 on text (the 5 of the authors' code is about .02 of the length of 400 words), .1-.5 on
tables; 0 is off.
Effect: no pure shift of the prior: read the recalibrated view. A step costs twice as much, and counts as one. Combines
badly with: `mixup` and strong dropout (regularised enough).
Published: lower error in text classification, with few labels and with all. Here: on ten sets of tables
nothing was gained (one of them with text, in the model of tables); a pretrained encoder was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from strategies.spec import Recipe, Strategy


@dataclass(frozen=True)
class FGM(Strategy):
    """Adversarial steps of length `epsilon`, in lengths of each row's embedding (0 is off)."""

    name = "fgm"
    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < 10:
            raise ValueError(f"fgm epsilon: expected a number in [0, 10), got {self.epsilon}; 0 is off")

    @property
    def moves_embeddings(self) -> bool:  # type: ignore[override]
        return self.epsilon > 0

    def prepare(self, recipe: Recipe) -> Recipe:
        return replace(recipe, adversarial=self.epsilon, prior_exact=False) if self.epsilon > 0 else recipe
