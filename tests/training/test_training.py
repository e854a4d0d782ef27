"""The trainer: members of a stack do not touch one another, the best weights come back, every row is accounted for."""

from __future__ import annotations

import gc
import math
import traceback
import warnings
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bench.evaluation.views import refined_log_loss
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.layers import BagSum, Dropout, text_scale
from bench.records.files import ResultsError
from bench.training.adam import TABLE_EPS
from bench.training.fit import Diverged, Fit
from bench.training.lightning import Turns
from bench.training.predictor import Fitted
from bench.training.rows import RowStream
from bench.training.stacking import signature
from bench.training.trainer import attempt, drive, fit, pick_device
from strategies.class_weights import ClassWeights
from strategies.focal import Focal
from strategies.oversample import DrawMore, Oversample
from strategies.predictor import Predictor
from strategies.registry import STRATEGIES
from strategies.self_supervised import SelfSupervised
from strategies.spec import Bag, CrossEntropy, Features, Inapplicable, Recipe, Split
from strategies.stack import Chain
from strategies.undersample import Undersample
from tests.conftest import CPU, SCHEMA, Toy, dense, logits, outcomes, table, tell_of_stacks


def alone(recipe: Recipe) -> Fitted:
    """One recipe trained by itself."""
    (outcome,) = fit([recipe], CPU)
    assert isinstance(outcome, Fitted), outcome
    return outcome


def together(recipes: Sequence[Recipe]) -> list[Any]:
    """All of them in one stack, not one after another."""
    assert len({signature(r) for r in recipes}) == 1
    return fit(recipes, CPU)


def mixture(toy: Toy, dtype: torch.dtype, model: Any) -> list[Recipe]:
    """What may differ within a stack: sampler, weights, loss and its numbers, offset, seed, rates, start, patience."""
    base = toy.recipe(model=model, dtype=dtype, max_steps=60, eval_every=10, patience=100)
    start = alone(replace(base, seed=50, max_steps=10))
    classes = toy.train.n_classes
    return [
        base,
        replace(base, seed=11),
        replace(Oversample().prepare(base), seed=12),
        Undersample(ratio=0.5, redraw="once").prepare(base),
        ClassWeights(scheme="sqrt").prepare(replace(base, lr=0.003)),
        Focal(gamma=0.5, alpha="auto").prepare(base),
        Focal(gamma=5.0, prior_bias=False).prepare(replace(base, weight_decay=0.05)),
        base.change(offset=tuple(float(c) for c in range(classes))),
        replace(base, init=start, encoder_rate=0.0),
        replace(base, init=start, keep_head=True, encoder_rate=0.1, lr=0.05),
        replace(base, patience=1, lr=0.2, seed=13, decay=0.0),
    ]


# --- stacking ---


@pytest.mark.parametrize("model", [MLP(dim=8, hidden=(6,)), Linear()], ids=str)
@pytest.mark.parametrize("fixture", ["binary", "multi"])
@pytest.mark.parametrize(
    ("dtype", "noise"), [(torch.float64, 1e-12), (torch.float32, 2e-4)], ids=["float64", "float32"]
)
def test_a_stack_trains_what_its_members_train_alone(
    dtype: torch.dtype, noise: float, fixture: str, model: Any, request: pytest.FixtureRequest
) -> None:
    """Logits after sixty steps to 1e-12 in float64; in float32 up to rounding that sixty steps have carried on.

    Priors, curves' steps and costs are the same; a member that stops early leaves without disturbing the others.
    """
    toy: Toy = request.getfixturevalue(fixture)
    recipes = mixture(toy, dtype, model)
    stacked = together(recipes)
    for recipe, member in zip(recipes, stacked, strict=True):
        own = alone(recipe)
        assert isinstance(member, Fitted)
        expected = own.logits(toy.val.x)
        torch.testing.assert_close(
            member.logits(toy.val.x), expected, rtol=noise, atol=noise * float(expected.abs().max())
        )
        assert torch.equal(member.prior, own.prior)
        assert member.prior_exact == own.prior_exact
        assert [step for step, _ in member.curve] == [step for step, _ in own.curve]
        assert (member.cost.fits, member.cost.steps) == (own.cost.fits, own.cost.steps)
        assert member.notes == own.notes
    assert min(member.cost.steps for member in stacked) < 60  # one did stop early


