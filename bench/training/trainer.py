"""Drives strategies: collects the recipes that they ask for, trains each distinct one once, hands predictors back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from traceback import clear_frames

import torch

from bench.training.fit import Diverged, Fit, Outcome, Watch
from bench.training.lightning import Stacks, train_all
from bench.training.stacking import Stack, room, signature
from strategies.spec import Recipe, Training
from strategies.stack import answer

__all__ = ["Diverged", "Outcome", "drive", "fit", "pick_device"]


def pick_device(wanted: str = "auto") -> torch.device:
    """The device of that name; auto: the GPU where there is one that Lightning can drive, else the CPU."""
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def fit(recipes: Sequence[Recipe], device: torch.device, watch: Watch | None = None) -> list[Outcome]:
    """Train recipes of one signature as one stack; a failed member is an exception in its place."""
    outcomes: list[Outcome] = []

    def only() -> Stacks:
        outcomes.extend((yield list(recipes), watch))

    train_all(only(), partial(attempt, device), device)
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
    stack: Stack = "off",
    began: Callable[[int], None] = lambda i: None,
    watches: Mapping[int, Watch] | None = None,
) -> None:
    """Run strategies to their end; `done(i, predictor or exception)` is called as each one finishes.

    `watches[i]` is told of the looks of every recipe that strategy i asked for.

    Equal recipes are trained once. With `stack` off (or 1) one strategy is finished before the next is begun; with a
    number, up to so many compatible recipes of all strategies train together; with auto, as many as pay
    (`stacking.room`). A failing recipe raises inside its own strategy and stops nobody else.
    """
    if trainings:
        driver = Driver(list(enumerate(trainings)), done, began, device, stack, watches or {})
        train_all(driver.stacks(), partial(attempt, device), device)


@dataclass
class Driver:
    """Strategies under way: each asks for recipes, and for more, or ends, once it has its answers."""

    upcoming: list[tuple[int, Training]]
    done: Callable[[int, Outcome], None]
    began: Callable[[int], None]
    device: torch.device
    stack: Stack
    watches: Mapping[int, Watch]
    trained: dict[Recipe, Outcome] = field(default_factory=dict)
    waiting: dict[int, Pending] = field(default_factory=dict)

    def stacks(self) -> Stacks:
        """What is to be trained next, until all have ended."""
        while self.upcoming or self.waiting:
            while self.upcoming and (self.stack not in (1, "off") or not self.waiting):
                i, training = self.upcoming.pop(0)
                self.began(i)
                self.advance(i, training, lambda t=training: next(t))  # type: ignore[misc]
            missing = {ask: None for p in self.waiting.values() for ask in p.asks if ask not in self.trained}
            if missing:
                first = next(iter(missing))
                batch = [r for r in missing if signature(r) == signature(first)]
                batch = batch[: room(batch, self.device, self.stack)]
                self.trained.update(zip(batch, (yield batch, self.watch(batch)), strict=True))
            for i, p in list(self.waiting.items()):
                if all(ask in self.trained for ask in p.asks):
                    self.advance(i, p.training, answer(p.training, [self.trained[a] for a in p.asks]))

    def advance(self, i: int, training: Training, step: Callable[[], Sequence[Recipe]]) -> None:
        """Let a strategy go on to its next recipes or its end."""
        try:
            self.waiting[i] = Pending(training, checked(step()))
        except StopIteration as stop:
            self.waiting.pop(i, None)
            self.done(i, stop.value)
        except Exception as error:
            self.waiting.pop(i, None)
            self.done(i, error)

    def watch(self, batch: Sequence[Recipe]) -> Watch | None:
        """Tells the watches of all who asked for a recipe."""
        if not self.watches:
            return None
        asked = {i: p.asks for i, p in self.waiting.items() if i in self.watches}
        return spread({r: [self.watches[i] for i, asks in asked.items() if r in asks] for r in batch})


def spread(owners: Mapping[Recipe, Sequence[Watch]]) -> Watch:
    """Tells everyone who asked for a recipe, then lets the first objection end it: equal recipes have equal curves."""

    def watch(recipe: Recipe, step: int, score: float) -> None:
        objections = []
        for told in owners[recipe]:
            try:
                told(recipe, step, score)
            except Exception as objection:
                objections.append(objection)
        if objections:
            raise objections[0]

    return watch


def checked(asks: Sequence[Recipe]) -> Sequence[Recipe]:
    """What a strategy yielded, if it can be trained.

    Raises:
        TypeError: it is not a list of recipes, or a recipe holds what cannot be compared (a list for a tuple, say).
    """
    if isinstance(asks, Recipe) or not all(isinstance(ask, Recipe) for ask in asks):
        raise TypeError(f"a strategy's train: expected to yield a list of recipes, got {type(asks).__name__}")
    for ask in asks:
        hash(ask)
        signature(ask)
    return asks


def attempt(device: torch.device, recipes: list[Recipe], watch: Watch | None) -> list[Outcome]:
    """Train; where a stack fails as a whole (memory, an error of one member), halve it until the culprit is alone."""
    try:
        return Fit(recipes, device, watch).run()
    except Exception as error:
        clear_frames(error.__traceback__)  # which hold the model, its data and its moments
        failed = error
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if len(recipes) == 1:
        return [failed]
    half = len(recipes) // 2
    return attempt(device, recipes[:half], watch) + attempt(device, recipes[half:], watch)
