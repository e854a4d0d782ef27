"""A strategy: says what to train, and never how."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import ClassVar, TypeAlias

from strategies.predictor import Predictor
from strategies.recipe import Recipe

Training: TypeAlias = Generator[Sequence[Recipe], Sequence[Predictor], Predictor]


class Strategy:
    """A treatment of class imbalance. Subclasses are frozen dataclasses; their fields are the hyperparameters.

    Most override `prepare` alone, a pure function of the recipe. `train` is a generator: it yields lists of recipes
    and is sent lists of predictors, so it says what to train and never how.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raised when a fix changes results: it is part of the run key
    owns: ClassVar[frozenset[str]] = frozenset()  # which of Recipe.OWNED it may set; clashes show when planning
    uses_extra: ClassVar[bool] = False  # labels or data beyond the target's own: marked on boards
    needs_encoder: ClassVar[bool] = False  # meaningless for a model without a representation
    needs_tokens: ClassVar[bool] = False  # meaningless for a model that does not read the tokens of an encoder
    moves_embeddings: ClassVar[bool] = False  # meaningless for a model that does not say where it embeds rows
    relabels: ClassVar[bool] = False  # trains (and validates) on finer labels of its own, mapped back in predictions
    in_batches: ClassVar[str] = ""  # what it does to batches, which models such as trees have none of, and the remedy

    @property
    def shifts(self) -> bool:
        """Whether it adds a constant to the logits of what was trained."""
        return False

    @property
    def forgets_shifts(self) -> bool:
        """Whether it leaves out such constants, which strategies listed after it have added."""
        return False

    @property
    def evens_out(self) -> bool:
        """Whether it draws as many rows of each class as of any other."""
        return False

    @property
    def only_evens_out(self) -> bool:
        """Whether it does nothing but bring classes nearer to equal numbers of rows."""
        return False

    def alternatives(self) -> frozenset[str]:
        """Names of strategies of which it applies each without the others, so that these cannot clash."""
        return frozenset()

    def within(self, listed: frozenset[str]) -> tuple[Strategy, ...]:
        """Strategies that it carries out beside those `listed` in the stack: part of its key, bound by their rules."""
        return ()

    def fits(self) -> tuple[int, int]:
        """How many fits it asks for: in service of others (`Recipe.aside`), and of what is evaluated."""
        return 0, 1

    def prepare(self, recipe: Recipe) -> Recipe:
        """The recipe to train instead. Must not change its input."""
        return recipe

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        """The predictor to use instead; `recipe` is the one that `train` was given."""
        return predictor

    def train(self, recipe: Recipe) -> Training:
        """Yield what to train; return the predictor to evaluate.

        Raises:
            Inapplicable: the strategy has no meaning for this recipe.
        """
        (predictor,) = yield [self.prepare(recipe)]
        return self.posthoc(predictor, recipe)
