"""The package's TabM behind the harness's contract: from Features to the logits of every member."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from strategies.spec import Features, Field, Inapplicable

if TYPE_CHECKING:
    from bench.models.tabm import TabM


class TabMModule(nn.Module):
    """Features of n rows -> (n, members, outputs)."""

    def __init__(self, settings: TabM, schema: tuple[Field, ...], outputs: int) -> None:
        """
        Raises:
            Inapplicable: a field is neither numbers nor categories.
        """
        super().__init__()
        import rtdl_num_embeddings  # type: ignore[import-untyped] # noqa: PLC0415 - extras, as the next
        import tabm  # type: ignore[import-untyped] # noqa: PLC0415

        if other := sorted({f.kind for f in schema} - {"numeric", "categorical"}):
            raise Inapplicable(f"model tabm takes numbers and categories, got {other[0]}; use model=mlp")
        self.numbers = [f.name for f in schema if f.kind == "numeric" and f.width]
        self.categories = [f.name for f in schema if f.kind == "categorical"]
        width = sum(f.width for f in schema if f.kind == "numeric")
        embeddings = None
        if width and settings.embedding:
            embeddings = rtdl_num_embeddings.PeriodicEmbeddings(
                width, settings.embedding, n_frequencies=settings.frequencies, lite=False
            )
        self.tabm = tabm.TabM.make(
            n_num_features=width,
            cat_cardinalities=[size for f in schema if f.kind == "categorical" for size in f.sizes],
            d_out=outputs,
            num_embeddings=embeddings,
            k=settings.members,
            n_blocks=settings.blocks,
            d_block=settings.width,
            dropout=settings.dropout,
        )

    def forward(self, x: Features) -> Tensor:
        out: Tensor = self.tabm(joined(x, self.numbers), joined(x, self.categories))
        return out


def joined(x: Features, names: list[str]) -> Tensor | None:
    """Dense fields beside one another (n, width); None without any."""
    columns = [x.columns[name] for name in names]
    dense = [column for column in columns if isinstance(column, Tensor)]
    return torch.cat(dense, 1) if dense else None
