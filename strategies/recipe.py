"""A recipe: everything needed to train one model, and no test rows; its loss, head and samplers are plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

import torch

from strategies.features import Features, Split
from strategies.model import Model
from strategies.predictor import Predictor

if TYPE_CHECKING:
    from torch import Tensor


class Clash(ValueError):
    """Two strategies of one stack both set what only one can own."""


class Loss(Protocol):
    """A frozen dataclass of numbers: (outputs (..., B, C), targets (..., B)) -> loss per row (..., B).

    Fields are floats or tuples of C floats, which the trainer makes a tensor (C,). Where recipes differ only in these,
    it stacks them: a float arrives as a tensor (K, 1), a tuple as (K, 1, C), so that both broadcast against K models.
    """

    @property
    def prior_exact(self) -> bool:
        """False where minimising the loss is not a pure prior shift."""
        ...

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor: ...


def negative_at(log_p: Tensor, targets: Tensor) -> Tensor:
    """-log_p of the target class, per row: (..., C), (...) -> (...).

    The numbers of `gather`, whose gradient on a GPU, where it is to be deterministic, copies from the host at every
    step: a stall, and nothing that a CUDA graph can hold.
    """
    rows = torch.nn.functional.nll_loss(log_p.flatten(0, -2), targets.flatten(), reduction="none")
    return rows.view(targets.shape)


@dataclass(frozen=True)
class CrossEntropy:
    """-log p_t, per row."""

    prior_exact: ClassVar[bool] = True

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return negative_at(outputs.log_softmax(-1), targets)

    def in_log_p(self, p: Tensor, q: Tensor) -> tuple[float, float]:
        """First and second derivative in log p_t (p: p_t, q: 1 - p_t), for models that take Newton steps: trees.

        Optional: any loss that depends on p_t alone may have it; of others both derivatives are found by torch.
        """
        return -1.0, 0.0


@dataclass(frozen=True)
class LinearHead:
    """Affine map from the encoding to `out` outputs (None: one per class)."""

    out: int | None = None


@dataclass(frozen=True)
class CosineHead:
    """`scale` times the cosine between the encoding and one direction per output."""

    out: int | None = None
    scale: float = 10.0


@dataclass(frozen=True)
class TokenHead:
    """For each token that a batch names as masked, one output a token of the vocabulary: what was it?

    The last matrix is the encoder's own table of tokens (Devlin et al. 2019). `out` is None: the table decides.
    """

    out: int | None = None


Head: TypeAlias = LinearHead | CosineHead | TokenHead
"""The specification of a model's last part."""

Sampler: TypeAlias = "Callable[[Tensor, Tensor, torch.Generator], Tensor]"
"""(rows so far, all labels, generator) -> rows of the epoch. Samplers chain; rows are indices, never copies.

One that changes as training goes has a method `at(progress)`, which gives the sampler of that moment; called itself it
is the one of the end. `progress` in [0, 1] is the share of the budget of steps (of trees: rounds) that is over.
"""

Augment: TypeAlias = "Callable[[Features, Tensor, torch.Generator, Split], tuple[Features, Tensor]]"
"""(batch, targets, generator, training split) -> batch, targets; may change the number of rows (two views)."""


Steer: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"
"""(logits (n, C) of the validation rows, their labels, factors (C,) so far) -> positive factors on the class weights.

Asked at every look, one scoring of the validation rows; what it returns holds until the next. A frozen value.
"""


def per_row(by_class: Tensor, y: Tensor) -> Tensor:
    """Spread one factor per class (C,) over rows: (n,) float64."""
    return by_class.double()[y]


