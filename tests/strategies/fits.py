"""Strategies driven to a trained network, and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bench.training.predictor import Fitted
from strategies.predictor import Predictor
from strategies.spec import (
    Recipe,
    Strategy,
)
from strategies.stack import Chain
from tests.conftest import asking, trained


def run(parts: Sequence[Strategy], recipe: Recipe) -> Predictor:
    return trained(Chain(tuple(parts)).train(recipe))


def fitted(predictor: Any) -> Fitted:
    """The trained network under wrappers."""
    while not isinstance(predictor, Fitted):
        predictor = predictor.base
    return predictor


def bits(state: Any, prefix: str = "") -> dict[str, Tensor]:
    """A copy of the parameters under a prefix."""
    return {k: v.clone() for k, v in state.items() if k.startswith(prefix)}


def identical(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return bool(a) and a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def converge(recipe: Recipe, rates: Sequence[float] = (0.1, 0.01, 0.001, 1e-4), steps: int = 700) -> Predictor:
    """Full-batch training to the optimum: ever smaller steps, each stage continuing the last one's parameters."""
    full: dict[str, Any] = {"batch_size": len(recipe.train), "max_steps": steps, "eval_every": steps, "select": "last"}
    predictor: Predictor | None = None
    for lr in rates:
        stage = replace(recipe, **full, lr=lr, init=predictor, keep_head=predictor is not None)
        predictor = trained(asking(stage))
    assert predictor is not None
    return predictor