def test_members_of_one_stack_differ(binary: Toy) -> None:
    """The comparison above is not one of a model with itself."""
    z = [member.logits(binary.val.x) for member in together(mixture(binary, torch.float64, MLP(dim=8)))]
    for i, a in enumerate(z):
        for b in z[:i]:
            assert not torch.allclose(a, b, atol=1e-3)


def test_members_may_train_on_tables_of_their_own() -> None:
    """Other features, labels, number of rows, as source tasks have."""
    toys = [table((0.8, 0.2), n_train=n, n_val=v, seed=s) for n, v, s in ((100, 40, 1), (240, 120, 2), (70, 90, 3))]
    recipes = [toy.recipe(dtype=torch.float64, max_steps=20, eval_every=5) for toy in toys]
    for recipe, member in zip(recipes, together(recipes), strict=True):
        torch.testing.assert_close(
            member.logits(recipe.val.x), alone(recipe).logits(recipe.val.x), rtol=1e-12, atol=1e-12
        )


def test_pretext_stages_stack(binary: Toy) -> None:
    """Augmented batches and contrastive losses of several temperatures."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=8, eval_every=4)
    asks = [SelfSupervised(temperature=t).pretext(replace(recipe, seed=s)) for t, s in ((0.1, 1), (1.0, 2), (1.0, 3))]
    for ask, member in zip(asks, together(asks), strict=True):
        own = alone(ask)
        for name, value in own.state.items():
            torch.testing.assert_close(member.state[name], value, rtol=1e-11, atol=1e-12)


def test_a_member_is_looked_at_when_it_would_be_alone(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=60, eval_every=20)
    member, _ = together([recipe, replace(recipe, max_steps=30, seed=1)])
    assert [step for step, _ in member.curve] == [step for step, _ in alone(recipe).curve]


def test_driving_in_a_stack_is_driving_one_by_one(binary: Toy) -> None:
    """Whole strategies, two-stage ones among them, in float64."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=12)
    parts = [() if name == "none" else (STRATEGIES.get(name)(),) for name in STRATEGIES.names()]
    runs = [outcomes([Chain(p).train(recipe) for p in parts], stack) for stack in (1, 16)]
    for one, many in zip(*runs, strict=True):
        assert isinstance(one, Predictor)
        assert isinstance(many, Predictor)
        torch.testing.assert_close(many.logits(recipe.val.x), one.logits(recipe.val.x), rtol=1e-10, atol=1e-11)
        assert (one.cost.fits, one.cost.steps) == (many.cost.fits, many.cost.steps)


@dataclass(frozen=True)
class Infinite:
    """Cross entropy times a number that may be infinite."""

    prior_exact: ClassVar[bool] = True
    factor: float | Tensor = 1.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.factor * CrossEntropy()(outputs, targets)


@pytest.mark.parametrize("model", [MLP(dim=8), Linear()], ids=str)
def test_a_diverging_member_disturbs_nobody(model: Any, binary: Toy) -> None:
    """By its learning rate, by an infinite loss in a call that it shares, by an infinite start."""
    recipe = binary.recipe(model=model, dtype=torch.float64, max_steps=20, eval_every=5)
    fine = [replace(recipe, loss=Infinite(1.0), seed=1), replace(recipe, seed=2)]
    bad = [replace(recipe, lr=1e300), replace(recipe, loss=Infinite(math.inf)), recipe.change(offset=(math.nan, 0.0))]
    got = together([bad[0], fine[0], bad[1], fine[1], bad[2]])
    for k in (0, 2, 4):
        assert isinstance(got[k], Diverged)
        assert "lower train.lr" in str(got[k])
    for k, own in ((1, fine[0]), (3, fine[1])):
        torch.testing.assert_close(got[k].logits(binary.val.x), alone(own).logits(binary.val.x), rtol=1e-12, atol=1e-12)
    (solo,) = fit([bad[1]], CPU)
    assert isinstance(solo, Diverged)


def test_a_large_learning_rate_disturbs_nobody(binary: Toy) -> None:
    """lr = 1e6 gives a bad model or none; its neighbour is the one that it would be alone."""
    recipe = binary.recipe(dtype=torch.float64, max_steps=20, eval_every=5)
    wild, calm = together([replace(recipe, lr=1e6), recipe])
    assert isinstance(wild, Fitted | Diverged)
    torch.testing.assert_close(calm.logits(binary.val.x), alone(recipe).logits(binary.val.x), rtol=1e-12, atol=1e-12)