_DATA = {"part": "data"}
_HARNESS = {"part": "harness"}  # the same for every strategy, which passes it on unread
_TREATMENT = {"part": "treatment"}  # what strategies decide; the default is neutral: no treatment
_BOOKKEEPING = {"part": "bookkeeping"}  # no part of what is trained
"""What a field of a recipe is. Every field says it where it stands."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything needed to train ONE model, and no test rows: leakage is impossible by type.

    Compared by identity for its data (splits, `init`), by value for the rest; the trainer trains equal recipes once.
    """

    train: Split = field(metadata=_DATA)
    val: Split = field(metadata=_DATA)
    extra: Mapping[str, tuple[Split, Split]] = field(default_factory=dict, compare=False, metadata=_DATA)
    default_source: str = field(default="", metadata=_DATA)  # entry of `extra` recommended for transfer; empty: none
    unlabelled: Features | None = field(default=None, metadata=_DATA)

    model: Model = field(metadata=_HARNESS)
    batch_size: int = field(default=256, metadata=_HARNESS)
    max_steps: int = field(default=1000, metadata=_HARNESS)
    lr: float = field(default=1e-2, metadata=_HARNESS)
    weight_decay: float = field(default=0.0, metadata=_HARNESS)
    eval_every: int = field(default=20, metadata=_HARNESS)
    patience: int = field(default=10, metadata=_HARNESS)
    # Of the steps: how long the rate falls to zero (bench.training.schedule); 0: never.
    decay: float = field(default=0.3, metadata=_HARNESS)
    seed: int = field(default=0, metadata=_HARNESS)
    dtype: torch.dtype = field(default_factory=lambda: torch.float32, metadata=_HARNESS)
    # Of the products in training steps; all else is in `dtype`.
    precision: Literal["float32", "bf16"] = field(default="float32", metadata=_HARNESS)

    sampler: tuple[Sampler, ...] = field(default=(), metadata=_TREATMENT)
    augment: tuple[Augment, ...] = field(default=(), metadata=_TREATMENT)
    loss: Loss = field(default=CrossEntropy(), metadata=_TREATMENT)
    head: Head = field(default=LinearHead(), metadata=_TREATMENT)
    offset: tuple[float, ...] | None = field(default=None, metadata=_TREATMENT)  # added to the logits in training only
    # Start a linear head's bias at the log prior that it will see; False: at zero.
    prior_bias: bool = field(default=True, metadata=_TREATMENT)
    init: Predictor | None = field(default=None, metadata=_TREATMENT)
    keep_head: bool = field(default=False, metadata=_TREATMENT)
    steer: Steer | None = field(default=None, metadata=_TREATMENT)
    # Factor on the encoder's learning rate; 0 freezes it.
    encoder_rate: float = field(default=1.0, metadata=_TREATMENT)
    # How far a second pass of every step moves each row's embedding for the worse, in lengths of it; 0: no such pass.
    adversarial: float = field(default=0.0, metadata=_TREATMENT)
    select: Literal["refined", "last"] = field(default="refined", metadata=_TREATMENT)
    prior_exact: bool = field(default=True, metadata=_TREATMENT)

    auxiliary: bool = field(default=False, compare=False, metadata=_BOOKKEEPING)  # inner strategies leave it alone
    by: str = field(default="", compare=False, metadata=_BOOKKEEPING)  # the strategy that is at work
    listed: frozenset[str] = field(default=frozenset(), compare=False, metadata=_BOOKKEEPING)  # after the one at work
    passing: frozenset[str] = field(default=frozenset(), compare=False, metadata=_BOOKKEEPING)  # of these, left out
    claims: Mapping[str, str] = field(default_factory=dict, compare=False, metadata=_BOOKKEEPING)
    notes: Mapping[str, float] = field(default_factory=dict, compare=False, metadata=_BOOKKEEPING)

    OWNED: ClassVar[tuple[str, ...]] = ("loss", "head", "offset", "init")

    def change(self, **fields: Any) -> Recipe:
        """A copy with these fields, refusing a second owner of loss, head, offset or init.

        Raises:
            Clash: another strategy of the stack has set the same field; names both.
        """
        claimed = {name: self.by for name in fields if name in self.OWNED}
        for name in claimed:
            if name in self.claims and self.claims[name] != self.by:
                raise Clash(clash_message(name, self.claims[name], self.by))
        return replace(self, claims={**self.claims, **claimed}, **fields)

    def resample(self, sampler: Sampler) -> Recipe:
        """Append a sampler: it sees the rows that the earlier ones left."""
        return replace(self, sampler=(*self.sampler, sampler))

    def reweight(self, factor: Tensor) -> Recipe:
        """Multiply the row weights by `factor` (n,); the trainer scales their mean over the rows drawn to 1.

        Raises:
            ValueError: a factor is negative, infinite or NaN, or all are zero.
        """
        if factor.shape != self.train.y.shape:
            raise ValueError(f"row weights: expected shape {tuple(self.train.y.shape)}, got {tuple(factor.shape)}")
        if not bool(torch.isfinite(factor).all()) or bool((factor < 0).any()) or not bool((factor > 0).any()):
            raise ValueError("row weights: expected finite, non-negative and not all zero")
        weight = factor.double() if self.train.weight is None else self.train.weight * factor.double()
        return replace(self, train=replace(self.train, weight=weight))

    def note(self, **notes: float) -> Recipe:
        """Leave numbers (effective sample size, …) for the record."""
        return replace(self, notes={**self.notes, **notes})

    def aside(self, **fields: Any) -> Recipe:
        """An untreated recipe in service of this one (first stage, pretext, source task).

        Inner strategies of the stack leave it alone; every treatment is dropped, rows that were made included, and row
        weights go back to those that came with the data.
        """
        train = self.train if self.train.original is None else self.train.original
        train = train if train.weight is train.natural else replace(train, weight=train.natural)
        own = {"by": self.by, "auxiliary": True, "train": train}
        return replace(self, **{**self.neutral("treatment", "bookkeeping"), **own, **fields})

    @classmethod
    def neutral(cls, *parts: str) -> dict[str, Any]:
        """The value of every field of these parts where nothing has been done: its default."""
        found = [f for f in fields(cls) if f.metadata["part"] in parts]
        return {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in found}

    def treated(self) -> frozenset[str]:
        """The fields by which strategies have changed what is trained. Weights of rows do not count: data have some."""
        return frozenset(name for name, value in self.neutral("treatment").items() if getattr(self, name) != value)

    def generator(self, purpose: str) -> torch.Generator:
        """A random stream of its own per purpose (order, encoder, head, noise, augment), derived from the seed."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)

    @property
    def sampler_moves(self) -> bool:
        """Whether a sampler changes as training goes."""
        return any(hasattr(sampler, "at") for sampler in self.sampler)

    @property
    def prior_moves(self) -> bool:
        """Whether the class prior that the logits embody is that of the present moment, not that of the whole fit."""
        return self.steer is not None or self.sampler_moves

    def epoch(self, generator: torch.Generator, progress: float = 1.0) -> Tensor:
        """The rows of one epoch, resampled and shuffled: int64, any length. Made rows are what a sampler adds.

        progress: the share of the budget that is over, for samplers that change as training goes.
        """
        rows = torch.arange(len(self.train.y if self.train.original is None else self.train.original.y))
        for sampler in self.sampler:
            now: Sampler = sampler.at(progress) if hasattr(sampler, "at") else sampler
            rows = now(rows, self.train.y, generator)
        return rows[torch.randperm(len(rows), generator=generator)]

    def counted(self, generator: torch.Generator, progress: float = 1.0) -> tuple[Tensor, Tensor]:
        """One epoch for a learner without batches: the rows drawn (m,) int64, each once, and their weights (m,).

        A weight is how often the row was drawn, times its row weight scaled to a mean of 1 over the draws: float64,
        with the number of draws as sum. `progress` as in `epoch`.
        """
        rows = self.epoch(generator, progress)
        weight = torch.ones(len(rows), dtype=torch.float64)
        if self.train.weight is not None:
            weight = self.train.weight[rows] / self.train.weight[rows].mean()
        total = torch.zeros(len(self.train), dtype=torch.float64).index_add_(0, rows, weight)
        drawn = torch.bincount(rows, minlength=len(self.train)).nonzero().flatten()
        return drawn, total[drawn]

    def embodied(self, mass: Tensor) -> Tensor:
        """The class prior (C,), float64, that logits trained on so much mass per class embody, adjusted by `offset`.

        A class that was never drawn counts as half a row, so that every log prior is finite.
        """
        mass = mass.double().clamp_min(0.5)
        prior = mass / mass.sum()
        if self.offset is None:
            return prior
        return (prior.log() - torch.tensor(self.offset, dtype=torch.float64)).softmax(0)

    def mass(self) -> Tensor:
        """Class mass of one epoch (C,), float64, sum 1: samplers × weights. What any reweighting must count.

        Of an epoch at the end of training, where a sampler changes as training goes.
        """
        return self._mass(self.epoch(self.generator("mass")))

    def mass_in_rows(self) -> Tensor:
        """The same in rows (C,): with the number of rows of the epoch as sum, one draw for both."""
        rows = self.epoch(self.generator("mass"))
        return self._mass(rows) * len(rows)

    def _mass(self, rows: Tensor) -> Tensor:
        weight = None if self.train.weight is None else self.train.weight[rows]
        mass = torch.bincount(self.train.y[rows], weights=weight, minlength=self.train.n_classes).double()
        return mass / mass.sum()


def clash_message(name: str, first: str, second: str) -> str:
    """One wording for clashes found when planning and when training."""
    return f"strategies {first!r} and {second!r} both set the {name}, and a model has one: list only one of them"
