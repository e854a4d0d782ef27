"""Embeddings of every field summed into `dim` dimensions, hidden layers beside them, and a head over both.

Numbers enter through a matrix, categories and tf-idf weighted terms through tables. Without hidden layers it is a
factorised linear model, which on text equals logistic regression on tf-idf.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from strategies.spec import CosineHead, Field, LinearHead

if TYPE_CHECKING:
    from bench.models.parts.network import MemberSettings, Network


@dataclass(frozen=True, kw_only=True)
class MLP:
    """`dim` of the embedding, sizes of the `hidden` layers, `dropout` rate before the head and each hidden layer."""

    name: ClassVar[str] = "mlp"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = True
    dim: int = 32
    hidden: tuple[int, ...] = ()
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.dim < 1 or any(h < 1 for h in self.hidden) or not 0 <= self.dropout < 1:
            raise ValueError(f"model mlp: expected dim >= 1, hidden sizes >= 1 and dropout in [0, 1), got {self}")

    def build_stack(
        self, members: int, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int
    ) -> Network:
        """A network of K members; parameters are not initialised."""
        from bench.models.parts.layers import FieldSum, Hidden  # noqa: PLC0415 - torch; a plan reads the fields only
        from bench.models.parts.network import Network, made_head  # noqa: PLC0415

        width = self.dim + (self.hidden[-1] if self.hidden else 0)
        encoder = Hidden(members, FieldSum(members, schema, self.dim, spread=0.01), self.dim, self.hidden, self.dropout)
        return Network(encoder, made_head(members, width, head, n_classes))

    def stacks_with(self) -> Hashable:
        """What members of a stack share; the dropout rate is each one's own."""
        return self.name, self.dim, self.hidden

    def member_settings(self, n_classes: int, rows: int) -> MemberSettings:
        """The dropout rate."""
        from bench.models.parts.network import MemberSettings  # noqa: PLC0415 - torch

        return MemberSettings(dropout=self.dropout)
