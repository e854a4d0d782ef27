"""How good a model is on validation rows while it trains: one score for networks and estimators alike.

The score is the log loss of the prior-corrected logits at their best temperature (Berta et al. 2025, "refine, then
calibrate"), which does not punish reweighted or focal training for its scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from bench.evaluation.temperature import refined_log_losses
from strategies.predictor import Predictor
from strategies.spec import Recipe, Split

Outcome: TypeAlias = Predictor | Exception

ScoreListener: TypeAlias = Callable[[Recipe, int, float], None]
"""Told (recipe, step, validation score) at each look; an exception that it raises ends that fit (pruning)."""


class Diverged(RuntimeError):
    """A model's outputs became infinite or NaN."""


def diverged(steps: int) -> Diverged:
    """What to say of a model whose outputs are no longer finite."""
    return Diverged(f"the model's outputs are no longer finite after {steps} steps; lower train.lr")


def natural_prior(train: Split) -> Tensor:
    """Class shares of the training rows (C,), float64; a class without rows counts as half a row."""
    counts = torch.bincount(train.y, minlength=train.n_classes).double().clamp_min(0.5)
    return counts / counts.sum()


def score_logits(
    logits: Tensor, labels: Sequence[Tensor], naturals: Sequence[Tensor], priors: Sequence[Tensor]
) -> Tensor:
    """Scores (K,) of logits (K, n, C) in float64; NaN where some are not finite. Computed where the logits are.

    labels: each model's (n,); naturals: the priors (C,) to correct to; priors: those that the logits embody.
    """
    shift = torch.stack([a.log() - b.log() for a, b in zip(naturals, priors, strict=True)]).unsqueeze(1)
    corrected = logits + shift.to(logits.device)
    shared = all(y is labels[0] for y in labels)
    y = (labels[0].expand(len(labels), -1) if shared else torch.stack(list(labels))).to(logits.device)
    on_cpu = logits.device.type == "cpu"  # where numpy is the faster one, and exact to the bit
    return torch.as_tensor(refined_log_losses(*((corrected.numpy(), y.numpy()) if on_cpu else (corrected, y))))
