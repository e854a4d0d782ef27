"""The module of `text_transformer`: states of a transformer, averaged, and a layer over dense columns."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from bench.pretrained import fresh_transformer, load_transformer
from strategies.spec import Features, Field

_TOKENS = 4096  # read at once, padding included: bounds memory, and on a CPU more gains nothing


class TextAndBeside(nn.Module):
    """Features of B rows -> (B, hidden size + beside): the mean of the text's last states, and dense columns.

    body: the transformer. Padding is at the end of a row, and known by the transformer's own number for it.
    """

    def __init__(
        self, schema: tuple[Field, ...], longest: int, beside: int, dropout: float, *, pretrained: bool
    ) -> None:
        super().__init__()
        text = next(f for f in schema if f.origin)
        self.text, self.longest = text.name, longest
        self.body = (load_transformer if pretrained else fresh_transformer)(Path(text.origin))
        self.padding = self.body.config.pad_token_id or 0
        self.dense = [f.name for f in schema if f.kind == "numeric"]
        inputs = sum(f.width for f in schema if f.kind == "numeric")
        self.beside = nn.Sequential(nn.Linear(inputs, beside), nn.ReLU()) if inputs else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Features) -> Tensor:
        """(B, width)."""
        tokens = x.columns[self.text]
        assert isinstance(tokens, Tensor)
        parts = [self.read(tokens[:, : self.longest])]
        if self.beside is not None:
            dense = [value for name in self.dense if isinstance(value := x.columns[name], Tensor)]
            parts.append(self.beside(torch.cat(dense, 1).to(parts[0].dtype)))
        out: Tensor = self.dropout(torch.cat(parts, 1))
        return out

    def read(self, tokens: Tensor) -> Tensor:
        """The mean state of each row's tokens (B, hidden size), in groups of like length."""
        lengths = (tokens != self.padding).sum(1).clamp_min(1)
        order = lengths.argsort(descending=True)
        longest = lengths[order].tolist()
        groups, start = list[Tensor](), 0
        while start < len(order):
            size = max(1, _TOKENS // longest[start] if not self.training else len(order) // 4)
            rows = order[start : start + size]
            groups.append(self.states(tokens[rows, : longest[start]], lengths[rows]))
            start += size
        return torch.cat(groups)[order.argsort()]

    def states(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The mean of the last states of one group."""
        mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths.unsqueeze(1)
        states: Tensor = self.body(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return (states * mask.unsqueeze(-1)).sum(1) / lengths.unsqueeze(-1)
