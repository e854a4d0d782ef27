"""Trains K recipes as one stacked model whose members never touch one another.

Minibatches by manual optimisation, with a look at validation after every few of them. Validation, early stopping and
best weights are each member's own; a finished member leaves the stack.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

import torch
from torch import Tensor
from torch.func import functional_call

from bench.evaluation.temperature import refined_log_losses
from bench.models.parts.network import Network
from bench.training.adam import StackedAdamW
from bench.training.batches import Batches, Placed, looks, sent
from bench.training.distributed import average_gradients, of_process_group, share
from bench.training.graphs import Replay, recordable
from bench.training.losses import place_loss, stack_losses
from bench.training.precision import products
from bench.training.predictor import Fitted
from bench.training.rows import RowStream
from bench.training.scale import gradient_scale
from bench.training.schedule import Schedule
from strategies.predictor import Cost, Predictor
from strategies.spec import Recipe


class Diverged(RuntimeError):
    """A member's outputs became infinite or NaN."""


Outcome: TypeAlias = Predictor | Exception

Watch: TypeAlias = Callable[[Recipe, int, float], None]
"""Told (recipe, step, validation score) at each look; an exception that it raises ends that member (pruning)."""


def chunks(recipes: Sequence[Recipe]) -> list[int]:
    """Steps between evaluations; ends where any recipe ends."""
    every, last = recipes[0].eval_every, max(r.max_steps for r in recipes)
    edges = sorted({*range(every, last, every), *(r.max_steps for r in recipes)})
    return [b - a for a, b in zip([0, *edges], edges, strict=False)]


@dataclass(eq=False)
class Member:
    """One recipe in training."""

    recipe: Recipe
    stream: RowStream
    noise: torch.Generator
    augmenting: torch.Generator
    natural: Tensor
    schedule: Schedule
    scale: float = 1.0  # of its objective, which is divided by it
    best_score: float = math.inf
    best_step: int = -1
    best_state: dict[str, Tensor] = field(default_factory=dict)
    curve: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
    outcome: Outcome | None = None


