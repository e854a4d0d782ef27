"""bf16 where it is asked for: the matrix products of training steps, and nothing else."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from strategies.spec import Recipe


def products(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    """Within it, products of encoder and head take and give bf16 where the recipe says so; it can be entered again.

    Parameters, their gradients, sums over bags of words, losses and the optimiser stay float32, and no loss needs
    scaling: bf16 has float32's range.
    """
    if recipe.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
