"""How strategies compose: generators advanced in lockstep, and a stack as one strategy."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeAlias, cast

from strategies.predictor import Cost, Costed, Predictor
from strategies.recipe import Recipe
from strategies.strategy import Strategy, Training

Nested: TypeAlias = Generator[Sequence[Recipe], Sequence[Predictor], "list[Predictor | Exception]"]


def lockstep(trainings: Sequence[Training]) -> Nested:
    """Advance many generators together; each ends in its predictor or its exception, and none stops the others."""
    outcome: dict[int, Predictor | Exception] = {}
    asks: dict[int, Sequence[Recipe]] = {}

    def advance(i: int, step: Callable[[], Sequence[Recipe]]) -> None:
        try:
            asks[i] = step()
        except StopIteration as stop:
            outcome[i] = stop.value
        except Exception as error:
            outcome[i] = error

    for i, training in enumerate(trainings):
        advance(i, lambda t=training: next(t))  # type: ignore[misc]
    while asks:
        todo, asks = asks, {}
        got = iter((yield [recipe for recipes in todo.values() for recipe in recipes]))
        for i, recipes in todo.items():
            advance(i, answer(trainings[i], [next(got) for _ in recipes]))
    return [outcome[i] for i in range(len(trainings))]


def answer(training: Training, got: Sequence[Predictor | Exception]) -> Callable[[], Sequence[Recipe]]:
    """The step that sends predictors into a generator, or raises the first failure inside it."""
    failure = next((p for p in got if isinstance(p, Exception)), None)
    if failure is not None:
        return lambda: training.throw(failure)
    return lambda: training.send(cast("Sequence[Predictor]", got))


def _own_cost(made: Predictor, handed: Sequence[Predictor]) -> Cost:
    """What a strategy's predictor took beside those that it was handed, which are charged already.

    `made` may combine several (dataclass fields that hold predictors, or sequences of them). Of a combination that is
    what it says beyond its parts, and what its parts took that were not handed over.
    """
    if any(made is one for one in handed):
        return Cost()
    parts = _parts_of(made)
    within = sum((part.cost for part in parts), Cost())
    beyond = Cost(
        max(0, made.cost.fits - within.fits), max(0, made.cost.steps - within.steps),
        max(0.0, made.cost.seconds - within.seconds), made.cost.together,
    )  # fmt: skip
    return sum((_own_cost(part, handed) for part in parts), beyond)


def _parts_of(made: Predictor) -> list[Predictor]:
    """The predictors that one is made of, each once."""
    found: dict[int, Predictor] = {}
    names: list[str] = [f.name for f in fields(made)] if is_dataclass(made) else []
    for name in names:
        value = getattr(made, name)
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, Predictor):
                found[id(part)] = part
    return list(found.values())


def _fits_of(parts: Sequence[Strategy]) -> int:
    """Of a stack: each fit that the first asks for is as many as the rest ask for."""
    if not parts:
        return 1
    first, rest = parts[0], parts[1:]
    apart = first.alternatives()
    if not apart:
        aside, others = first.fits()
        return aside + others * _fits_of(rest)
    own = {one.name: one for one in first.within(frozenset(part.name for part in rest))}
    each = ([own[name]] if name in own else [] for name in apart)
    return sum(
        _fits_of([*voter, *(part for part in rest if part.name == name or part.name not in apart)])
        for name, voter in zip(apart, each, strict=True)
    )


@dataclass(frozen=True)
class Chain(Strategy):
    """A stack of strategies. The first listed is outermost: what it asks for is trained by the rest.

    So preparation runs in listed order and post-hoc steps in reverse. Every fit made on the way is charged to the
    predictor that comes out.
    """

    parts: tuple[Strategy, ...]

    @property
    def fits_in_all(self) -> int:
        """How many fits it asks for, those in service of others included; the fewest, where that hangs on the data."""
        return _fits_of(self.parts)

    @property
    def label(self) -> str:
        """`undersample+focal`; the name on boards."""
        return "+".join(part.name for part in self.parts) or "none"

    def train(self, recipe: Recipe) -> Training:
        if not self.parts:
            (predictor,) = yield [recipe]
            return predictor
        outer, rest = self.parts[0], self.parts[1:]
        if outer.name in recipe.passing:
            return (yield from Chain(rest).train(recipe))
        listed = frozenset(part.name for part in rest)
        training = outer.train(replace(recipe, by=outer.name, listed=listed))
        cost, notes, handed = Cost(), dict[str, float](), list[Predictor]()
        step: Callable[[], Sequence[Recipe]] = lambda: next(training)  # noqa: E731 - replaced by `answer` below
        while True:
            try:
                asks = step()
            except StopIteration as stop:
                made = cast(Predictor, stop.value)
                return Costed(made, cost + _own_cost(made, handed), notes)
            got = yield from lockstep([Chain(() if ask.auxiliary else rest).train(ask) for ask in asks])
            for ask, trained in zip(asks, got, strict=True):
                if not isinstance(trained, Exception):
                    cost += trained.cost
                    handed.append(trained)
                    notes.update({} if ask.auxiliary else trained.notes)
            step = answer(training, got)
