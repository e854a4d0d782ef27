"""Ordinary modules as models: what the harness makes of them is what they are by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.build import build_network
from bench.models.parts.laws import Unstackable, check_stacking, trains_stacked
from bench.models.parts.layers import Affine
from bench.models.parts.network import MemberSettings, Network
from bench.models.registry import kind, refusal, takes
from bench.training.predictor import Fitted
from bench.training.stacking import members_that_fit
from bench.training.trainer import fit
from strategies.crt import Crt
from strategies.focal import FocalLoss
from strategies.ldam import Ldam
from strategies.registry import STRATEGIES, RegistryError
from strategies.spec import (
    CosineHead,
    CrossEntropy,
    Features,
    Field,
    Inapplicable,
    LinearHead,
    Recipe,
    Split,
    Takes,
)
from strategies.stack import Chain
from tests.conftest import CPU, Toy, outcomes, trained

NUMBERS = (Field("numeric", "numeric", width=3),)


class Body(nn.Module):
    """Three numbers to `width`."""

    def __init__(self, width: int, *, norm: bool = False, dropout: float = 0.0, spare: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, width), nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        if spare:
            self.unused = nn.Parameter(torch.ones(5))
            self.frozen = nn.Parameter(torch.full((width,), 2.0), requires_grad=False)
        else:
            self.frozen = torch.ones(width)

    def forward(self, x: Features) -> Tensor:
        z = x.columns["numeric"]
        assert isinstance(z, Tensor)
        out: Tensor = self.dropout(self.norm(self.second(self.first(z).relu()))) * self.frozen
        return out


@dataclass(frozen=True, kw_only=True)
class Plain:
    """An encoder, or with `logits` a whole classifier."""

    name: ClassVar[str] = "plain"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = True
    width: int = 8
    norm: bool = False
    dropout: float = 0.0
    spare: bool = False

    def build(self, schema: tuple[Field, ...], head: LinearHead | CosineHead, n_classes: int) -> nn.Module:
        return Body(self.width, norm=self.norm, dropout=self.dropout, spare=self.spare)


@dataclass(frozen=True, kw_only=True)
class Whole(Plain):
    """Gives logits itself."""

    has_encoder: ClassVar[bool] = False


def numeric(toy: Toy, **fields: Any) -> Recipe:
    """A recipe over the toy's numbers alone."""

    def cut(part: Split) -> Split:
        return replace(part, x=Features(NUMBERS, {"numeric": part.x.columns["numeric"]}))

    extra = {name: (cut(a), cut(b)) for name, (a, b) in toy.extra.items()}
    return replace(Toy(cut(toy.train), cut(toy.val), extra).recipe(model=Plain()), **fields)


def alone(recipe: Recipe) -> Fitted:
    (outcome,) = fit([recipe], CPU)
    assert isinstance(outcome, Fitted), outcome
    return outcome


# --- one module ---


