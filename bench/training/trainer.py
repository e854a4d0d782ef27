"""Drives strategies: collects the recipes that they ask for, trains each distinct one once, hands predictors back."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.trainer.connectors import callback_connector

from bench.training.fit import Diverged, Fit, Watch
from bench.training.stacking import Stack, room, signature
from strategies.spec import Predictor, Recipe, Training, answer

__all__ = ["Diverged", "Outcome", "drive", "fit", "pick_device"]

Outcome = Predictor | Exception
LOGGER = logging.getLogger("pytorch_lightning")


def pick_device(wanted: str = "auto") -> torch.device:
    """The device of that name; auto: the GPU where there is one that Lightning can drive, else the CPU."""
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def fit(recipes: Sequence[Recipe], device: torch.device, watch: Watch | None = None) -> list[Outcome]:
    """Train recipes of one signature as one stack; a diverged member is an exception in its place."""
    module = Fit(recipes, device, watch)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # Lightning's advice on loaders, workers and loggers that we leave out on purpose
        if LOGGER.level != logging.ERROR:  # setting it anew clears the cache of every logger
            LOGGER.setLevel(logging.ERROR)
        with no_foreign_callbacks():
            trainer = pl.Trainer(
                accelerator="gpu" if device.type == "cuda" else "cpu", devices=1, max_epochs=1, logger=False,
                enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                use_distributed_sampler=False, deterministic="warn", plugins=[LightningEnvironment()],
            )  # fmt: skip
        trainer.fit(module, range(1))  # one turn of its loop: all of training
    return [m.outcome if m.outcome is not None else RuntimeError("training ended early") for m in module.members]


@contextmanager
def no_foreign_callbacks() -> Iterator[None]:
    """Lightning adds callbacks of any installed package that declares some; results must not depend on these.

    Looking for them reads the metadata of every package, at every fit: the half of what a Trainer costs.
    """
    search = "_load_external_callbacks"
    found = getattr(callback_connector, search, None)
    if found is None:  # another version of Lightning: slower, and otherwise the same
        yield
        return
    setattr(callback_connector, search, lambda _group: [])
    try:
        yield
    finally:
        setattr(callback_connector, search, found)


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
    trained: dict[Recipe, Outcome] = {}
    waiting: dict[int, Pending] = {}

    def advance(i: int, training: Training, step: Callable[[], Sequence[Recipe]]) -> None:
        try:
            waiting[i] = Pending(training, checked(step()))
        except StopIteration as stop:
            waiting.pop(i, None)
            done(i, stop.value)
        except Exception as error:
            waiting.pop(i, None)
            done(i, error)

    upcoming = list(enumerate(trainings))
    while upcoming or waiting:
        while upcoming and (stack not in (1, "off") or not waiting):
            i, training = upcoming.pop(0)
            began(i)
            advance(i, training, lambda t=training: next(t))  # type: ignore[misc]
        missing = {ask: None for p in waiting.values() for ask in p.asks if ask not in trained}
        if missing:
            first = next(iter(missing))
            batch = [r for r in missing if signature(r) == signature(first)]
            batch = batch[: room(batch, device, stack)]
            watch = None
            if watches:
                watch = spread(
                    {r: [watches[i] for i, p in waiting.items() if i in watches and r in p.asks] for r in batch}
                )
            trained.update(zip(batch, attempt(batch, device, watch), strict=True))
        for i, pending in list(waiting.items()):
            if all(ask in trained for ask in pending.asks):
                advance(i, pending.training, answer(pending.training, [trained[a] for a in pending.asks]))


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


def attempt(recipes: list[Recipe], device: torch.device, watch: Watch | None) -> list[Outcome]:
    """Train; where a stack fails as a whole (memory, an error of one member), halve it until the culprit is alone."""
    try:
        return fit(recipes, device, watch)
    except Exception as error:
        if len(recipes) == 1:
            return [error]
    # Only here, after the exception and the stack that its traceback holds are gone, is their memory free again.
    if device.type == "cuda":
        torch.cuda.empty_cache()
    half = len(recipes) // 2
    return attempt(recipes[:half], device, watch) + attempt(recipes[half:], device, watch)
