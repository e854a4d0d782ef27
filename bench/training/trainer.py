"""Drives strategies: collects the recipes that they ask for, trains each distinct one once, hands predictors back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from bench.training.attempts import Stack, Stacks, fits
from bench.training.lightning import train_all
from bench.training.logs import CellLog
from bench.training.scoring import Diverged, Outcome, ScoreListener
from bench.training.stacking import StackSize, check_stackable, members_that_fit, signature
from strategies.spec import Recipe, Training
from strategies.stack import answer

if TYPE_CHECKING:
    from pytorch_lightning import Callback

__all__ = ["Diverged", "Outcome", "drive", "fit", "pick_device"]


def pick_device(wanted: str = "auto") -> torch.device:
    """The device of that name; auto: the GPU where there is one that Lightning can drive, else the CPU."""
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def fit(
    recipes: Sequence[Recipe],
    device: torch.device,
    listener: ScoreListener | None = None,
    callbacks: Sequence[Callback] = (),
) -> list[Outcome]:
    """Train recipes of one signature as one stack; a failed member is an exception in its place.

    callbacks: of Lightning's; each look is a training batch to them.
    """
    outcomes: list[Outcome] = []

    def only() -> Stacks:
        outcomes.extend((yield Stack(list(recipes), listener)))

    train_all(fits(only(), device), device, callbacks)
    return outcomes


@dataclass
class Pending:
    """One strategy waiting for its recipes."""

    training: Training
    asks: Sequence[Recipe]


def drive(
    trainings: Sequence[Training],
    done: Callable[[int, Outcome], None],
    *,
    device: torch.device,
    stack: StackSize = "off",
    began: Callable[[int], None] = lambda i: None,
    watches: Mapping[int, ScoreListener] | None = None,
    logs: Mapping[int, CellLog] | None = None,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Run strategies to their end; `done(i, predictor or exception)` is called as each one finishes.

    `watches[i]` is told of the looks of every recipe that strategy i asked for, and so is `logs[i]`, which may be
    there from `began(i)` on only. `callbacks` are Lightning's.

    Equal recipes are trained once. With `stack` off (or 1) one strategy is finished before the next is begun; with a
    number, up to so many compatible recipes of all strategies train together; with auto, as many as pay
    (`stacking.members_that_fit`). A failing recipe raises inside its own strategy and stops nobody else.
    """
    if trainings:
        logs = {} if logs is None else logs
        driver = StrategyDriver(list(enumerate(trainings)), done, began, device, stack, watches or {}, logs)
        train_all(fits(driver.stacks(), device), device, callbacks, logs)


@dataclass
class StrategyDriver:
    """Strategies under way: each asks for recipes, and for more, or ends, once it has its answers."""

    upcoming: list[tuple[int, Training]]
    done: Callable[[int, Outcome], None]
    began: Callable[[int], None]
    device: torch.device
    stack: StackSize
    watches: Mapping[int, ScoreListener]
    logs: Mapping[int, CellLog]
    trained: dict[Recipe, Outcome] = field(default_factory=dict)
    waiting: dict[int, Pending] = field(default_factory=dict)

    @property
    def one_by_one(self) -> bool:
        """Whether nothing trains together."""
        return self.stack in (1, "off")

    def stacks(self) -> Stacks:
        """What is to be trained next, until all have ended."""
        while self.upcoming or self.waiting:
            while self.upcoming and not (self.one_by_one and self.waiting):
                i, training = self.upcoming.pop(0)
                self.began(i)
                self.advance(i, training, lambda t=training: next(t))  # type: ignore[misc]
            missing = {ask: None for p in self.waiting.values() for ask in p.asks if ask not in self.trained}
            if missing:
                first = next(iter(missing))
                batch = [r for r in missing if signature(r) == signature(first)]
                batch = batch[: members_that_fit(batch, self.device, self.stack)]
                self.trained.update(zip(batch, (yield self.stack_of(batch)), strict=True))
            for i, p in list(self.waiting.items()):
                if all(ask in self.trained for ask in p.asks):
                    self.advance(i, p.training, answer(p.training, [self.trained[a] for a in p.asks]))

    def advance(self, i: int, training: Training, step: Callable[[], Sequence[Recipe]]) -> None:
        """Let a strategy go on to its next recipes or its end."""
        try:
            self.waiting[i] = Pending(training, self.checked(step()))
        except StopIteration as stop:
            self.waiting.pop(i, None)
            self.done(i, stop.value)
        except Exception as error:
            self.waiting.pop(i, None)
            self.done(i, error)
        else:
            if i in self.logs:
                self.logs[i].asked(self.waiting[i].asks, self.trained)

    def stack_of(self, batch: Sequence[Recipe]) -> Stack:
        """Recipes to train together, and who asked for each."""
        owners = {r: [i for i, p in self.waiting.items() if r in p.asks] for r in batch}
        told: list[Mapping[int, ScoreListener]] = [self.watches, {i: log.look for i, log in self.logs.items()}]
        listeners = {r: [part[i] for part in told for i in who if i in part] for r, who in owners.items()}
        asked = tuple(dict.fromkeys(i for who in owners.values() for i in who))
        return Stack(batch, spread(listeners) if any(listeners.values()) else None, asked)

    def checked(self, asks: Sequence[Recipe]) -> Sequence[Recipe]:
        """What a strategy yielded, if it can be trained.

        Raises:
            TypeError: it is not a list of recipes, a recipe holds what cannot be compared (a list for a tuple, say), or
                its model says that it stacks and does not.
        """
        if isinstance(asks, Recipe) or not all(isinstance(ask, Recipe) for ask in asks):
            raise TypeError(f"a strategy's train: expected to yield a list of recipes, got {type(asks).__name__}")
        for ask in asks:
            hash(ask)
            signature(ask)
            if not self.one_by_one:
                check_stackable(ask)
        return asks


def spread(owners: Mapping[Recipe, Sequence[ScoreListener]]) -> ScoreListener:
    """Tells everyone who asked for a recipe, then lets the first objection end it: equal recipes have equal curves."""

    def tell(recipe: Recipe, step: int, score: float) -> None:
        objections = []
        for told in owners[recipe]:
            try:
                told(recipe, step, score)
            except Exception as objection:
                objections.append(objection)
        if objections:
            raise objections[0]

    return tell
