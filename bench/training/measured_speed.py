"""How many recipes are worth training together on this machine: a few steps of theirs, timed alone and as stacks.

A step of a small model is mostly the cost of starting its forty operations, which a stack pays once for all members;
of a large one it is the arithmetic, which a stack only moves out of the cache. Where one ends and the other begins, and
how large a stack is best, depends on the model, the batch, the data (text gains a third at most) and the processor, so
that it is measured: on two cores (`make bench`, rows `stacking`) from 16 times as fast down to half as fast.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from itertools import cycle, islice

import torch

from bench.training.fit import Fit
from strategies.spec import Recipe

SIZES = (4, 16, 64)  # members that are tried; between two of them the gain changes little
_GAIN = 1.5  # times as fast a stack must be: it holds back the records of all its members, and may lose them
STEPS, ROUNDS = 6, 2  # steps at a time, as rows are gathered for several; the faster round counts: others are disturbed

MEASURED: dict[Hashable, float] = {}  # seconds a step of so many such recipes takes here


def worthwhile(recipes: Sequence[Recipe], kind: Hashable, device: torch.device) -> int:
    """How many of these recipes, all of one kind, to train as one stack; 1 where none is worth it.

    Sizes are tried from below as long as the gain grows.
    """
    best, gain = 1, 1.0
    for size in [s for s in SIZES if s < 2 * len(recipes)] if len(recipes) >= SIZES[0] else [len(recipes)]:
        now = size * _step_seconds(recipes, 1, kind, device) / _step_seconds(recipes, size, kind, device)
        if not now > max(gain, _GAIN):  # nor where neither could be measured
            return best
        best, gain = size, now
    return len(recipes) if len(recipes) <= 2 * best else best


def _step_seconds(recipes: Sequence[Recipe], members: int, kind: Hashable, device: torch.device) -> float:
    """Seconds of one step of a stack, measured once per process; infinity where these recipes cannot be trained."""
    key = (kind, members, device)
    if key not in MEASURED:
        MEASURED[key] = measured(list(islice(cycle(recipes), members)), device)
    return MEASURED[key]


def measured(recipes: list[Recipe], device: torch.device) -> float:
    """Seconds of a step. What is drawn for these steps is drawn again when the recipes are trained."""
    try:
        stack = Fit(recipes, device)
        stack.begin()
        stack.advance(1)  # the first costs more
        spent = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            stack.advance(STEPS)
            spent.append(time.perf_counter() - began)
    except Exception:
        return float("inf")  # whoever trains them learns why
    return min(spent) / STEPS