def test_a_diverging_pretext_is_noticed_without_looking_at_validation(binary: Toy) -> None:
    recipe = binary.recipe(select="last", loss=Infinite(math.inf), max_steps=6)
    (outcome,) = fit([recipe], CPU)
    assert isinstance(outcome, Diverged)


def test_a_stack_that_fails_as_a_whole_is_halved_until_the_culprit_is_alone(
    binary: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for memory that suffices for two members only."""
    sizes: list[int] = []

    def narrow(recipes: list[Recipe]) -> None:
        sizes.append(len(recipes))
        if len(recipes) > 2 or any(r.seed == 4 for r in recipes):
            raise torch.OutOfMemoryError("too many")

    tell_of_stacks(monkeypatch, narrow)
    got = attempt(CPU, [binary.recipe(seed=s) for s in range(5)], None)
    assert [isinstance(o, Fitted) for o in got] == [True] * 4 + [False]
    assert isinstance(got[4], torch.OutOfMemoryError)
    assert sizes == [5, 2, 3, 1, 2, 1, 1]


# --- Lightning's loop ---


def test_one_loop_trains_all_stacks_of_a_group(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Trainer costs as much as the rest of a small fit: there is one, and a turn of its loop for each stack."""
    turns: list[int] = []
    real = Turns.training_step

    def counted(self: Turns, *args: Any) -> None:
        turns.append(id(self.trainer))
        real(self, *args)

    monkeypatch.setattr(Turns, "training_step", counted)
    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(3)]
    found: dict[int, Any] = {}
    drive(made, found.__setitem__, device=CPU)
    assert len(turns) == 3
    assert len(set(turns)) == 1
    assert all(isinstance(o, Fitted) for o in found.values())


def test_what_is_raised_on_the_way_ends_the_loop_as_it_is(binary: Toy) -> None:
    """A record that cannot be written, say."""

    def full(_: int, __: Any) -> None:
        raise ResultsError("no space left")

    with pytest.raises(ResultsError, match="no space left"):
        drive([Chain(()).train(binary.recipe(seed=s)) for s in range(2)], full, device=CPU)


@pytest.mark.parametrize("where", ["training", "publishing"])
def test_an_interrupt_is_the_callers_to_handle(where: str, binary: Toy) -> None:
    """Lightning would make it the end of the process, without a word on how to resume."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    made = [Chain(()).train(binary.recipe(seed=s)) for s in range(2)]
    done, watches = (stop, {}) if where == "publishing" else (lambda *_: None, {0: stop})
    with pytest.raises(KeyboardInterrupt):
        drive(made, done, device=CPU, watches=watches)


def test_warnings_of_strategies_are_heard(binary: Toy) -> None:
    """Lightning's advice is not: we leave out what it misses on purpose."""

    def finished(_: int, __: Any) -> None:
        warnings.warn("the importance of every row is equal", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="importance") as heard:
        drive([Chain(()).train(binary.recipe())], finished, device=CPU)
    assert len(heard) == 1


