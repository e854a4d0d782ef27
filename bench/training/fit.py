"""The one LightningModule: trains K recipes as one stacked model whose members never touch one another.

One `training_step` runs many minibatches by manual optimisation, up to the next evaluation: Lightning's cost per step
is then paid once per evaluation. Validation, early stopping and best weights are each member's own; a finished member
leaves the stack.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias, cast

import pytorch_lightning as pl
import torch
from torch import Tensor

from bench.calibration import refined_log_loss
from bench.models.network import Network
from bench.training.predictor import Fitted
from bench.training.rows import RowStream
from strategies.spec import Cost, Features, Loss, Predictor, Recipe

TABLE_EPS = 1e-3  # AdamW's epsilon for embedding tables: rare terms must not take full-size steps on one example
DENSE_EPS = 1e-8


class Diverged(RuntimeError):
    """A member's outputs became infinite or NaN."""


Watch: TypeAlias = Callable[[Recipe, int, float], None]
"""Told (recipe, step, validation score) at each look; an exception that it raises ends that member (pruning)."""


@dataclass(eq=False)
class Member:
    """One recipe in training."""

    recipe: Recipe
    stream: RowStream
    noise: torch.Generator
    augmenting: torch.Generator
    natural: Tensor
    best_score: float = math.inf
    best_step: int = -1
    best_state: dict[str, Tensor] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    outcome: Predictor | Exception | None = None


def stack_losses(losses: Sequence[Loss]) -> list[tuple[list[int], Loss]]:
    """Losses of one type become one call: fields that differ are stacked, (K, 1) for numbers, (K, 1, C) for tuples."""
    groups: dict[type, list[int]] = {}
    for k, loss in enumerate(losses):
        groups.setdefault(type(loss), []).append(k)
    stacked: list[tuple[list[int], Loss]] = []
    for members in groups.values():
        first: Any = losses[members[0]]
        changes: dict[str, Tensor] = {}
        for f in fields(first):
            values = [getattr(losses[k], f.name) for k in members]
            if any(v != values[0] for v in values):
                value = torch.tensor(values, dtype=torch.float64)
                changes[f.name] = value.view(len(members), 1, *value.shape[1:])
        stacked.append((members, cast(Loss, replace(first, **changes))))
    return stacked


def place_loss(loss: Loss, device: torch.device, dtype: torch.dtype) -> Loss:
    """The loss with its stacked numbers where the outputs are."""
    tensors = {
        f.name: v.to(device, dtype) for f in fields(cast(Any, loss)) if isinstance(v := getattr(loss, f.name), Tensor)
    }
    return cast(Loss, replace(cast(Any, loss), **tensors)) if tensors else loss


