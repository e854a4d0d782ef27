"""Numeric tables without files: Gaussian features, two imbalanced classes with a learnable border."""

from __future__ import annotations

from typing import Any

import torch

from strategies.spec import Features, Field, Recipe, Split


def numeric(rows: int, width: int = 32, seed: int = 0) -> Split:
    """Features (rows, width) float32, about one positive in ten."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, width, generator=g)
    border = torch.randn(width, generator=torch.Generator().manual_seed(1))
    score = x @ border / border.norm() + 0.5 * x[:, 0] * x[:, 1]
    score += torch.randn(rows, generator=g)
    y = (score > 2.0).long()
    return Split(Features((Field("numeric", "numeric", width=width),), {"numeric": x}), y, 2)


def recipe(train: Split, val: Split, model: Any, **fields: Any) -> Recipe:
    """A plain recipe over these rows."""
    return Recipe(train=train, val=val, model=model, **fields)
