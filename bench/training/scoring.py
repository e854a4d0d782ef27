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


def class_mass(rows: Split) -> Tensor:
    """Rows per class (C,), float64, counted by the weights that came with the data, scaled to a mean of 1."""
    weight = None if rows.natural is None else rows.natural.double() / rows.natural.double().mean()
    return torch.bincount(rows.y, weights=weight, minlength=rows.n_classes).double()


def natural_prior(train: Split) -> Tensor:
    """The class prior (C,), float64, to which logits are corrected; a class without rows counts as half a row.

    That of the training rows, unless an imbalance was imposed on them: then their population's.
    """
    if train.population is not None:
        return train.population
    mass = class_mass(train).clamp_min(0.5)
    return mass / mass.sum()


def tie_break(logits: Tensor, validation: Split, natural: Tensor, prior: Tensor) -> float:
    """The plain log loss of prior-corrected logits (n, C): what decides between looks of one fit whose scores are 0.

    Where the classes of the validation rows are apart, every further look scores 0, the first as the hundredth; how far
    they are apart then says which is better.
    """
    own = logits.detach().double().cpu() + natural.log() - prior.log()
    losses = torch.nn.functional.cross_entropy(own, validation.y, reduction="none")
    if validation.natural is None:
        return float(losses.mean())
    weight = validation.natural.double()
    return float((weight * losses).sum() / weight.sum())


def score_logits(
    logits: Tensor, validation: Sequence[Split], naturals: Sequence[Tensor], priors: Sequence[Tensor]
) -> Tensor:
    """Scores (K,) of logits (K, n, C) in float64; NaN where some are not finite. Computed where the logits are.

    validation: each model's rows, n of them; naturals: the priors (C,) to correct to; priors: those that the logits
    embody. Rows count by the weights that came with the data.
    """
    weighted = [k for k, rows in enumerate(validation) if rows.natural is not None]
    if 0 < len(weighted) < len(validation):  # each as it would be alone
        scores = logits[:, 0, 0] * 0
        for ks in (weighted, [k for k in range(len(validation)) if k not in weighted]):
            own = [validation[k] for k in ks]
            scores[ks] = score_logits(logits[ks], own, [naturals[k] for k in ks], [priors[k] for k in ks])
        return scores
    labels = [rows.y for rows in validation]
    weights = [rows.natural.double() for rows in validation if rows.natural is not None]
    shift = torch.stack([a.log() - b.log() for a, b in zip(naturals, priors, strict=True)]).unsqueeze(1)
    corrected = logits + shift.to(logits.device)
    shared = all(y is labels[0] for y in labels)
    y = (labels[0].expand(len(labels), -1) if shared else torch.stack(labels)).to(logits.device)
    weight = torch.stack(weights).to(logits.device) if weights else None
    if logits.device.type != "cpu":
        return torch.as_tensor(refined_log_losses(corrected, y, weight))
    # Where numpy is the faster one, and exact to the bit.
    return torch.as_tensor(refined_log_losses(corrected.numpy(), y.numpy(), None if weight is None else weight.numpy()))