@pytest.mark.parametrize("norm", [False, True])
def test_training_is_the_plain_loop_over_the_module(norm: bool, binary: Toy) -> None:
    """torch's own loop: the module from the seed's stream, an nn.Linear on it, AdamW, running statistics."""
    steps = 30
    recipe = numeric(
        binary,
        model=Plain(norm=norm),
        max_steps=steps,
        eval_every=steps,
        select="last",
        dtype=torch.float64,
        weight_decay=0.01,
    )
    got = alone(recipe)
    x, y = recipe.train.x.columns["numeric"], recipe.train.y
    assert isinstance(x, Tensor)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.generator("encoder").initial_seed())
        body = Body(8, norm=norm)
    head = nn.Linear(8, 2)
    g = recipe.generator("head")
    head.weight.data = ((torch.rand((8, 2), generator=g) * 2 - 1) / 8**0.5).T
    head.bias.data = (torch.bincount(y).double() / len(y)).log().float()
    model = nn.ModuleList([body, head]).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=0.01)
    order = recipe.generator("order")
    rows = torch.cat([recipe.epoch(order) for _ in range(10)])
    scale = y.double().std(correction=0).item()  # of the objective's gradient on the logits, which it is divided by
    for at in rows[: steps * 32].view(steps, 32):
        z = head(body(Features(NUMBERS, {"numeric": x[at].double()})))
        optimizer.zero_grad()
        (CrossEntropy()(z, y[at]).mean() / scale).backward()
        optimizer.step()
    model.eval()
    val = recipe.val.x.to(CPU, torch.float64)
    # Starts are drawn in float32, and the log prior is rounded to it.
    torch.testing.assert_close(got.encode(recipe.val.x), body(val).detach(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(got.logits(recipe.val.x), head(body(val)).detach(), rtol=1e-6, atol=1e-6)


def test_noise_is_the_members_own_and_the_global_stream_is_left_alone(binary: Toy) -> None:
    """The same draws whatever torch's global stream holds, and nothing is taken from it."""
    recipe = numeric(binary, model=Plain(dropout=0.5), max_steps=20)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = alone(recipe)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = alone(recipe)
    assert all(torch.equal(v, again.state[n]) for n, v in first.state.items())
    assert not torch.equal(first.state["head.weight"], alone(replace(recipe, model=Plain())).state["head.weight"])


def test_what_takes_no_part_or_wants_no_training_stays(binary: Toy) -> None:
    """Frozen parameters as they were made, unused ones too; the rest is trained."""
    state = alone(numeric(binary, model=Plain(spare=True), max_steps=20, weight_decay=0.1)).state
    assert torch.equal(state["encoder.module.frozen"], torch.full((1, 8), 2.0))
    assert torch.equal(state["encoder.module.unused"], torch.ones(1, 5))


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_trains_an_ordinary_module(name: str, multi: Toy) -> None:
    """Pretext stages, frozen encoders, starts from another fit, importance by its encoding."""
    strategy, recipe = STRATEGIES.get(name)(), numeric(multi, max_steps=6)
    if why := refusal(type(recipe.model), strategy):
        pytest.skip(why)
    predictor = trained(Chain(() if name == "none" else (strategy,)).train(recipe))
    z = predictor.logits(recipe.val.x)
    assert z.shape == (120, 4)
    assert bool(torch.isfinite(z).all())


def test_a_frozen_encoder_is_the_one_that_it_starts_from(binary: Toy) -> None:
    """`init` and `encoder_rate` reach an ordinary module."""
    start = alone(numeric(binary, seed=9))
    got = alone(numeric(binary, init=start, encoder_rate=0.0, max_steps=12))
    for name, value in got.state.items():
        assert name.startswith("head.") != torch.equal(value, start.state[name])


@pytest.mark.parametrize("head", [LinearHead(), LinearHead(5), CosineHead(scale=3.0)], ids=str)
def test_every_head_is_put_on_an_encoding(head: LinearHead | CosineHead) -> None:
    assert build_network(Plain(), 1, NUMBERS, head, 2).head.weight.shape[1:] == (8, head.out or 2)


def test_a_whole_classifier_gives_its_own_logits(binary: Toy) -> None:
    recipe = numeric(binary, model=Whole(width=2))
    assert alone(recipe).logits(recipe.val.x).shape == (120, 2)
    with pytest.raises(ValueError, match=r"model plain: expected 2 logits a row, got 7.*has_encoder = True"):
        build_network(Whole(width=7), 1, NUMBERS, LinearHead(), 2)
    with pytest.raises(Inapplicable, match="no encoding to compare by cosine"):
        build_network(Whole(width=2), 1, NUMBERS, CosineHead(), 2)
    (refused,) = fit([replace(recipe, model=Whole(width=7))], CPU)
    assert isinstance(refused, ValueError)


# --- several at once ---


def test_on_a_cpu_ordinary_modules_train_one_after_another(binary: Toy) -> None:
    """Unless a number is asked for."""
    recipes = [numeric(binary, seed=s) for s in range(4)]
    assert members_that_fit(recipes, CPU, "auto") == 1
    assert members_that_fit(recipes, CPU, 3) == 3
    noisy = [numeric(binary, model=Plain(dropout=0.5), seed=s) for s in range(4)]
    assert members_that_fit(noisy, CPU, 3) == 1


def test_modules_trained_at_once_are_those_trained_alone(binary: Toy) -> None:
    """By `torch.func`, in float64; losses that differ, members that end early, several batches of validation rows."""
    base = numeric(binary, dtype=torch.float64, max_steps=40, eval_every=10, patience=100)
    recipes = [
        base,
        replace(base, seed=1, loss=FocalLoss(2.0)),
        replace(base, seed=2, max_steps=20),
        replace(base, seed=3, val=base.train),
    ]
    for recipe, member in zip(recipes, fit(recipes, CPU), strict=True):
        assert isinstance(member, Fitted), member
        for name, value in alone(recipe).state.items():
            torch.testing.assert_close(member.state[name], value, rtol=1e-10, atol=1e-11)


def test_a_module_that_cannot_be_several_is_found(binary: Toy) -> None:
    """Noise cannot be each member's own under `vmap`; text has no dense form."""
    assert trains_stacked(Plain(), NUMBERS, LinearHead(), 2)
    assert not trains_stacked(Plain(dropout=0.5), NUMBERS, LinearHead(), 2)
    assert not trains_stacked(Plain(), (*NUMBERS, Field("text", "bag", sizes=(9,))), LinearHead(), 2)


# --- the law of stacking ---


class Mixing(nn.Module):
    """An encoder whose members or rows touch."""

    def __init__(self, members: int, how: str) -> None:
        super().__init__()
        self.how = how
        self.layer = Affine(members if how != "axis" else members + 1, 3, 4)

    def forward(self, x: Features) -> Tensor:
        z = x.columns["numeric"]
        assert isinstance(z, Tensor)
        h: Tensor = self.layer(z.view(len(self.layer.weight), -1, 3))
        if self.how == "members":
            return h + h.mean(0, keepdim=True)
        return h - h.mean(1, keepdim=True) if self.how == "rows" else h


@dataclass(frozen=True, kw_only=True)
class Liar:
    """Says that it stacks."""

    name: ClassVar[str] = "liar"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = True
    how: str

    def build_stack(self, members: int, schema: Any, head: Any, n_classes: int) -> Network:
        return Network(Mixing(members, self.how), Affine(members, 4, n_classes))

    def stacks_with(self) -> str:
        return self.how

    def member_settings(self, n_classes: int, rows: int) -> MemberSettings:
        return MemberSettings()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("members", r"model liar: expected member 0 of 3 to give what it gives alone, got outputs apart by"),
        ("rows", r"model liar: expected row 2 of 5 to give what it gives alone, got outputs apart by"),
        ("axis", r"model liar: expected a leading axis of 3 members in encoder.layer.weight, got shape \(4, 3, 4\)"),
    ],
)
def test_a_model_that_breaks_the_law_is_refused_before_it_is_stacked(how: str, words: str, binary: Toy) -> None:
    """Each cell learns why; alone it is nobody's business."""
    with pytest.raises(Unstackable, match=words):
        check_stacking(Liar(how=how), NUMBERS, LinearHead(), 2)
    made = [Chain(()).train(numeric(binary, model=Liar(how=how), seed=s)) for s in (1, 2)]
    assert all(isinstance(outcome, Unstackable) for outcome in outcomes(made, stack=2))


