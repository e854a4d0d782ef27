"""How many recipes train as one stack: where it pays, where results stay the same to the last bit, within memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch

from bench.models.parts.build import build_network, stacks_with
from bench.models.parts.laws import check_stacking, trains_stacked
from bench.models.registry import kind
from bench.training.batches import VALIDATION_ROWS
from bench.training.measured_speed import worthwhile
from strategies.spec import Recipe

StackSize: TypeAlias = int | Literal["auto", "off"]

SHARE = {"cpu": 0.4, "cuda": 0.8}  # of the memory that is free now


def signature(recipe: Recipe) -> tuple[Any, ...]:
    """What recipes must share to train as one stack."""
    of_model = (type(recipe.model), stacks_with(recipe.model))
    of_data = (recipe.train.x.schema, recipe.train.n_classes)
    of_steps = (recipe.batch_size, recipe.dtype, recipe.precision, recipe.eval_every)
    of_batches = (bool(recipe.augment), bool(recipe.adversarial))
    return *of_model, *of_data, recipe.head, *of_steps, *of_batches


def check_stackable(recipe: Recipe) -> None:
    """Refuse a network that says that it stacks, and does not.

    Raises:
        Unstackable: its members or rows touch one another.
    """
    if kind(recipe.model) == "stackable":
        check_stacking(recipe.model, recipe.train.x.schema, recipe.head, recipe.train.n_classes)


def members_that_fit(recipes: Sequence[Recipe], device: torch.device, stack: StackSize) -> int:
    """How many of these, all of one signature, to train together. A number of one's own is bounded by memory only.

    On a GPU auto takes all that fit, on a CPU as many as were measured to be faster together. Estimators train one by
    one, and so do ordinary modules where `torch.func` cannot take several at once, or would be slower: on a CPU.
    """
    if stack in (1, "off") or len(recipes) == 1:
        return 1
    first, on_cpu = recipes[0], device.type == "cpu"
    try:
        which = kind(first.model)
        alone = which == "ordinary" and (bool(first.adversarial) or (stack == "auto" and on_cpu))
        if which == "estimator" or alone:
            return 1
        fitting = int(free_memory(device) / footprint(first, device))
        most = max(1, min(len(recipes), fitting, *([] if stack == "auto" else [int(stack)])))
        if which == "ordinary" and most > 1:
            return most if trains_stacked(first.model, first.train.x.schema, first.head, first.train.n_classes) else 1
        if stack == "auto" and on_cpu and most > 1:
            most = worthwhile(recipes[:most], _timing(first), device)
            return most if most == 1 or exact(first, most) else 1
    except Exception:  # of a model that these data are not for, say: alone each learns why
        return 1
    return most


def _timing(recipe: Recipe) -> Hashable:
    """What decides how long a step takes: recipes of one kind are measured once."""
    parts = [type(part) for part in (recipe.loss, *recipe.sampler, *recipe.augment)]
    return signature(recipe), *parts, recipe.train.weight is None


def shapes(recipe: Recipe) -> dict[str, tuple[int, int, int]]:
    """Shapes (1, inputs, outputs) of one member's parameters, by name."""
    r = recipe
    with torch.device("meta"):
        network = build_network(r.model, 1, r.train.x.schema, r.head, r.train.n_classes)
    named = ((name, p) for name, p in network.named_parameters() if p.dim() > 1)
    return {name: (1, max(1, p[0].numel() // p.shape[-1]), p.shape[-1]) for name, p in named}


def exact(recipe: Recipe, members: int) -> bool:
    """Whether this machine's matrix products give a member of a stack the very bits that it would have alone.

    All else that a stack computes is per element or per row (sums of table rows too); batched products are the
    library's business, so they are tried at the shapes of the model.
    """
    steps = torch.bfloat16 if recipe.precision == "bf16" else recipe.dtype
    look = min(len(recipe.val), VALIDATION_ROWS["cpu"])
    tables = tuple(f".tables.{f.name}" for f in recipe.train.x.schema if f.kind != "numeric")
    factors = {(a, b) for name, (_, a, b) in shapes(recipe).items() if a > 1 and not name.endswith(tables)}
    return all(
        equal_products(a, b, rows, members, dtype)
        for a, b in factors
        for rows, dtype in ((recipe.batch_size, steps), (look, recipe.dtype))
    )


@lru_cache(maxsize=256)
def equal_products(inputs: int, outputs: int, rows: int, members: int, dtype: torch.dtype) -> bool:
    """The products of a layer, forward and backward, as a stack (which shrinks as members end) and one by one."""
    g = torch.Generator().manual_seed(0)
    for k in {members, (members + 1) // 2, 2}:
        w, b = (torch.randn(k, n, outputs, generator=g, dtype=dtype) for n in (inputs, 1))
        x, up = (torch.randn(k, rows, d, generator=g, dtype=dtype) for d in (inputs, outputs))
        stacked = _of_layer(x, w, b, up)
        for i in range(k):
            alone = _of_layer(*(t[i : i + 1].clone() for t in (x, w, b, up)))
            if not all(torch.equal(s[i], a[0]) for s, a in zip(stacked, alone, strict=True)):
                return False
    return True


def _of_layer(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, up: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Forward, gradients of the weights, the inputs and the bias."""
    return torch.baddbmm(b, x, w), torch.bmm(x, w), torch.bmm(x.mT, up), torch.bmm(up, w.mT), up.sum(1, keepdim=True)


def footprint(recipe: Recipe, device: torch.device) -> float:
    """Bytes that one more member needs: parameters, their gradients and moments, best weights, a step, a look, rows.

    Of a look's logits there are some copies in float64: corrected, scaled, their probabilities.
    """
    size = torch.empty((), dtype=recipe.dtype).element_size()
    parameters = shapes(recipe).values()
    numbers, widths = sum(a * b for _, a, b in parameters), sum(b for _, a, b in parameters if a > 1)
    widths += sum(f.width for f in recipe.train.x.schema if f.kind == "numeric")
    look = min(len(recipe.val), VALIDATION_ROWS.get(device.type, VALIDATION_ROWS["cpu"]))
    # A value of a layer lives with its gradient and what the activation, dropout and concatenation keep of it.
    live = 4 * widths * recipe.batch_size + 2 * widths * look
    scoring = 8 * 8 * recipe.train.n_classes * len(recipe.val)
    return float(size * (5 * numbers + live) + scoring + 24 * len(recipe.train))


def free_memory(device: torch.device) -> float:
    """Bytes that a stack may take."""
    if device.type == "cuda":
        return SHARE["cuda"] * torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return float(1 << 30)  # not Linux: a gigabyte is there
    available = next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), 1 << 20)
    return SHARE["cpu"] * 1024 * available
