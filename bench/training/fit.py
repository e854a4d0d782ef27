"""K recipes in training as one stacked network whose members never touch one another.

Minibatches, and after every few of them a look: validation rows are scored. Early stopping and best weights are each
member's own; a finished member leaves the stack. Lightning decides what comes when (`bench.training.lightning`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import torch
from torch import Tensor
from torch.func import functional_call

from bench.models.parts.build import build_network, member_settings
from bench.models.parts.network import Network
from bench.training.adam import StackedAdamW
from bench.training.adversarial import AdversarialSteps
from bench.training.batches import Batches, Placed, sent, validation_batches
from bench.training.distributed import average_gradients, of_process_group, share
from bench.training.graphs import Replay, recordable
from bench.training.losses import place_loss, stack_losses
from bench.training.member import Member, steps_between_looks
from bench.training.precision import products
from bench.training.scale import gradient_scale
from bench.training.schedule import Schedule
from bench.training.scoring import Outcome, ScoreListener, diverged, natural_prior, score_logits, tie_break
from strategies.spec import Features, Recipe


@dataclass(frozen=True)
class Drawn:
    """The steps up to a look: rows (steps, K, B) on the host, their weights or None, and the seconds of drawing."""

    rows: Tensor
    weights: Tensor | None
    seconds: float


class Fit:
    """Recipes in training that share model, schema, head, classes, batch size and dtype (`stacking.signature`)."""

    def __init__(self, recipes: Sequence[Recipe], device: torch.device, listener: ScoreListener | None = None) -> None:
        self.listener = listener
        self.where = device
        self.steps_done = 0
        self.failed: Exception | None = None  # of the stack as a whole
        self.latest: list[float] = []  # scores of the latest look, finite ones
        self.tied: dict[int, float] = {}  # log losses of the members that scored 0 at the latest look
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
        self.lengths = steps_between_looks(recipes)

    def enlist(self, recipe: Recipe) -> Member:
        """A member before its first step."""
        noise = torch.Generator(self.where).manual_seed(recipe.generator("noise").initial_seed())
        natural = natural_prior(recipe.train)
        stream, augmenting = of_process_group(recipe), recipe.generator("augment")
        return Member(recipe, stream, noise, augmenting, natural, Schedule(recipe))

    def build(self, members: int) -> Network:
        """The network for so many members, not initialised."""
        r = self.members[0].recipe
        return build_network(r.model, members, r.train.x.schema, r.head, r.train.n_classes)

    @property
    def over(self) -> bool:
        """Whether nobody is left to train, or the stack has failed."""
        return not self.active or self.failed is not None

    def outcomes(self) -> list[Outcome]:
        """What became of each recipe."""
        return [m.outcome if m.outcome is not None else RuntimeError("training ended early") for m in self.members]

    # What follows from who is still in the stack ---------------------------------------------------------------

    def regroup(self) -> None:
        """Pool the members' data on the device, stack losses, offsets and settings, sort parameters by rate."""
        recipes = [m.recipe for m in self.active]
        device, dtype = self.where, recipes[0].dtype
        self.batches = Batches(recipes, [m.augmenting for m in self.active], self.placed)
        self.validation = validation_batches(recipes, self.placed)
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
        settings = [member_settings(r.model, r.train.n_classes, len(r.train)) for r in recipes]
        settings = [
            replace(s, penalty=s.penalty / m.scale, lasso=s.lasso / m.scale)
            for s, m in zip(settings, self.active, strict=True)
        ]
        rank, self.ranks = share()
        self.network.assign(settings, [m.noise for m in self.active], (rank, self.ranks))
        self.arrange()
        self.products = products(recipes[0], device)
        self.adversarial = None
        if recipes[0].adversarial:
            self.adversarial = AdversarialSteps(self.network, torch.tensor([r.adversarial for r in recipes]))
        self.replay = None
        if self.adversarial is None and self.network.recordable and recordable(self.batches, self.ranks):
            weighted = dtype if any(r.train.weight is not None or r.steer is not None for r in recipes) else None
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
        self.network.keep(keep)
        self.adam.keep(keep)
        self.regroup()

    # Training ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Before the first step."""
        self.regroup()

    def draw(self, steps: int) -> Drawn:
        """The rows of so many steps of every active member."""
        began = time.perf_counter()
        drawn = [m.stream.take(steps) for m in self.active]
        rows = torch.stack([r for r, _ in drawn], 1)
        weights = self.weights([w for _, w in drawn], rows.shape)
        return Drawn(rows, weights, time.perf_counter() - began)

    def train_on(self, drawn: Drawn) -> None:
        """The minibatches of these rows."""
        began = time.perf_counter()
        self.network.train()
        rows, weights = drawn.rows, drawn.weights
        if self.replay is not None:
            self.replay.run(self.descend, rows, weights)
        else:
            self.descend(sent(rows, self.where), weights, rows if self.where.type != "cpu" else None)
        self.steps_done += len(rows)
        self.charge(drawn.seconds + time.perf_counter() - began)

    def advance(self, steps: int) -> None:
        """`steps` minibatches of every active member."""
        self.train_on(self.draw(steps))

    def charge(self, seconds: float) -> None:
        """Time that all in the stack took, in equal shares."""
        for member in self.active:
            member.seconds += seconds / len(self.active)

    def descend(self, rows: Tensor, weights: Tensor | None, host: Tensor | None = None) -> None:
        """Minibatches of rows and weights (steps, K, B) on the device; nothing here may make a GPU stop and answer."""
        for step, (x, labels) in enumerate(self.batches.of(rows, host)):
            weight = None if weights is None else weights[step]
            if self.adversarial is None:
                self.objective(x, labels, weight, self.network.penalty()).backward()  # type: ignore[no-untyped-call]
            else:
                self.adversarial.backward(partial(self.objective, x, labels, weight), self.network.penalty())
            if self.ranks > 1:
                average_gradients(self.network.parameters(), self.ranks)
            self.adam.step()

    def objective(self, x: Features, y: Tensor, weight: Tensor | None, total: Tensor | float = 0.0) -> Tensor:
        """`total`, and each member's mean loss over the rows of a batch: labels and weights (K, B)."""
        with self.products:
            z = self.network(x)
        z = z.to(self.active[0].recipe.dtype)
        if z.shape[1] != y.shape[1]:  # an ensemble in one: a loss for each of its members
            each = z.shape[1] // y.shape[1]
            y = y.repeat_interleave(each, 1)
            weight = None if weight is None else weight.repeat_interleave(each, 1)
        if self.offset is not None:
            z = z + self.offset
        for ks, loss, shares in self.losses:
            values = loss(z, y) if ks is None else loss(z.index_select(0, ks), y.index_select(0, ks))
            if weight is not None:
                values = values * (weight if ks is None else weight.index_select(0, ks))
            total = total + values.mean(-1).dot(shares)
        return cast(Tensor, total)

    def look(self) -> None:
        """Evaluate, remember the best, let the finished go."""
        began = time.perf_counter()
        due = [k for k, m in enumerate(self.active) if m.due(self.steps_done)]
        scores = self.scores([k for k in due if self.active[k].recipe.select != "last"])
        self.latest = [score for score in scores.values() if math.isfinite(score)]
        better = []
        for k in due:
            try:
                if self.improves(k, self.active[k], scores.get(k)):
                    better.append(k)
            except Exception as error:  # of the listener: this member's end and nobody else's
                self.active[k].outcome = error
        self.remember(better)
        for k in due:
            self.active[k].stream.follow()
        self.charge(time.perf_counter() - began)
        for member in [self.active[k] for k in due]:
            if member.outcome is None and member.schedule.ended(self.steps_done, member.best_step):
                member.outcome = member.finish(self.steps_done, len(self.members), self.where)
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

    def scores(self, members: list[int]) -> dict[int, float]:
        """Scores of these members, NaN where logits are not finite; computed on the device."""
        found, self.tied = dict[int, float](), dict[int, float]()
        if not members:
            return found
        for batch, logits in zip(self.validation, self.evaluate(), strict=True):
            ks = [k for k in members if batch.members.start <= k < batch.members.stop]
            if not ks:
                continue
            own = [self.active[k] for k in ks]
            got = score_logits(
                logits[[k - batch.members.start for k in ks]],
                [m.recipe.val for m in own],
                [m.natural for m in own],
                [m.stream.prior() for m in own],
            )
            found.update(zip(ks, got.tolist(), strict=True))
            self.tied |= {
                k: tie_break(logits[k - batch.members.start], m.recipe.val, m.natural, m.stream.prior())
                for k, m in zip(ks, own, strict=True)
                if found[k] == 0
            }
            for k, member in zip(ks, own, strict=True):
                if member.recipe.steer is not None:
                    member.stream.hear(logits[k - batch.members.start].cpu(), member.recipe.val.y)
        return found

    @torch.no_grad()
    def evaluate(self) -> Iterator[Tensor]:
        """Logits (members, rows, C) of each batch of validation rows in turn, float64, on the device."""
        self.network.eval()
        for batch in self.validation:
            network: Callable[[Features], Tensor] = self.network
            if len(self.validation) > 1:
                own = {name: v[batch.members] for name, v in self.network.state_dict(keep_vars=True).items()}
                network = partial(functional_call, self.network, own)
            yield torch.cat([network(x) for x in batch.pieces], 1).double()

    def improves(self, k: int, member: Member, score: float | None) -> bool:
        """Note a member's score, or that it has diverged; whether its parameters are the best so far."""
        if score is None:
            if self.steps_done < member.recipe.max_steps:
                return False
            finite = all(bool(torch.isfinite(p.data[k]).all()) for p in self.network.parameters())
            score = -float(self.steps_done) if finite else math.nan
        else:
            member.curve.append((self.steps_done, score))
            if self.listener is not None and not math.isnan(score):
                self.listener(member.recipe, self.steps_done, score)
        if math.isnan(score):
            member.outcome = diverged(self.steps_done)
            return False
        loss = self.tied.get(k, math.inf)
        if score > member.best_score or (score == member.best_score and loss >= member.best_loss):
            return False
        member.best_score, member.best_loss, member.best_step = score, loss, self.steps_done
        if member.recipe.prior_moves:
            member.best_prior = member.stream.prior()
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