@pytest.mark.parametrize("model", [Linear(), MLP(dim=4), MLP(dim=4, hidden=(5, 3))], ids=str)
def test_models_that_say_that_they_stack_keep_the_law(model: Any, multi: Toy) -> None:
    check_stacking(model, multi.train.x.schema, LinearHead(), 4)
    check_stacking(model, NUMBERS, LinearHead(7), 2)


# --- what a model is ---


def test_a_model_is_one_of_three_kinds() -> None:
    """By the one method that it has."""
    assert [kind(m) for m in (Plain, Linear, MLP())] == ["ordinary", "stackable", "stackable"]
    with pytest.raises(RegistryError, match=r"model 'none': expected one method of build .*, got none"):
        kind(type("Empty", (), {"name": "none"}))
    with pytest.raises(RegistryError, match="got build and fit"):
        kind(type("Both", (), {"name": "both", "build": print, "fit": print}))


def test_a_model_takes_what_models_always_took_unless_it_says_otherwise() -> None:
    assert takes(Plain()) == takes(MLP) == Takes()
    assert Takes().key() == {}
    assert Takes(missing="kept", categories="one-hot").key() == {"missing": "kept", "categories": "one-hot"}


def test_networks_refuse_only_what_needs_an_encoding() -> None:
    assert refusal(Plain, Ldam()) == ""
    assert "has none" in refusal(Whole, Crt())
