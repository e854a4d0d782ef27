"""Which models there are, and what each must offer."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from strategies.registry import Registry

if TYPE_CHECKING:
    from strategies.spec import CosineHead, Field, LinearHead


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


MODELS: Registry[Model] = Registry("model", "bench.models", "imbench.models")