def test_a_failed_fit_leaves_no_memory_behind(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is kept to the end of the group, and must not keep the model and its data with it."""
    models: list[weakref.ref[Fit]] = []

    def fail(self: Fit, _: int) -> None:
        models.append(weakref.ref(self))
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(Fit, "advance", fail)
    kept = attempt(CPU, [binary.recipe(seed=s) for s in range(2)], None)
    assert [type(e) for e in kept] == [torch.OutOfMemoryError] * 2
    assert len(models) == 3
    gc.collect()
    assert all(model() is None for model in models)
    assert "too much" in "".join(traceback.format_exception(kept[0]))


# --- one fit ---


def test_training_is_the_plain_loop(binary: Toy) -> None:
    """Logistic regression written out on a dense matrix: mean of w · l with w of mean 1 over the rows drawn (torch's
    weighted mean divides by each batch's weights instead), the penalty, AdamW with decay, the offset, the start."""
    weight = torch.rand(240, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 3
    recipe = binary.recipe(
        model=Linear(l2=2.0), dtype=torch.float64, max_steps=25, eval_every=25, lr=0.03, weight_decay=0.01,
        sampler=(DrawMore(0.6),), offset=(0.0, -0.5), select="last",
    ).reweight(weight)  # fmt: skip
    scale = torch.tensor([1.0] * 10 + [text_scale(SCHEMA)] * 30, dtype=torch.float64)
    x, x_val, y = dense(binary.train.x) * scale, dense(binary.val.x) * scale, binary.train.y
    g = recipe.generator("order")
    epochs = [recipe.epoch(g) for _ in range(10)]
    rows = torch.cat(epochs)
    w = torch.cat([weight[e] / weight[e].mean() for e in epochs])
    table_, bias = torch.zeros(40, 2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    start = torch.bincount(y[epochs[0]], weights=w[: len(epochs[0])])
    bias += (start / start.sum()).log().float()  # parameters are drawn in float32
    # The objective is divided by the root mean square of its gradient on the first epoch's logits.
    p = ((start / start.sum()).log() + torch.tensor([0.0, -0.5])).softmax(0)
    first = w[: len(epochs[0])] * (y[epochs[0]].double() - p[1]).abs()
    scale_of_objective = first.pow(2).mean().sqrt()
    table_.requires_grad_()
    bias.requires_grad_()
    groups = [{"params": [table_], "eps": TABLE_EPS}, {"params": [bias], "eps": 1e-8}]
    optimizer = torch.optim.AdamW(groups, lr=0.03, weight_decay=0.01)
    for step in range(25):
        at = slice(step * 32, step * 32 + 32)
        z = x[rows[at]] @ table_ + bias + torch.tensor([0.0, -0.5], dtype=torch.float64)
        each = functional.cross_entropy(z, y[rows[at]], reduction="none")
        loss = (w[at] * each).sum() / 32 + 0.5 * (2 * 2.0 / 240) * (table_**2).sum()
        optimizer.zero_grad()
        (loss / scale_of_objective).backward()
        optimizer.step()
    got = alone(recipe).logits(binary.val.x)
    torch.testing.assert_close(got, (x_val @ table_ + bias).detach(), rtol=1e-7, atol=1e-7)


def test_the_best_weights_come_back(multi: Toy) -> None:
    """The score of the predictor is the minimum of its curve, reached at best_step, and not at the end."""
    recipe = multi.recipe(max_steps=400, eval_every=5, lr=0.05, patience=6, decay=0.0)
    got = alone(recipe)
    natural = torch.bincount(multi.train.y).double() / len(multi.train)
    z = got.logits(multi.val.x).double() + natural.log() - got.prior.log()
    score = refined_log_loss(z.numpy(), multi.val.y.numpy())
    scores = dict(got.curve)
    assert score == pytest.approx(min(scores.values()), abs=1e-9)
    assert scores[int(got.notes["best_step"])] == min(scores.values())
    assert got.curve[-1][1] > min(scores.values()) + 1e-3
    assert got.cost.steps == got.notes["best_step"] + 6 * 5 < 400
    assert got.cost.steps == got.curve[-1][0]


def test_early_stopping_looks_at_prior_corrected_logits(multi: Toy) -> None:
    """Weights that balance the classes are not punished for the shift: the score is that of the corrected logits."""
    recipe = ClassWeights().prepare(multi.recipe(max_steps=20, eval_every=20))
    got = alone(recipe)
    natural = torch.bincount(multi.train.y).double() / len(multi.train)
    raw, y = got.logits(multi.val.x).double(), multi.val.y.numpy()
    corrected = raw + natural.log() - got.prior.log()
    ((_, score),) = got.curve
    assert score == pytest.approx(refined_log_loss(corrected.numpy(), y), abs=1e-9)
    assert abs(score - refined_log_loss(raw.numpy(), y)) > 0.005
    assert score == pytest.approx(refined_log_loss(30 * corrected.numpy(), y), abs=1e-3)  # nor for their scale


def test_select_last_is_the_last_step_without_a_curve(binary: Toy) -> None:
    last = alone(binary.recipe(select="last", max_steps=40, eval_every=5, patience=1))
    assert last.curve == ()
    assert (last.cost.steps, last.notes["best_step"]) == (40, 40)


@dataclass(frozen=True, eq=False)
class Counting:
    """Cross entropy that counts its batches and their rows."""

    prior_exact: ClassVar[bool] = True
    batches: tuple[list[int], ...]

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.batches[0].append(targets.shape[-1])
        return CrossEntropy()(outputs, targets)


@pytest.mark.parametrize("most", [1, 7, 20, 33])
def test_max_steps_is_never_exceeded(most: int, binary: Toy) -> None:
    """Optimiser steps counted from within the loss, whatever the interval between looks."""
    batches: list[int] = []
    got = alone(binary.recipe(max_steps=most, eval_every=10, patience=100, loss=Counting((batches,))))
    assert batches[1:] == [32] * most  # the first call was for the scale of the objective, two kinds of rows
    assert got.cost.steps == most
    assert got.curve[-1][0] == most


def test_members_with_other_budgets_stop_at_their_own(binary: Toy) -> None:
    recipe = binary.recipe(eval_every=10, patience=100)
    got = together([replace(recipe, max_steps=n, seed=n) for n in (5, 40, 10)])
    assert [member.cost.steps for member in got] == [5, 40, 10]


@pytest.mark.parametrize("model", [MLP(dim=8), Linear()], ids=str)
def test_the_heads_bias_starts_at_the_log_prior_that_it_will_see(model: Any, multi: Toy) -> None:
    """Of the rows and weights that training draws, not of the table; at zero where the recipe says so."""
    recipe = multi.recipe(model=model)
    n = torch.bincount(multi.train.y).double()
    treated = Undersample(ratio=0.5).prepare(recipe)
    cases = [
        (recipe, n),
        (Oversample().prepare(recipe), torch.ones(4).double()),
        (treated, n.clamp_max(int(int(n.min()) / 0.5))),
        (ClassWeights(scheme="sqrt").prepare(recipe), n.sqrt()),
    ]
    for r, mass in cases:
        bias = Fit([r], CPU).network.head.bias
        assert isinstance(bias, Tensor)
        torch.testing.assert_close(bias.detach().flatten(), (mass / mass.sum()).log().float(), rtol=1e-6, atol=1e-6)
    zero = Fit([replace(recipe, prior_bias=False)], CPU).network.head.bias
    assert isinstance(zero, Tensor)
    assert not zero.any()


def test_predictions_come_in_chunks(multi: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = alone(multi.recipe())
    whole, encoded = predictor.logits(multi.val.x), predictor.encode(multi.val.x)
    monkeypatch.setattr("bench.training.predictor.CHUNK", 7)
    torch.testing.assert_close(predictor.logits(multi.val.x), whole)
    torch.testing.assert_close(predictor.encode(multi.val.x), encoded)
    with pytest.raises(Inapplicable, match="no encoder"):
        alone(multi.recipe(model=Linear())).encode(multi.val.x)


# --- rows ---


def stream_of(y: list[int], **fields: Any) -> RowStream:
    x = Features((), {"rows": torch.zeros(len(y), 1)})
    split = Split(x, torch.tensor(y), max(y) + 1)
    return RowStream(Recipe(train=split, val=split, **fields))


def test_batches_without_the_rarest_class_are_counted(binary: Toy) -> None:
    """One rare row among 64: of the four batches of an epoch three have none, in the record too."""
    stream = stream_of([0] * 63 + [1], batch_size=16)
    for _ in range(5):
        stream.take(4)
    assert (stream.batches, stream.without_rarest) == (20, 15)
    y = torch.zeros(len(binary.train), dtype=torch.int64)
    y[7] = 1
    notes = alone(binary.recipe(train=replace(binary.train, y=y), batch_size=24, max_steps=20)).notes
    assert (notes["batches"], notes["batches_without_rarest_class"]) == (20.0, 18.0)
    every = alone(binary.recipe(train=replace(binary.train, y=torch.arange(240) % 2), max_steps=20)).notes
    assert "batches_without_rarest_class" not in every


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=30),
    st.integers(1, 9),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
def test_a_stream_accounts_for_every_row(
    y: list[int], size: int, takes: list[int], sampled: bool, data: st.DataObject
) -> None:
    """Batches of any size cut whole epochs; weights have mean 1 over each epoch; the mass is that of the epochs."""
    seed = data.draw(st.integers(0, 2**31))
    weight = torch.tensor(
        data.draw(st.lists(st.floats(0.1, 100), min_size=len(y), max_size=len(y))), dtype=torch.float64
    )
    sampler = (DrawMore(1.0),) if sampled else ()
    stream = stream_of(y, batch_size=size, seed=seed, sampler=sampler)
    stream.recipe = stream.recipe.reweight(weight)
    labels = stream.recipe.train.y
    got = [stream.take(t) for t in takes]
    rows = torch.cat([r.reshape(-1) for r, _ in got])
    weights = torch.cat([w.reshape(-1) for _, w in got if w is not None])
    assert [tuple(r.shape) for r, _ in got] == [(t, size) for t in takes]
    g, epochs = stream.recipe.generator("order"), list[Tensor]()
    while sum(map(len, epochs)) < len(rows):
        epochs.append(stream.recipe.epoch(g))
    drawn = torch.cat(epochs)
    assert torch.equal(rows, drawn[: len(rows)])
    scaled = [weight[e] / weight[e].mean() for e in epochs]
    for w in scaled:
        assert w.mean().item() == pytest.approx(1, rel=1e-12)
    torch.testing.assert_close(weights, torch.cat(scaled)[: len(rows)], rtol=1e-12, atol=0)
    assert stream.mass.sum().item() == pytest.approx(len(drawn), rel=1e-9)
    expected = torch.bincount(labels[drawn], weights=torch.cat(scaled), minlength=len(stream.mass))
    torch.testing.assert_close(stream.mass, expected, rtol=1e-9, atol=1e-9)
    assert stream.prior().sum().item() == pytest.approx(1, rel=1e-12)


def test_an_epoch_without_resampling_is_every_row_once() -> None:
    stream = stream_of([0, 1] * 10, batch_size=5)
    first, second = (stream.take(4)[0].flatten().tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert stream.take(1)[1] is None


def test_a_class_that_is_never_drawn_has_a_finite_log_prior() -> None:
    """Half a row, as the metrics count it."""
    prior = stream_of([0, 0, 2]).prior()
    assert bool(torch.isfinite(prior.log()).all())


def test_an_epoch_without_rows_is_refused() -> None:
    stream = stream_of([0, 1], sampler=(lambda rows, y, g: rows[:0],))
    with pytest.raises(ValueError, match="an epoch without any; lower the ratio"):
        stream.take(1)


def test_streams_are_one_per_purpose_and_seed(binary: Toy) -> None:
    """Order, encoder, head, noise and augmentation do not share draws; the same purpose and seed always do."""
    purposes = ("order", "encoder", "head", "noise", "augment")
    seeds = [binary.recipe(seed=s).generator(p).initial_seed() for s in range(4) for p in purposes]
    assert len(set(seeds)) == 20
    assert seeds == [binary.recipe(seed=s).generator(p).initial_seed() for s in range(4) for p in purposes]


# --- ragged rows ---

ragged = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.floats(-2, 2, width=32)), max_size=5), min_size=1, max_size=8
)
Ragged = list[list[tuple[int, float]]]


def bag(rows: Ragged) -> Bag:
    flat = [pair for row in rows for pair in row]
    ends = np.cumsum([0, *map(len, rows)])
    return Bag(
        torch.tensor([i for i, _ in flat], dtype=torch.int32),
        torch.tensor([w for _, w in flat], dtype=torch.float64),
        torch.tensor(ends, dtype=torch.int32),
    )


def unbag(b: Bag) -> Ragged:
    """Back to lists, checking the layout on the way."""
    assert b.ids.dtype == b.offsets.dtype == torch.int32
    assert len(b.ids) == len(b.weights) == int(b.offsets[-1])
    ends = b.offsets.tolist()
    pairs = list(zip(b.ids.tolist(), b.weights.tolist(), strict=True))
    return [pairs[i:j] for i, j in pairwise(ends)]


@settings(max_examples=100, deadline=None)
@given(ragged, st.data())
def test_taking_rows_of_a_bag_is_indexing_a_list(rows: Ragged, data: st.DataObject) -> None:
    """Any order, repeats, empty rows, no rows at all."""
    at = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=12))
    taken = bag(rows).take(torch.tensor(at, dtype=torch.int64))
    assert len(taken) == len(at)
    assert unbag(taken) == [rows[i] for i in at]