class Fit(pl.LightningModule):
    """Trains recipes that share model, schema, head, classes, batch size and dtype (`signature`)."""

    def __init__(self, recipes: Sequence[Recipe], device: torch.device, watch: Watch | None = None) -> None:
        super().__init__()
        self.watch = watch
        self.automatic_optimization = False
        self.where = device
        self.steps_done = 0
        self.members = [self.enlist(recipe) for recipe in recipes]
        self.active = list(self.members)
        self.network = self.build(len(recipes)).to(recipes[0].dtype)
        for k, member in enumerate(self.members):
            member.stream.draw()
            self.network.start(k, member.recipe, member.stream.mass / member.stream.mass.sum())
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.placed: dict[int, Features] = {}

    def enlist(self, recipe: Recipe) -> Member:
        """A member before its first step."""
        counts = torch.bincount(recipe.train.y, minlength=recipe.train.n_classes).double().clamp_min(0.5)
        noise = torch.Generator(self.where).manual_seed(recipe.generator("noise").initial_seed())
        return Member(recipe, RowStream(recipe), noise, recipe.generator("augment"), counts / counts.sum())

    def build(self, members: int) -> Network:
        """The network for so many members, not initialised."""
        r = self.members[0].recipe
        network: Network = r.model.build(members, r.train.x.schema, r.head, r.train.n_classes, len(r.train))
        return network

    # What follows from who is still in the stack ---------------------------------------------------------------

    def regroup(self) -> None:
        """Pool the members' data on the device, stack their losses and offsets, renew the optimiser."""
        recipes = [m.recipe for m in self.active]
        device, dtype = self.where, recipes[0].dtype
        self.train_x, self.train_at = self.pool([r.train.x for r in recipes])
        labels = [r.train.y for r in recipes]
        shared = all(y is labels[0] for y in labels)
        self.train_y = [y.to(device) for y in (labels[:1] if shared else labels)]
        self.val_x, val_at = self.pool([r.val.x for r in recipes])
        longest = max(len(r.val) for r in recipes)
        rows = [torch.arange(longest).clamp(max=len(r.val) - 1) + at for r, at in zip(recipes, val_at, strict=True)]
        whole = len(recipes) == 1
        self.val_batch = self.val_x if whole else self.val_x.take(torch.cat(rows).to(device))
        self.losses = [(ks, place_loss(loss, device, dtype)) for ks, loss in stack_losses([r.loss for r in recipes])]
        self.offset = None
        if any(r.offset is not None for r in recipes):
            zero = (0.0,) * recipes[0].train.n_classes
            self.offset = torch.tensor([r.offset or zero for r in recipes], dtype=dtype, device=device).unsqueeze(1)
        self.network.streams([m.noise for m in self.active])
        self.renew_optimizer()

    def pool(self, parts: Sequence[Features]) -> tuple[Features, list[int]]:
        """Distinct features once, end to end on the device, and where each member's begin."""
        distinct = {id(x): x for x in parts}
        for key, x in distinct.items():
            if key not in self.placed:
                self.placed[key] = x.to(self.where, self.active[0].recipe.dtype)
        starts, total = dict[int, int](), 0
        for key, x in distinct.items():
            starts[key] = total
            total += len(x)
        return Features.cat([self.placed[key] for key in distinct]), [starts[id(x)] for x in parts]

    def renew_optimizer(self) -> None:
        """Fused AdamW over whole stacks, or over one view per member where members have rates of their own.

        Moments live stacked beside the parameters, so that they survive a member's leaving.
        """
        groups: dict[tuple[float, float, float], list[Tensor]] = {}
        state: dict[Tensor, dict[str, Tensor]] = {}
        self.viewed = False
        for name, p in self.network.named_parameters():
            eps = TABLE_EPS if ".tables." in name else DENSE_EPS
            encoder = name.startswith("encoder.")
            rates = [
                (m.recipe.lr * (m.recipe.encoder_rate if encoder else 1.0), m.recipe.weight_decay, eps)
                for m in self.active
            ]
            p.grad = None
            p.requires_grad_(any(rate[0] for rate in rates))
            if not p.requires_grad:
                continue
            if name not in self.moments:
                self.moments[name] = (torch.zeros_like(p.data), torch.zeros_like(p.data))
            first, second = self.moments[name]
            parts: list[tuple[Tensor, Tensor, Tensor, tuple[float, float, float]]] = [(p, first, second, rates[0])]
            if len(set(rates)) > 1:
                self.viewed = True
                p.grad = torch.zeros_like(p.data)
                parts = []
                for k, rate in enumerate(rates):
                    if rate[0]:
                        view = p.data[k]
                        view.grad = p.grad[k]
                        parts.append((view, first[k], second[k], rate))
            for tensor, m1, m2, rate in parts:
                groups.setdefault(rate, []).append(tensor)
                step = torch.tensor(float(self.steps_done), device=tensor.device)
                state[tensor] = {"step": step, "exp_avg": m1, "exp_avg_sq": m2}
        self.optimizer = torch.optim.AdamW(
            [{"params": ps, "lr": lr, "weight_decay": wd, "eps": eps} for (lr, wd, eps), ps in groups.items()],
            lr=1.0, fused=True,
        )  # fmt: skip
        self.optimizer.state.update(state)

    def compact(self, keep: list[int]) -> None:
        """Drop finished members: parameters and moments."""
        self.active = [self.active[k] for k in keep]
        if not keep:
            self.trainer.should_stop = True
            return
        for p in self.network.parameters():
            p.data = p.data[keep].contiguous()
        self.moments = {n: (a[keep].contiguous(), b[keep].contiguous()) for n, (a, b) in self.moments.items()}
        self.regroup()

    # Lightning's hooks -----------------------------------------------------------------------------------------

    def configure_optimizers(self) -> None:
        """None: optimisation is manual, and Lightning would detach the gradient views at the start of training."""

    def on_train_start(self) -> None:
        self.regroup()

    def training_step(self, steps: int, _: int) -> None:
        """`steps` minibatches of every active member."""
        began = time.perf_counter()
        self.network.train()
        drawn = [m.stream.take(steps) for m in self.active]
        rows = torch.stack([r for r, _ in drawn], 1).to(self.where)  # (steps, K, B)
        weights = self.weights([w for _, w in drawn], rows.shape)
        for step in range(steps):
            x, y = self.batch(rows[step])
            z = self.network(x)
            if self.offset is not None:
                z = z + self.offset
            total = self.network.penalty()
            for ks, loss in self.losses:
                whole = len(ks) == len(self.active)
                values = loss(z, y) if whole else loss(z[ks], y[ks])
                if weights is not None:
                    values = values * (weights[step] if whole else weights[step][ks])
                total = total + values.mean(-1).sum()
            self.network.zero_grad(set_to_none=not self.viewed)
            cast(Tensor, total).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
        self.steps_done += steps
        spent = (time.perf_counter() - began) / len(self.active)
        for member in self.active:
            member.seconds += spent

    def on_train_batch_end(self, *_: Any) -> None:
        """Evaluate, remember the best, let the finished go."""
        began = time.perf_counter()
        logits = self.evaluate() if any(m.recipe.select != "last" for m in self.active) else None
        spent = (time.perf_counter() - began) / len(self.active)
        for k, member in enumerate(self.active):
            member.seconds += spent
            try:
                self.judge(k, member, None if logits is None else logits[k])
            except Exception as error:  # of the watcher: this member's end and nobody else's
                member.outcome = error
        keep = [k for k, member in enumerate(self.active) if member.outcome is None]
        if len(keep) < len(self.active):
            self.compact(keep)

    # ------------------------------------------------------------------------------------------------------------

    def weights(self, drawn: list[Tensor | None], shape: torch.Size) -> Tensor | None:
        """Row weights (steps, K, B), or None where no member has any."""
        if all(w is None for w in drawn):
            return None
        steps, _, size = shape
        ones = torch.ones(steps, size, dtype=torch.float64)
        stacked = torch.stack([ones if w is None else w for w in drawn], 1)
        return stacked.to(self.where, self.active[0].recipe.dtype)

    def batch(self, rows: Tensor) -> tuple[Features, Tensor]:
        """Features of K·B rows and labels (K, B), augmented where a recipe says so."""
        if not any(m.recipe.augment for m in self.active):
            at = rows if len(self.active) == 1 else rows + torch.tensor(self.train_at, device=rows.device).unsqueeze(1)
            one = len(self.train_y) == 1
            y = self.train_y[0][rows] if one else torch.stack([y[r] for y, r in zip(self.train_y, rows, strict=True)])
            return self.train_x.take(at.view(-1)), y
        xs, ys = [], []
        for k, member in enumerate(self.active):
            x = self.train_x.take(rows[k] + self.train_at[k])
            y = self.train_y[min(k, len(self.train_y) - 1)][rows[k]]
            for augment in member.recipe.augment:
                x, y = augment(x, y, member.augmenting, member.recipe.train)
            xs.append(x)
            ys.append(y)
        return Features.cat(xs), torch.stack(ys)

    @torch.no_grad()
    def evaluate(self) -> Tensor:
        """Validation logits of all active members (K, longest, C), float64 on the CPU."""
        self.network.eval()
        logits: Tensor = self.network(self.val_batch)
        return logits.double().cpu()

    def judge(self, k: int, member: Member, logits: Tensor | None) -> None:
        """One member's early stopping: score, remember the best parameters, end where the patience is spent.

        The score is the validation log loss of the prior-corrected logits at their best temperature (Berta et al.
        2025, "refine, then calibrate"), which does not punish reweighted or focal training for its scale.
        """
        recipe, at_end = member.recipe, self.steps_done >= member.recipe.max_steps
        if not at_end and self.steps_done % recipe.eval_every:
            return  # a look that another member of the stack needs: alone, this one would not be judged here
        if recipe.select == "last" or logits is None:
            if not at_end:
                return
            finite = all(bool(torch.isfinite(p.data[k]).all()) for p in self.network.parameters())
            score = -float(self.steps_done) if finite else math.nan
        else:
            z = logits[: len(recipe.val)]
            shift = member.natural.log() - member.stream.prior().log()
            finite = bool(torch.isfinite(z).all())
            score = refined_log_loss((z + shift).numpy(), recipe.val.y.numpy()) if finite else math.nan
            member.curve.append((self.steps_done, score))
            if self.watch is not None and finite:
                self.watch(recipe, self.steps_done, score)
        if math.isnan(score):
            member.outcome = Diverged(
                f"the model's outputs are no longer finite after {self.steps_done} steps; lower train.lr"
            )
            return
        if score < member.best_score:
            state = {name: value[k : k + 1].detach().cpu().clone() for name, value in self.network.state_dict().items()}
            member.best_score, member.best_step, member.best_state = score, self.steps_done, state
        if at_end or self.steps_done - member.best_step >= recipe.patience * recipe.eval_every:
            member.outcome = self.finish(member)

    def finish(self, member: Member) -> Fitted:
        """The predictor of a member: its best parameters, the prior that it saw, what it took."""
        recipe, stream = member.recipe, member.stream
        schema, classes, n = recipe.train.x.schema, recipe.train.n_classes, len(recipe.train)
        notes = {**recipe.notes, "batches": float(stream.batches), "best_step": float(member.best_step)}
        if stream.without_rarest:
            notes["batches_without_rarest_class"] = float(stream.without_rarest)
        return Fitted(
            build=lambda: cast(Network, recipe.model.build(1, schema, recipe.head, classes, n)),
            state=member.best_state, prior=stream.prior(), prior_exact=recipe.prior_exact and recipe.loss.prior_exact,
            cost=Cost(1, self.steps_done, member.seconds), device=self.where, notes=notes, curve=tuple(member.curve),
        )  # fmt: skip
