"""The module of `text_transformer`: states of a transformer, averaged, and a layer over dense columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.models.parts.embedding_place import EmbeddingPlace
from bench.pretrained import fresh_transformer, load_transformer
from strategies.features import MASKED
from strategies.spec import Features, Field

_TOKENS = 4096  # read at once, padding included: bounds memory, and on a CPU more gains nothing


class TextAndBeside(nn.Module):
    """Features of B rows -> (B, hidden size + beside): the mean of the text's last states, and dense columns.

    Of a batch with masked tokens (MASKED), the last states of these alone, row by row.
    body: the transformer. Padding is at the end of a row, and known by the transformer's own number for it.
    """

    def __init__(
        self, schema: tuple[Field, ...], longest: int, beside: int, dropout: float, *, pretrained: bool
    ) -> None:
        super().__init__()
        text = next(f for f in schema if f.origin)
        self.text, self.longest = text.name, longest
        self.body = (load_transformer if pretrained else fresh_transformer)(Path(text.origin))
        self.place = EmbeddingPlace(row_axes=1)
        self.body.get_input_embeddings().register_forward_hook(lambda module, given, out: self.place(out))
        self.padding = self.body.config.pad_token_id or 0
        self.dense = [f.name for f in schema if f.kind == "numeric"]
        inputs = sum(f.width for f in schema if f.kind == "numeric")
        self.beside = nn.Sequential(nn.Linear(inputs, beside), nn.ReLU()) if inputs else None
        self.dropout = nn.Dropout(dropout)

    @property
    def table(self) -> Tensor:
        """The transformer's table of tokens (V, e)."""
        found: Tensor = self.body.get_input_embeddings().weight
        return found

    @property
    def states_width(self) -> int:
        """Of the transformer's states."""
        return int(self.body.config.hidden_size)

    def forward(self, x: Features) -> Tensor:
        """(B, width); with masked tokens (M, hidden size)."""
        tokens, masked = x.columns[self.text], x.columns.get(MASKED)
        assert isinstance(tokens, Tensor)
        if isinstance(masked, Tensor):
            return self.read_masked(tokens[:, : self.longest], masked[:, : self.longest])
        parts = [self.read(tokens[:, : self.longest])]
        if self.beside is not None:
            dense = [value for name in self.dense if isinstance(value := x.columns[name], Tensor)]
            parts.append(self.beside(torch.cat(dense, 1).to(parts[0].dtype)))
        out: Tensor = self.dropout(torch.cat(parts, 1))
        return out

    def read(self, tokens: Tensor) -> Tensor:
        """The mean state of each row's tokens (B, hidden size)."""
        found, order = list[Tensor](), list[Tensor]()
        for rows, states, there in self.groups(tokens):
            found.append((states * there.unsqueeze(-1)).sum(1) / there.sum(1, keepdim=True))
            order.append(rows)
        return torch.cat(found)[torch.cat(order).argsort()]

    def read_masked(self, tokens: Tensor, masked: Tensor) -> Tensor:
        """The states of the masked tokens (M, hidden size), in the order of rows and of tokens."""
        number = masked.flatten().cumsum(0).view(masked.shape)
        found, order = list[Tensor](), list[Tensor]()
        for rows, states, there in self.groups(tokens):
            here = masked[rows, : there.shape[1]]
            found.append(states[here])
            order.append(number[rows, : there.shape[1]][here])
        return torch.cat(found)[torch.cat(order).argsort()]

    def groups(self, tokens: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Rows in groups of like length: which (b,), their last states (b, l, d), where tokens are (b, l)."""
        lengths = (tokens != self.padding).sum(1).clamp_min(1)
        order = lengths.argsort(descending=True)
        longest = lengths[order].tolist()
        start = 0
        while start < len(order):
            size = max(1, _TOKENS // longest[start] if not self.training else len(order) // 4)
            rows = order[start : start + size]
            own = tokens[rows, : longest[start]]
            there = torch.arange(own.shape[1], device=own.device) < lengths[rows].unsqueeze(1)
            states: Tensor = self.body(input_ids=own, attention_mask=there.long()).last_hidden_state
            yield rows, states, there
            start += size
