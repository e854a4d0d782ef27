"""Recipes trained alone and as one stack, and a mixture of all that members of a stack may differ in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from bench.training.predictor import Fitted
from bench.training.stacking import signature
from bench.training.trainer import fit
from strategies.class_weights import ClassWeights
from strategies.focal import Focal
from strategies.oversample import Oversample
from strategies.spec import Recipe
from strategies.undersample import Undersample
from tests.conftest import CPU, Toy


def alone(recipe: Recipe) -> Fitted:
    """One recipe trained by itself."""
    (outcome,) = fit([recipe], CPU)
    assert isinstance(outcome, Fitted), outcome
    return outcome


def together(recipes: Sequence[Recipe]) -> list[Any]:
    """All of them in one stack, not one after another."""
    assert len({signature(r) for r in recipes}) == 1
    return fit(recipes, CPU)


def mixture(toy: Toy, dtype: torch.dtype, model: Any) -> list[Recipe]:
    """What may differ within a stack: sampler, weights, loss and its numbers, offset, seed, rates, start, patience."""
    base = toy.recipe(model=model, dtype=dtype, max_steps=60, eval_every=10, patience=100)
    start = alone(replace(base, seed=50, max_steps=10))
    classes = toy.train.n_classes
    return [
        base,
        replace(base, seed=11),
        replace(Oversample().prepare(base), seed=12),
        Undersample(ratio=0.5, redraw="once").prepare(base),
        ClassWeights(scheme="sqrt").prepare(replace(base, lr=0.003)),
        Focal(gamma=0.5, alpha="auto").prepare(base),
        Focal(gamma=5.0, prior_bias=False).prepare(replace(base, weight_decay=0.05)),
        base.change(offset=tuple(float(c) for c in range(classes))),
        replace(base, init=start, encoder_rate=0.0),
        replace(base, init=start, keep_head=True, encoder_rate=0.1, lr=0.05),
        replace(base, patience=1, lr=0.2, seed=13, decay=0.0),
    ]


def same(a: Fitted, b: Fitted) -> bool:
    """Every parameter, the curve and the notes, to the last bit."""
    states = [torch.equal(a.state[name], b.state[name]) for name in b.state]
    return all(states) and a.curve == b.curve and a.notes == b.notes and torch.equal(a.prior, b.prior)


class Pruned(Exception):
    """As Optuna's TrialPruned."""