@settings(max_examples=100, deadline=None)
@given(st.lists(ragged, min_size=1, max_size=4), st.data())
def test_joining_bags_is_joining_lists(parts: list[Ragged], data: st.DataObject) -> None:
    """And taking from the join is taking from the joined list."""
    joined = Bag.cat([bag(rows) for rows in parts])
    rows = [row for part in parts for row in part]
    assert unbag(joined) == rows
    at = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=12))
    assert unbag(joined.take(torch.tensor(at))) == [rows[i] for i in at]


def test_features_take_and_join_all_fields_alike(multi: Toy) -> None:
    x, at = multi.val.x, torch.tensor([5, 0, 5, 119])
    parts = x.take(at)
    matrix = dense(x)
    assert len(parts) == 4
    assert torch.equal(dense(parts), matrix[at])
    assert torch.equal(dense(Features.cat([parts, x.take(torch.tensor([3]))])), matrix[[5, 0, 5, 119, 3]])


# --- layers ---


@settings(max_examples=50, deadline=None)
@given(ragged, st.integers(1, 3), st.integers(0, 2**31))
def test_the_sum_of_a_bag_and_its_gradient_are_torchs(rows: Ragged, width: int, seed: int) -> None:
    """Against embedding_bag's own backward, repeated terms and empty rows included."""
    g, b = torch.Generator().manual_seed(seed), bag(rows)
    start = torch.randn(10, width, generator=g, dtype=torch.float64)
    up = torch.randn(len(rows), width, generator=g, dtype=torch.float64)
    ours, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    out = BagSum.apply(ours, b.ids, b.weights, b.offsets)
    ref = functional.embedding_bag(b.ids, theirs, b.offsets[:-1], per_sample_weights=b.weights, mode="sum")
    torch.testing.assert_close(out, ref, rtol=1e-13, atol=1e-13)
    out.backward(up)
    ref.backward(up)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-12, atol=1e-12)


