"""Labels and rows for tests of samplers and weights, and what imbalanced-learn makes of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch import Tensor

from strategies.spec import (
    Features,
    Field,
    Split,
)


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def labels(*counts: int) -> Tensor:
    """So many rows of each class, shuffled."""
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return y[torch.randperm(len(y), generator=gen(9))]


def numeric(y: Tensor, x: Tensor, n_classes: int) -> Split:
    """A split with one numeric field."""
    return Split(Features((Field("numeric", "numeric", width=x.shape[1]),), {"numeric": x}), y, n_classes)


def counts(rows: Tensor, y: Tensor) -> list[int]:
    return torch.bincount(y[rows]).tolist()


def imblearn_counts(sampler: type, y: Tensor, ratio: float) -> dict[int, int]:
    """What imbalanced-learn leaves of two classes; a ratio that they have already leaves them as they are."""
    n = Counter(y.tolist())
    if min(n.values()) / max(n.values()) >= ratio:
        return dict(n)
    try:
        _, drawn = sampler(sampling_strategy=ratio, random_state=0).fit_resample(np.zeros((len(y), 1)), y.numpy())
    except ValueError as error:  # the ratio asks for less than one row more or fewer
        if "The specified ratio required to" not in str(error):
            raise
        return dict(n)
    return dict(Counter(drawn.tolist()))
