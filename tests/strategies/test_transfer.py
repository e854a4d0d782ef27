"""Transfer: frozen means frozen, the source is trained like none, a start keeps what it is asked to keep."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.build import build_network
from bench.training.adam import TABLE_EPS
from bench.training.row_stream import RowStream
from strategies.predictor import Predictor
from strategies.spec import (
    Inapplicable,
    LinearHead,
    Recipe,
)
from strategies.stack import Chain
from strategies.transfer import Transfer
from tests.conftest import SCHEMA, Toy, asking, logits, trained
from tests.strategies.fits import bits, fitted, identical, run
from tests.strategies.rows import gen, numeric


@pytest.mark.oracle("transfer", "frozen bits")
@pytest.mark.parametrize("hidden", [(), (5,)])
def test_a_frozen_encoder_stays_bit_identical(hidden: tuple[int, ...], binary: Toy) -> None:
    """freeze trains the head only, under weight decay too."""
    recipe = binary.recipe(model=MLP(dim=8, hidden=hidden), max_steps=30, weight_decay=0.1)
    training = Chain((Transfer(freeze=True),)).train(recipe)
    (ask,) = next(training)
    source = trained(asking(ask))
    (second,) = training.send([source])
    target = trained(asking(second))
    assert identical(bits(fitted(source).state, "encoder."), bits(fitted(target).state, "encoder."))
    x = recipe.val.x
    assert torch.equal(source.encode(x), target.encode(x))
    tuned = trained(asking(replace(second, encoder_rate=0.3)))
    assert not identical(bits(fitted(source).state, "encoder."), bits(fitted(tuned).state, "encoder."))


def test_a_frozen_encoder_stays_bit_identical_in_float64(binary: Toy) -> None:
    recipe = binary.recipe(dtype=torch.float64)
    source = trained(asking(recipe))
    target = trained(asking(replace(recipe, init=source, encoder_rate=0.0)))
    assert identical(bits(fitted(source).state, "encoder."), bits(fitted(target).state, "encoder."))


def test_the_source_is_trained_like_none_on_the_other_label(binary: Toy) -> None:
    """The source recipe is the plain one on the source's rows; the target starts from its encoder with a new head."""
    training = Transfer().train(binary.recipe())
    (source,) = next(training)
    assert (source.train, source.val) == binary.extra["other"]
    assert source.auxiliary
    assert replace(source, train=binary.train, val=binary.val) == binary.recipe()
    predictor = trained(asking(source))
    (target,) = training.send([predictor])
    assert target.init is predictor
    assert (target.encoder_rate, target.keep_head) == (0.3, False)


@pytest.mark.oracle("transfer", "plain torch")
def test_transfer_from_the_target_itself_continues_training(binary: Toy) -> None:
    """Starting from the same label with the head kept is the next stretch of training: written out in plain torch."""
    x = torch.randn(64, 3, generator=gen(4))
    y = (x[:, 0] + 0.5 * torch.randn(64, generator=gen(5)) > 1).long()
    train = numeric(y, x, 2)
    recipe = Recipe(
        train=train,
        val=train,
        model=Linear(l2=0.5),
        batch_size=16,
        max_steps=10,
        eval_every=10,
        select="last",
        lr=0.05,
        dtype=torch.float32,
        extra={"same": (train, train)},
    )
    first = trained(asking(recipe))
    second = trained(asking(replace(recipe, init=first, keep_head=True)))
    w, b = (fitted(first).state[k][0].clone().requires_grad_() for k in ("head.sum.tables.numeric", "head.bias"))
    optimizer = torch.optim.AdamW([{"params": [w], "eps": TABLE_EPS}, {"params": [b]}], lr=0.05, weight_decay=0.0)
    rows, _ = RowStream(recipe).take(10)
    scale = y.double().std(correction=0).item()  # of the objective's gradient on the logits, which it is divided by
    for batch in rows:
        optimizer.zero_grad()
        loss = functional.cross_entropy(x[batch] @ w + b, y[batch]) + 0.5 * (2 * 0.5 / 64) * (w**2).sum()
        (loss / scale).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    torch.testing.assert_close(second.logits(train.x), (x @ w + b).detach(), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(second.logits(train.x), first.logits(train.x), atol=1e-3)


def test_a_start_keeps_every_parameter_it_is_asked_to_keep(binary: Toy) -> None:
    """keep_head: all of them, bit for bit; without: the encoder's, and a new head from the seed."""
    recipe = binary.recipe(max_steps=20)
    source = trained(asking(recipe))
    prior = torch.tensor([0.875, 0.125])
    for keep in (True, False):
        network = build_network(recipe.model, 1, SCHEMA, LinearHead(), 2)
        network.start(0, replace(recipe, init=source, keep_head=keep), prior)
        started, old = network.state_dict(), fitted(source).state
        assert identical(bits(started, "encoder."), bits(old, "encoder."))
        assert identical(bits(started, "head."), bits(old, "head.")) is keep


def test_transfer_starts_through_wrappers_and_refuses_combinations(binary: Toy) -> None:
    """A shifted or costed predictor is one trained model; an average of several has no parameters to start from."""
    recipe = binary.recipe()
    source = trained(asking(recipe))
    plain = logits(asking(replace(recipe, init=source)), recipe.val)
    shifted = logits(asking(replace(recipe, init=source.shift(torch.tensor([1.0, 0.0])))), recipe.val)
    assert torch.equal(plain, shifted)
    with pytest.raises(TypeError, match="one trained model, got a combination"):
        trained(asking(replace(recipe, init=Predictor())))


def test_transfer_without_a_source_is_inapplicable_and_says_what_there_is(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match=r"no source label 'price' beside this target \(there are: other\)"):
        run([Transfer(source="price")], binary.recipe())
    with pytest.raises(Inapplicable, match="has no other label to transfer from"):
        run([Transfer()], binary.recipe(extra={}, default_source=""))
    with pytest.raises(Inapplicable, match=r"no source label 'price' beside this target \(there are: none\)"):
        run([Transfer(source="price")], binary.recipe(extra={}, default_source=""))
