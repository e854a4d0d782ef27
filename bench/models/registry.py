"""Which models there are: the modules of this package that hold one class with that name."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import bench.models
from strategies.registry import unknown
from strategies.spec import CosineHead, Field, LinearHead

PARTS = frozenset({"layers", "network", "registry"})


class Model(Protocol):
    """A frozen dataclass of hyperparameters that builds networks."""

    name: ClassVar[str]
    version: ClassVar[int]
    has_encoder: ClassVar[bool]

    def build(
        self, members: int, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int, rows: int
    ) -> Any:
        """A `Network` of K members."""

    def structure(self) -> Hashable:
        """What models must share to train as one stack: all that decides shapes."""

    def numbers(self, n_classes: int, rows: int) -> Any:
        """The `Numbers` in which members of a stack may differ; `rows` is the number of training rows."""


class UnknownModel(ValueError):
    """No model of that name."""


def names() -> tuple[str, ...]:
    """All registered names, sorted. Imports nothing."""
    return tuple(sorted({m.name for m in pkgutil.iter_modules(bench.models.__path__)} - PARTS))


def get(name: str) -> type[Model]:
    """The model class of a name.

    Raises:
        UnknownModel: there is none; suggests the nearest.
    """
    if name not in names():
        raise UnknownModel(unknown("model", name, names()))
    module = importlib.import_module(f"bench.models.{name}")
    (found,) = [v for v in vars(module).values() if isinstance(v, type) and v.__dict__.get("name") == name]
    return cast("type[Model]", found)


def card(name: str) -> str:
    """The docstring of the model's module, read without importing it."""
    spec = importlib.util.find_spec(f"bench.models.{name}")
    assert spec is not None
    assert spec.origin is not None
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