def test_gradient_of_the_sum_of_a_bag() -> None:
    b = bag([[(0, 0.5), (3, -1.0), (0, 2.0)], [], [(4, 1.5)]])
    start = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: BagSum.apply(t, b.ids, b.weights, b.offsets), (start,))


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_dropout_is_the_same_alone_and_stacked(rate: float) -> None:
    """One stream per member, whatever the others draw; the mean is kept; off in evaluation."""
    layer = Dropout(rate)
    x = torch.ones(3, 400, 5)

    def masks(members: list[int], steps: int = 3) -> Tensor:
        layer.streams = [torch.Generator().manual_seed(k) for k in members]
        return torch.stack([layer(x[: len(members)]) for _ in range(steps)])

    stacked = masks([0, 1, 2])
    for k in range(3):
        assert torch.equal(masks([k])[:, 0], stacked[:, k])
    if rate:
        assert stacked.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
        assert not torch.equal(stacked[0, 0], stacked[0, 1])
        assert not torch.equal(stacked[0, 0], stacked[1, 0])
        assert stacked.mean().item() == pytest.approx(1, abs=0.03)
    else:
        assert torch.equal(stacked[0], x)
    assert torch.equal(layer.eval()(x), x)


# --- another device ---


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("stack", [1, 16])
@pytest.mark.parametrize(
    "name",
    STRATEGIES.names(),
)
def test_the_gpu_trains_what_the_cpu_trains(name: str, stack: int, multi: Toy) -> None:
    """Logits agree in float64; without dropout, whose noise is drawn on the device."""
    device = pick_device()
    assert device.type == "cuda"
    for model in (MLP(dim=8, hidden=(6,), dropout=0.0), Linear()):
        strategy = STRATEGIES.get(name)()
        if strategy.needs_encoder and not model.has_encoder:
            continue
        recipes = [multi.recipe(model=model, dtype=torch.float64, max_steps=12, seed=s) for s in (1, 2)]
        found: dict[int, Any] = {}
        parts = () if name == "none" else (strategy,)
        drive([Chain(parts).train(r) for r in recipes], found.__setitem__, device=device, stack=stack)
        for i, recipe in enumerate(recipes):
            assert isinstance(found[i], Predictor), found[i]
            expected = logits(Chain(parts).train(recipe), recipe.val)
            torch.testing.assert_close(found[i].logits(recipe.val.x), expected, rtol=1e-8, atol=1e-9)
