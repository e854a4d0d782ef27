"""Fused AdamW over stacked parameters: every member at its own rate, and to the last bit what it would be alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import torch
from torch import Tensor, nn

from strategies.spec import Recipe

TABLE_EPS = 5e-3
"""AdamW's epsilon for tables: rare terms must not take full-size steps on one example.

Objectives are divided by their scale (bench.training.scale), so that it means the same for every strategy. Chosen in
results/data/defaults-study.md.
"""
_DENSE_EPS = 1e-8
_FIXED = (".slope", ".offset")  # ends of names of parameters that never learn (bench.models.parts.piecewise)
_BETAS = (0.9, 0.999)
_VECTOR = 64
"""The kernel treats what is left over after whole vectors by other instructions, which round differently.

A tensor of a multiple of so many numbers has no such rest, whatever the processor's vectors.
"""


@dataclass(frozen=True)
class Rate:
    """What decides a step: learning rate, decay, epsilon."""

    lr: float
    decay: float
    eps: float


@dataclass
class RateGroup:
    """Tensors that step at one rate: whole stacks, or one member's slice of them (`members`, else None)."""

    owners: list[nn.Parameter] = field(default_factory=list)
    members: list[int | None] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    first: list[Tensor] = field(default_factory=list)
    second: list[Tensor] = field(default_factory=list)


class StackedAdamW:
    """AdamW (Loshchilov & Hutter 2019) by torch's fused kernel, called without the bookkeeping of `torch.optim`.

    That bookkeeping costs more than the step itself where models are small. Moments are stacked beside the
    parameters, so that they survive a member's leaving.
    """

    def __init__(self) -> None:
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.groups: dict[Rate, RateGroup] = {}
        self.trainable: dict[str, bool] = {}  # whether a parameter wants to be trained at all
        self.steps = torch.zeros(())

    def arrange(
        self, parameters: Mapping[str, nn.Parameter], recipes: Sequence[Recipe], factors: Sequence[float]
    ) -> None:
        """Sort parameters by rate, times each member's factor.

        A stack of one rate stays whole, unless slices of it would round differently.
        """
        self.groups = {}
        for name, p in parameters.items():
            rates = [rate(name, recipe, factor) for recipe, factor in zip(recipes, factors, strict=True)]
            p.grad = None
            wanted = self.trainable.setdefault(name, p.requires_grad)
            p.requires_grad_(wanted and any(r.lr for r in rates))
            if not p.requires_grad:
                continue
            self.steps = self.steps.to(p.device)
            if name not in self.moments:
                self.moments[name] = (torch.zeros_like(p.data), torch.zeros_like(p.data))
            whole = len(set(rates)) == 1 and (len(rates) == 1 or not p[0].numel() % _VECTOR)
            for k, r in enumerate(rates[:1] if whole else rates):
                if r.lr:
                    self.enlist(self.groups.setdefault(r, RateGroup()), name, p, None if whole else k)

    def enlist(self, group: RateGroup, name: str, p: nn.Parameter, member: int | None) -> None:
        """Add a parameter, or one member's slice of it, to a group."""
        at = slice(None) if member is None else member
        group.owners.append(p)
        group.members.append(member)
        group.values.append(p.data[at])
        group.first.append(self.moments[name][0][at])
        group.second.append(self.moments[name][1][at])

    def keep(self, members: list[int]) -> None:
        """Drop the moments of all other members; `arrange` must follow."""
        self.moments = {n: (a[members].contiguous(), b[members].contiguous()) for n, (a, b) in self.moments.items()}

    @torch.no_grad()
    def step(self) -> None:
        """One step of every member; gradients are used up."""
        self.steps += 1
        slices: dict[int, tuple[Tensor, ...]] = {}
        for r, group in self.groups.items():
            found = list(gradients(group, slices))
            grads = [grad for grad in found if grad is not None]
            values, first, second = group.values, group.first, group.second
            if len(grads) < len(found):  # an ordinary module's parameter took no part: it stays, as torch leaves it
                took_part = [grad is not None for grad in found]
                values, first, second = (list(compress(part, took_part)) for part in (values, first, second))
            torch._fused_adamw_(
                values,
                grads,
                first,
                second,
                [],
                [self.steps] * len(grads),
                lr=r.lr,
                weight_decay=r.decay,
                eps=r.eps,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                amsgrad=False,
                maximize=False,
            )
        for group in self.groups.values():
            for p in group.owners:
                p.grad = None


def rate(name: str, recipe: Recipe, schedule: float = 1.0) -> Rate:
    """The rate of one parameter of a member."""
    if name.endswith(_FIXED):
        return Rate(0.0, 0.0, _DENSE_EPS)
    factor = recipe.encoder_rate if name.startswith("encoder.") else 1.0
    own = getattr(recipe.model, "rate_of", None)  # of models with parameters that are to move more slowly
    factor *= 1.0 if own is None else own(name)
    return Rate(recipe.lr * factor * schedule, recipe.weight_decay, TABLE_EPS if ".tables." in name else _DENSE_EPS)


def gradients(group: RateGroup, slices: dict[int, tuple[Tensor, ...]]) -> Iterator[Tensor | None]:
    """The gradients that belong to a group's tensors; `slices` are those of single members, made once a step."""
    for p, k in zip(group.owners, group.members, strict=True):
        if k is None or p.grad is None:
            yield p.grad
            continue
        if id(p) not in slices:  # the hash of a parameter takes longer
            slices[id(p)] = p.grad.unbind(0)
        yield slices[id(p)][k]