class Fit:
    """Trains recipes that share model, schema, head, classes, batch size and dtype (`signature`)."""

    def __init__(self, recipes: Sequence[Recipe], device: torch.device, watch: Watch | None = None) -> None:
        self.watch = watch
        self.where = device
        self.steps_done = 0
        self.members = [self.enlist(recipe) for recipe in recipes]
        self.active = list(self.members)
        self.network = self.build(len(recipes)).to(recipes[0].dtype)
        for k, member in enumerate(self.members):
            if not len(member.stream.rows):
                member.stream.draw()
            self.network.start(k, member.recipe, member.stream.mass / member.stream.mass.sum())
            member.scale = gradient_scale(member.recipe, member.stream)
        self.network.to(device)
        self.placed = Placed(device, recipes[0].dtype)
        self.adam = StackedAdamW()

    def enlist(self, recipe: Recipe) -> Member:
        """A member before its first step."""
        counts = torch.bincount(recipe.train.y, minlength=recipe.train.n_classes).double().clamp_min(0.5)
        noise = torch.Generator(self.where).manual_seed(recipe.generator("noise").initial_seed())
        return Member(
            recipe, of_process_group(recipe), noise, recipe.generator("augment"), counts / counts.sum(),
            Schedule(recipe),
        )  # fmt: skip

    def build(self, members: int) -> Network:
        """The network for so many members, not initialised."""
        r = self.members[0].recipe
        network: Network = r.model.build(members, r.train.x.schema, r.head, r.train.n_classes, len(r.train))
        return network

    # What follows from who is still in the stack ---------------------------------------------------------------

    def regroup(self) -> None:
        """Pool the members' data on the device, stack their losses, offsets and numbers, sort parameters by rate."""
        recipes = [m.recipe for m in self.active]
        device, dtype = self.where, recipes[0].dtype
        self.batches = Batches(recipes, [m.augmenting for m in self.active], self.placed)
        self.looks = looks(recipes, self.placed)
        shares = torch.tensor([1 / m.scale for m in self.active], dtype=dtype, device=device)
        self.losses = [
            (
                None if len(ks) == len(recipes) else torch.tensor(ks, device=device),
                place_loss(loss, device, dtype),
                shares[ks],
            )
            for ks, loss in stack_losses([r.loss for r in recipes])
        ]
        self.offset = None
        if any(r.offset is not None for r in recipes):
            zero = (0.0,) * recipes[0].train.n_classes
            self.offset = torch.tensor([r.offset or zero for r in recipes], dtype=dtype, device=device).unsqueeze(1)
        numbers = [r.model.numbers(r.train.n_classes, len(r.train)) for r in recipes]
        numbers = [replace(n, penalty=n.penalty / m.scale) for n, m in zip(numbers, self.active, strict=True)]
        rank, self.ranks = share()
        self.network.members(numbers, [m.noise for m in self.active], (rank, self.ranks))
        self.arrange()
        self.products = products(recipes[0], device)
        self.replay = None
        if recordable(self.batches, self.ranks):
            weighted = dtype if any(r.train.weight is not None for r in recipes) else None
            shape = (recipes[0].eval_every, len(recipes), recipes[0].batch_size)
            self.replay = Replay(shape, weighted, device, [m.noise for m in self.active])

    def arrange(self) -> None:
        """Tell the optimiser of every member's rate until the next look."""
        self.factors = [m.schedule.factor(self.steps_done) for m in self.active]
        self.adam.arrange(dict(self.network.named_parameters()), [m.recipe for m in self.active], self.factors)

    def compact(self, keep: list[int]) -> None:
        """Drop finished members: parameters and moments."""
        self.active = [self.active[k] for k in keep]
        if not keep:
            return
        for p in self.network.parameters():
            p.data = p.data[keep].contiguous()
        self.adam.keep(keep)
        self.regroup()

    # Training ---------------------------------------------------------------------------------------------------

    def run(self) -> list[Outcome]:
        """Minibatches up to a look, the look, and so on until nobody is left; a diverged member is an exception."""
        self.regroup()
        for steps in chunks([m.recipe for m in self.members]):
            if self.active:
                self.advance(steps)
                self.look()
        return [m.outcome if m.outcome is not None else RuntimeError("training ended early") for m in self.members]

    def advance(self, steps: int) -> None:
        """`steps` minibatches of every active member."""
        began = time.perf_counter()
        self.network.train()
        drawn = [m.stream.take(steps) for m in self.active]
        rows = torch.stack([r for r, _ in drawn], 1)  # (steps, K, B)
        weights = self.weights([w for _, w in drawn], rows.shape)
        if self.replay is not None:
            self.replay.run(self.descend, rows, weights)
        else:
            self.descend(sent(rows, self.where), weights, rows if self.where.type != "cpu" else None)
        self.steps_done += steps
        spent = (time.perf_counter() - began) / len(self.active)
        for member in self.active:
            member.seconds += spent

    def descend(self, rows: Tensor, weights: Tensor | None, host: Tensor | None = None) -> None:
        """Minibatches of rows and weights (steps, K, B) on the device; nothing here may make a GPU stop and answer."""
        for step, (x, y) in enumerate(self.batches.of(rows, host)):
            with self.products:
                z = self.network(x)
            z = z.to(self.active[0].recipe.dtype)
            if self.offset is not None:
                z = z + self.offset
            total = self.network.penalty()
            for ks, loss, shares in self.losses:
                values = loss(z, y) if ks is None else loss(z.index_select(0, ks), y.index_select(0, ks))
                if weights is not None:
                    values = values * (weights[step] if ks is None else weights[step].index_select(0, ks))
                total = total + values.mean(-1).dot(shares)
            cast(Tensor, total).backward()  # type: ignore[no-untyped-call]
            if self.ranks > 1:
                average_gradients(self.network.parameters(), self.ranks)
            self.adam.step()

    def look(self) -> None:
        """Evaluate, remember the best, let the finished go."""
        began = time.perf_counter()
        due = [k for k, m in enumerate(self.active) if self.due(m)]
        scores = self.scores([k for k in due if self.active[k].recipe.select != "last"])
        better = []
        for k in due:
            try:
                if self.improves(k, self.active[k], scores.get(k)):
                    better.append(k)
            except Exception as error:  # of the watcher: this member's end and nobody else's
                self.active[k].outcome = error
        self.remember(better)
        spent = (time.perf_counter() - began) / len(self.active)
        for member in self.active:
            member.seconds += spent
        for member in [self.active[k] for k in due]:
            if member.outcome is None and member.schedule.ended(self.steps_done, member.best_step):
                member.outcome = self.finish(member)
        for k in due:
            member = self.active[k]
            if member.outcome is None and member.schedule.reached(self.steps_done, member.best_step):
                self.restore(k, member)
        keep = [k for k, member in enumerate(self.active) if member.outcome is None]
        if len(keep) < len(self.active):
            self.compact(keep)
        elif self.active and self.factors != [m.schedule.factor(self.steps_done) for m in self.active]:
            self.arrange()
            if self.replay is not None:
                self.replay.graph = None  # it holds the rates

    def restore(self, k: int, member: Member) -> None:
        """Take a member back to its best look."""
        for name, p in self.network.named_parameters():
            if name in member.best_state and member.best_step < self.steps_done:
                p.data[k].copy_(member.best_state[name][0])

    def weights(self, drawn: list[Tensor | None], shape: torch.Size) -> Tensor | None:
        """Row weights (steps, K, B), or None where no member has any."""
        if all(w is None for w in drawn):
            return None
        steps, _, size = shape
        ones = torch.ones(steps, size, dtype=torch.float64)
        stacked = torch.stack([ones if w is None else w for w in drawn], 1)
        return sent(stacked.to(self.active[0].recipe.dtype), self.where)

    def due(self, member: Member) -> bool:
        """Whether this look is its own; others of the stack may need it when, alone, it would not be judged."""
        return self.steps_done >= member.recipe.max_steps or self.steps_done % member.recipe.eval_every == 0

    def scores(self, members: list[int]) -> dict[int, float]:
        """Scores of these members for early stopping, NaN where logits are not finite; computed on the device.

        The score is the validation log loss of the prior-corrected logits at their best temperature (Berta et al.
        2025, "refine, then calibrate"), which does not punish reweighted or focal training for its scale.
        """
        found = dict[int, float]()
        if not members:
            return found
        for look, logits in zip(self.looks, self.evaluate(), strict=True):
            ks = [k for k in members if look.members.start <= k < look.members.stop]
            if not ks:
                continue
            own = [self.active[k] for k in ks]
            shift = torch.stack([m.natural.log() - m.stream.prior().log() for m in own]).unsqueeze(1)
            corrected = logits[[k - look.members.start for k in ks]] + shift.to(logits.device)
            labels = [m.recipe.val.y for m in own]
            shared = all(y is labels[0] for y in labels)
            y = (labels[0].expand(len(ks), -1) if shared else torch.stack(labels)).to(logits.device)
            on_cpu = logits.device.type == "cpu"  # where numpy is the faster one, and exact to the bit
            scores = refined_log_losses(*((corrected.numpy(), y.numpy()) if on_cpu else (corrected, y)))
            found.update(zip(ks, scores.tolist(), strict=True))
        return found

    @torch.no_grad()
    def evaluate(self) -> Iterator[Tensor]:
        """Validation logits (members, rows, C) of each look in turn, float64, on the device."""
        self.network.eval()
        for look in self.looks:
            own = {name: p[look.members] for name, p in self.network.named_parameters()}
            alone = len(self.looks) == 1
            pieces = [self.network(x) if alone else functional_call(self.network, own, (x,)) for x in look.pieces]
            yield torch.cat(pieces, 1).double()

    def improves(self, k: int, member: Member, score: float | None) -> bool:
        """Note a member's score, or that it has diverged; whether its parameters are the best so far."""
        if score is None:
            if self.steps_done < member.recipe.max_steps:
                return False
            finite = all(bool(torch.isfinite(p.data[k]).all()) for p in self.network.parameters())
            score = -float(self.steps_done) if finite else math.nan
        else:
            member.curve.append((self.steps_done, score))
            if self.watch is not None and not math.isnan(score):
                self.watch(member.recipe, self.steps_done, score)
        if math.isnan(score):
            member.outcome = Diverged(
                f"the model's outputs are no longer finite after {self.steps_done} steps; lower train.lr"
            )
            return False
        if score >= member.best_score:
            return False
        member.best_score, member.best_step = score, self.steps_done
        return True

    def remember(self, better: list[int]) -> None:
        """Copy the parameters of these members to the host, all of them at once: a GPU is waited for once a tensor."""
        if not better:
            return
        at = better if len(better) < len(self.active) else slice(None)
        host = {name: value[at].detach().to("cpu", copy=True) for name, value in self.network.state_dict().items()}
        for i, k in enumerate(better):
            own = {name: value[i : i + 1] for name, value in host.items()}
            # A slice would hold the others' as well, which change at other looks.
            self.active[k].best_state = own if len(better) == 1 else {n: value.clone() for n, value in own.items()}

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
            cost=Cost(1, self.steps_done, member.seconds, len(self.members)), device=self.where, notes=notes,
            curve=tuple(member.curve),
        )  # fmt: skip
