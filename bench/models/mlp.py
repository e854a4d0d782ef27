"""Embeddings of every field summed into `dim` dimensions, hidden layers beside them, and a head over both.

Numbers enter through a matrix and, between the quantiles of their training values, as lines with bends; categories and
tf-idf weighted terms through tables. What enters goes to the head directly, and through hidden layers beside that.

Tables get a hidden layer unless the configuration says otherwise, tables with text do not: without one the model is a
factorised linear model, which on text equals logistic regression on tf-idf and beats hidden layers. The record says
what a table got (`traits.model`). How the defaults were chosen: results/data/defaults-study.md.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from strategies.features import EMBEDDING
from strategies.spec import CosineHead, Field, LinearHead

if TYPE_CHECKING:
    from bench.models.parts.network import MemberSettings, Network


HIDDEN_OF_TABLES = (64,)  # without text, unless others are asked for


@dataclass(frozen=True, kw_only=True)
class MLP:
    """`dim` of the embedding, sizes of the `hidden` layers (None: by the data), `bins` between quantiles of each number
    (0: numbers enter as straight lines only), `dropout` rate before the head and each hidden layer."""

    name: ClassVar[str] = "mlp"
    version: ClassVar[int] = 2
    has_encoder: ClassVar[bool] = True
    embeds: ClassVar[bool] = True
    dim: int = 32
    hidden: tuple[int, ...] | None = None
    bins: int = 4
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.dim < 1 or any(h < 1 for h in self.hidden or ()) or self.bins < 0 or not 0 <= self.dropout < 1:
            raise ValueError(
                f"model mlp: expected dim >= 1, hidden sizes >= 1, bins >= 0 and dropout in [0, 1), got {self}"
            )

    def build_stack(
        self, members: int, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int
    ) -> Network:
        """A network of K members; parameters are not initialised."""
        from bench.models.parts.layers import FieldSum, Hidden  # noqa: PLC0415 - torch; a plan reads the fields only
        from bench.models.parts.network import Network, made_head  # noqa: PLC0415
        from bench.models.parts.piecewise import Piecewise  # noqa: PLC0415

        hidden = self.layers(schema)
        width = self.dim + (hidden[-1] if hidden else 0)
        base = FieldSum(members, schema, self.dim, spread=0.01)
        numeric = next((f for f in schema if f.kind == "numeric" and f.name != EMBEDDING), None)
        bends = Piecewise(members, numeric, self.bins, self.dim) if numeric is not None and self.bins else None
        encoder = Hidden(members, base, self.dim, hidden, self.dropout, beside=bends)
        return Network(encoder, made_head(members, width, head, n_classes))

    def layers(self, schema: tuple[Field, ...]) -> tuple[int, ...]:
        """Sizes of the hidden layers: as asked for, else one where there is no text."""
        if self.hidden is not None:
            return self.hidden
        return () if any(f.kind == "bag" or f.name == EMBEDDING for f in schema) else HIDDEN_OF_TABLES

    def resolved(self, schema: tuple[Field, ...]) -> dict[str, object]:
        """What the data decided, for the record."""
        return {"hidden": list(self.layers(schema))}

    def stacks_with(self) -> Hashable:
        """What members of a stack share; the dropout rate is each one's own."""
        return self.name, self.dim, self.hidden, self.bins

    def member_settings(self, n_classes: int, rows: int) -> MemberSettings:
        """The dropout rate."""
        from bench.models.parts.network import MemberSettings  # noqa: PLC0415 - torch

        return MemberSettings(dropout=self.dropout)
