"""Two small tables with every kind of field, a real signal and imbalance; one CPU thread; the trainer in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import Tensor

from bench.models.mlp import MLP
from bench.training.fit import Fit
from bench.training.trainer import Outcome, drive
from strategies.predictor import Predictor
from strategies.spec import Bag, Features, Field, Recipe, Split, Training

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

CPU = torch.device("cpu")
SCHEMA = (
    Field("numeric", "numeric", width=3),
    Field("categorical", "categorical", sizes=(4, 3), width=2),
    Field("text", "bag", sizes=(30,)),
)


@dataclass(frozen=True, eq=False)
class Toy:
    """A table split for training, and what a recipe over it starts from."""

    train: Split
    val: Split
    extra: Mapping[str, tuple[Split, Split]] = field(default_factory=dict)

    def recipe(self, **fields: Any) -> Recipe:
        """A short one; `fields` replace what it has."""
        short: dict[str, Any] = {"model": MLP(dim=8), "batch_size": 32, "max_steps": 6, "eval_every": 3, "seed": 3}
        own = {"train": self.train, "val": self.val, "extra": self.extra, "default_source": "other"}
        return Recipe(**(own | short | fields))


@dataclass(frozen=True, eq=False)
class ToyTexts:
    """Texts of the rows of a bag: each of its terms is a word, `w7`."""

    bag: Bag

    def of(self, row: int) -> list[str]:
        start, end = self.bag.offsets[row : row + 2].tolist()
        return [f"w{i}" for i in self.bag.ids[start:end].tolist()]

    def shown(self, texts: Sequence[Sequence[str]]) -> Mapping[str, Tensor | Bag]:
        ids = torch.tensor([int(word[1:]) for text in texts for word in text], dtype=torch.int32)
        offsets = torch.tensor([0, *(len(text) for text in texts)]).cumsum(0).int()
        return {"text": Bag(ids, torch.ones(len(ids)), offsets)}


def table(prior: Sequence[float], n_train: int = 240, n_val: int = 120, seed: int = 0) -> Toy:
    """Rows whose numbers, categories and words all depend on the class, and a second label that does so too."""
    g = torch.Generator().manual_seed(seed)
    classes, n = len(prior), n_train + n_val
    y = torch.multinomial(torch.tensor(prior), n, replacement=True, generator=g)
    y[:classes] = torch.arange(classes)  # every class is there, in training and in validation
    y[n_train : n_train + classes] = torch.arange(classes)
    centre = torch.randn(classes, 3, generator=g)
    numeric = centre[y] + torch.randn(n, 3, generator=g)
    noise = torch.rand(n, 2, generator=g)
    first = torch.where(noise[:, 0] < 0.5, y % 4, (noise[:, 1] * 4).long())
    categorical = torch.stack([first, (torch.rand(n, generator=g) * 3).long()], 1)
    count = torch.randint(0, 6, (n,), generator=g)  # some rows have no word at all
    offsets = torch.zeros(n + 1, dtype=torch.int32)
    offsets[1:] = count.cumsum(0)
    words = torch.randint(0, 30, (int(offsets[-1]),), generator=g)
    marked = torch.rand(len(words), generator=g) < 0.3
    words = torch.where(marked, torch.repeat_interleave(y, count) * 3, words).int()
    x = Features(
        SCHEMA,
        {
            "numeric": numeric.float(),
            "categorical": categorical,
            "text": Bag(words, torch.rand(len(words), generator=g) + 0.1, offsets),
        },
    )
    other = (numeric[:, 0] > 1).long() + (numeric[:, 1] > 1.5).long()
    rows = {"train": torch.arange(n_train), "val": torch.arange(n_train, n)}
    part = {name: x.take(at) for name, at in rows.items()}
    train, val = (Split(part[name], y[at], classes) for name, at in rows.items())
    words_of = part["train"].columns["text"]
    assert isinstance(words_of, Bag)
    groups = [torch.arange(len(at)) % 12 // 5 for at in rows.values()]  # of different sizes
    train, val = replace(train, texts=ToyTexts(words_of), group=groups[0]), replace(val, group=groups[1])
    source = tuple(Split(part[name], other[at], 3, places=torch.arange(len(at))) for name, at in rows.items())
    return Toy(train, val, {"other": (source[0], source[1])})


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def binary() -> Toy:
    """One row in eight is positive."""
    return table((0.875, 0.125))


@pytest.fixture(scope="session")
def multi() -> Toy:
    """Four classes, a long tail."""
    return table((0.6, 0.25, 0.1, 0.05), seed=1)


def outcomes(trainings: Sequence[Training], stack: int = 1) -> list[Outcome]:
    """What the trainer makes of each: a predictor, or the exception that ended it."""
    found: dict[int, Outcome] = {}
    drive(trainings, found.__setitem__, device=CPU, stack=stack)
    return [found[i] for i in range(len(trainings))]


def trained(training: Training) -> Predictor:
    """The predictor of one training; raises what it raised."""
    (outcome,) = outcomes([training])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def asking(*recipes: Recipe) -> Training:
    """A training that asks for these recipes and returns the last one's predictor."""
    got = yield list(recipes)
    return got[-1]


def logits(training: Training, split: Split) -> Tensor:
    """Logits of one training on the rows of a split."""
    return trained(training).logits(split.x)


def dense(x: Features) -> Tensor:
    """All fields as one float64 matrix, by Python loops: an oracle for everything that is linear in the features."""
    columns: list[list[float]] = []
    for i in range(len(x)):
        row: list[float] = []
        for f in x.schema:
            value = x.columns[f.name]
            if isinstance(value, Bag):
                terms = [0.0] * f.sizes[0]
                for at in range(int(value.offsets[i]), int(value.offsets[i + 1])):
                    terms[int(value.ids[at])] += float(value.weights[at])
                row += terms
            elif f.kind == "categorical":
                for size, code in zip(f.sizes, value[i].tolist(), strict=True):
                    row += [float(code == c) for c in range(size)]
            else:
                row += value[i].tolist()
        columns.append(row)
    return torch.tensor(columns, dtype=torch.float64)


def tell_of_stacks(monkeypatch: pytest.MonkeyPatch, told: Callable[[list[Recipe]], None]) -> None:
    """From now on `told` gets the recipes of each stack before it is trained; what it raises is the stack's error."""
    real = Fit.begin

    def telling(self: Fit) -> None:
        told([m.recipe for m in self.members])
        real(self)

    monkeypatch.setattr(Fit, "begin", telling)
