"""Numbers as positions between the quantiles of their column: a straight line becomes a line with bends."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bench.models.parts.layers import Layer
from strategies.spec import Features, Field

_SEEN = 1 << 16  # training rows that quantiles are taken of, at most: their error is then below half a hundredth


class Piecewise(Layer):
    """Piecewise linear encoding (Gorishniy et al. 2022, arXiv:2203.05556, eq. 1) of all numeric columns, then a matrix.

    Bin t of a column runs between neighbouring quantiles a, b of its training values; a value x fills clip((x - a) /
    (b - a), 0, 1) of it. (features of K·B rows) -> (K, B, width). Beyond the outer quantiles nothing changes: a
    straight line through the column, which the model has beside this, goes on there. The matrix starts at zero, the
    model thus as the one without bends.
    """

    def __init__(self, members: int, field: Field, bins: int, width: int) -> None:
        super().__init__()
        self.field, self.bins = field, bins
        # Parameters that never learn: like all others they have the axis of members, and are kept with the best step.
        self.slope = nn.Parameter(torch.empty(members, field.width, bins), requires_grad=False)
        self.offset = nn.Parameter(torch.empty(members, field.width, bins), requires_grad=False)
        self.tables = nn.Parameter(torch.empty(members, field.width * bins, width))

    def reset(self, k: int, generator: torch.Generator) -> None:
        self.tables.data[k] = 0
        self.slope.data[k], self.offset.data[k] = 0, 0

    def fit(self, k: int, x: Features) -> None:
        """Place member k's bins by its training rows; bins between equal quantiles stay empty."""
        values = x.columns[self.field.name]
        assert isinstance(values, Tensor)
        step = math.ceil(len(values) / _SEEN)
        levels = torch.linspace(0, 1, self.bins + 1, dtype=torch.float64)
        edges = torch.quantile(values[::step].double(), levels, dim=0).T  # (columns, bins + 1)
        size = edges.diff(dim=1)
        slope = torch.where(size > 1e-6, 1 / size.clamp_min(1e-6), 0.0)
        self.slope.data[k] = slope.to(self.slope.dtype)
        self.offset.data[k] = (-edges[:, :-1] * slope).to(self.slope.dtype)

    def forward(self, x: Features) -> Tensor:
        values = x.columns[self.field.name]
        assert isinstance(values, Tensor)
        rows = values.view(len(self.slope), -1, values.shape[-1], 1)
        filled = torch.addcmul(self.offset.unsqueeze(1), rows, self.slope.unsqueeze(1)).clamp_(0, 1)
        return torch.bmm(filled.flatten(2), self.tables)
