"""Which token was it? A network whose head guesses the masked tokens of its encoder's text (Devlin et al. 2019)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - the name that torch users know
from torch import Tensor, nn

from bench.models.parts.layers import Layer
from bench.models.parts.network import Network
from bench.models.parts.ordinary import Ordinary
from strategies.spec import Features

_SPREAD, _EPS = 0.02, 1e-12  # BERT's: of initial weights, and of its normalised layers


class _TokenScores(Layer):
    """States (1, M, d) and the encoder's table of tokens (1, V, e) -> scores (1, M, V).

    The head of BERT's masked language model: a layer, GELU, normalisation, then the product with the table, which
    learns here too, and a bias a token.
    """

    def __init__(self, states: int, tokens: int, width: int) -> None:
        """states: d; tokens: V; width: e, of the table."""
        super().__init__()
        self.dense = nn.Parameter(torch.empty(1, states, width))
        self.dense_bias = nn.Parameter(torch.empty(1, 1, width))
        self.norm = nn.Parameter(torch.empty(1, 1, width))
        self.norm_bias = nn.Parameter(torch.empty(1, 1, width))
        self.bias = nn.Parameter(torch.empty(1, 1, tokens))

    def reset(self, k: int, generator: torch.Generator) -> None:
        self.dense.data[k] = torch.randn(self.dense.shape[1:], generator=generator) * _SPREAD
        self.norm.data[k] = 1
        for part in (self.dense_bias, self.norm_bias, self.bias):
            part.data[k] = 0

    def forward(self, states: Tensor, table: Tensor) -> Tensor:
        h = F.gelu(torch.baddbmm(self.dense_bias, states, self.dense))
        h = F.layer_norm(h, h.shape[-1:], eps=_EPS) * self.norm + self.norm_bias
        return torch.baddbmm(self.bias, h, table.mT)


class TokenNetwork(Network):
    """An encoder of text and `_TokenScores` over the states of the tokens that a batch names as masked."""

    def __init__(self, encoder: Ordinary, states: int) -> None:
        """encoder: of a module with `table`, its table of tokens; states: d, the size of its states."""
        tokens, width = cast(Tensor, encoder.module.table).shape[-2:]
        super().__init__(encoder, _TokenScores(states, tokens, width))

    def forward(self, x: Features) -> Tensor:
        """Features of B rows of which M tokens are masked -> (1, M, V)."""
        encoder = cast(Ordinary, self.encoder)
        out: Tensor = self.head(encoder.alone(x).unsqueeze(0), encoder.module.table)
        return out
