"""A trained model: its logits, the class prior that they embody, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from strategies.features import Features

if TYPE_CHECKING:
    from torch import Tensor


class Inapplicable(Exception):
    """The strategy has no meaning here (no source to transfer from, no encoder to pretrain): skipped, not failed."""


@dataclass(frozen=True)
class Cost:
    """What a prediction took: fits, optimiser steps, seconds of training, and among how many these were shared.

    Seconds of fits that trained as one stack are equal shares; `together` is the largest number of fits in a stack.
    """

    fits: int = 0
    steps: int = 0
    seconds: float = 0.0
    together: int = 1

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.fits + other.fits,
            self.steps + other.steps,
            self.seconds + other.seconds,
            max(self.together, other.together),
        )


class Predictor:
    """A trained model: logits for any features of its schema, and the class prior that these embody."""

    prior: Tensor  # (C,) float64, sum 1
    prior_exact: bool
    cost: Cost
    notes: Mapping[str, float]

    def logits(self, x: Features) -> Tensor:
        """(n, C)."""
        raise NotImplementedError

    def encode(self, x: Features) -> Tensor:
        """(n, d): the representation under the head."""
        raise NotImplementedError

    def head(self) -> tuple[Tensor, Tensor]:
        """The last layer, where it is affine: directions (d, C) and bias (C,) over `encode`.

        Raises:
            Inapplicable: there is none.
        """
        raise Inapplicable("the last layer: expected a network with a linear head; use model=mlp")

    @property
    def where(self) -> torch.device:
        """Where it computes. What it returns is on the CPU; work on that can be sent there too."""
        return torch.device("cpu")

    def shift(self, delta: Tensor) -> Predictor:
        """Add `delta` (C,) to the logits, which multiplies the embodied prior by exp(delta)."""
        return Shifted(self, delta.double())

    def corrected(self, prior: Tensor) -> Predictor:
        """The same model under another class prior (Saerens et al. 2002, eq. 4)."""
        return self.shift(prior.double().log() - self.prior.double().log())


class Derived(Predictor):
    """What another predictor makes of its outputs: cost, notes, device and representation are those of `base`."""

    base: Predictor

    @property
    def cost(self) -> Cost:  # type: ignore[override]
        return self.base.cost

    @property
    def notes(self) -> Mapping[str, float]:  # type: ignore[override]
        return self.base.notes

    @property
    def where(self) -> torch.device:
        return self.base.where

    def encode(self, x: Features) -> Tensor:
        return self.base.encode(x)


@dataclass(frozen=True, eq=False)
class Shifted(Derived):
    """`base` with a constant added to its logits."""

    base: Predictor
    delta: Tensor

    @property
    def prior(self) -> Tensor:  # type: ignore[override]
        return (self.base.prior.double().log() + self.delta).softmax(0)

    @property
    def prior_exact(self) -> bool:  # type: ignore[override]
        return self.base.prior_exact

    def logits(self, x: Features) -> Tensor:
        z = self.base.logits(x)
        return z.double() + self.delta.to(z.device)

    def head(self) -> tuple[Tensor, Tensor]:
        weight, bias = self.base.head()
        return weight, bias.double() + self.delta.to(bias.device)


@dataclass(frozen=True, eq=False)
class Costed(Predictor):
    """`base` charged with everything that was trained on its behalf."""

    base: Predictor
    cost: Cost
    notes: Mapping[str, float]

    @property
    def prior(self) -> Tensor:  # type: ignore[override]
        return self.base.prior

    @property
    def prior_exact(self) -> bool:  # type: ignore[override]
        return self.base.prior_exact

    @property
    def where(self) -> torch.device:
        return self.base.where

    def logits(self, x: Features) -> Tensor:
        return self.base.logits(x)

    def encode(self, x: Features) -> Tensor:
        return self.base.encode(x)

    def head(self) -> tuple[Tensor, Tensor]:
        return self.base.head()


@dataclass(frozen=True, eq=False)
class Mean(Predictor):
    """The average of several models' probabilities, each brought under the prior of the first before.

    Raises:
        ValueError: no models.
    """

    parts: tuple[Predictor, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("mean of predictors: expected at least one, got none")

    @property
    def prior(self) -> Tensor:  # type: ignore[override]
        return self.parts[0].prior

    @property
    def prior_exact(self) -> bool:  # type: ignore[override]
        return all(part.prior_exact for part in self.parts)

    @property
    def cost(self) -> Cost:  # type: ignore[override]
        return sum((part.cost for part in self.parts), Cost())

    @property
    def notes(self) -> Mapping[str, float]:  # type: ignore[override]
        return self.parts[0].notes

    @property
    def where(self) -> torch.device:
        return self.parts[0].where

    def logits(self, x: Features) -> Tensor:
        """Log of the mean probability (n, C), float64."""
        same = [part.corrected(self.prior) for part in self.parts]
        log_p = torch.stack([part.logits(x).double().log_softmax(-1) for part in same])
        return log_p.logsumexp(0) - math.log(len(self.parts))

    def encode(self, x: Features) -> Tensor:
        """Several models have no common encoding.

        Raises:
            TypeError: always.
        """
        raise TypeError("encode: expected one trained model, got a mean of several, which have no common encoding")
