"""TabM by its authors' package: what the harness trains and predicts is what the package's rules say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.models.parts.build import build_network
from bench.models.parts.ordinary import Ordinary
from bench.models.registry import MODELS, kind, refusal
from bench.models.tabm import TabM
from bench.training.fit import Drawn, Fit
from strategies.crt import Crt
from strategies.registry import STRATEGIES
from strategies.spec import Features, Field, Inapplicable, LinearHead, Split
from strategies.stack import Chain
from tests.conftest import CPU, Toy, trained

pytest.importorskip("tabm", reason="needs the extra tabm")

SMALL = TabM(members=4, blocks=1, width=8, embedding=3, frequencies=5, dropout=0.0)


@pytest.fixture(scope="module")
def toy(binary: Toy) -> Toy:
    """Numbers and categories only."""

    def dense(split: Split) -> Split:
        schema = tuple(f for f in split.x.schema if f.kind != "bag")
        return replace(split, x=Features(schema, {f.name: split.x.columns[f.name] for f in schema}))

    return Toy(dense(binary.train), dense(binary.val))


def packages(network: nn.Module, x: Features) -> Tensor:
    """The members' logits (rows, members, C) by the package itself."""
    ordinary = next(m for m in network.modules() if isinstance(m, Ordinary))
    own = {name: value.squeeze(0) for name, value in ordinary.state().items()}
    out: Tensor = torch.func.functional_call(ordinary.module, own, (x,))
    return out


def started(toy: Toy, **settings: Any) -> Fit:
    """A fit of one member before its first step."""
    made = Fit([toy.recipe(model=SMALL, **settings)], CPU)
    made.begin()
    return made


def test_a_prediction_is_the_mean_of_the_members_probabilities(toy: Toy) -> None:
    network = started(toy).network.eval()
    members = packages(network, toy.val.x)
    assert members.shape[1] == SMALL.members
    assert not torch.allclose(members[:, 0], members[:, 1])
    torch.testing.assert_close(network(toy.val.x)[0].softmax(-1), members.softmax(-1).mean(1))


def test_every_member_has_a_loss_on_every_row_with_its_weight(toy: Toy) -> None:
    """A step's gradient is that of the mean of weighted losses over rows and members, by torch's cross entropy."""
    fit = started(toy, train=replace(toy.train, weight=torch.linspace(0.5, 2, len(toy.train)).double()))
    drawn = fit.draw(1)
    rows = drawn.rows[0, 0]
    weight = drawn.weights[0, 0] if drawn.weights is not None else torch.ones(len(rows))
    x, y = toy.train.x.take(rows), toy.train.y[rows]
    members = packages(fit.network.train(), x)
    losses = nn.functional.cross_entropy(members.flatten(0, 1), y.repeat_interleave(SMALL.members), reduction="none")
    expected = (losses.view(len(rows), -1) * weight.unsqueeze(1)).mean() / fit.members[0].scale
    parameters = [p for p in fit.network.parameters() if p.requires_grad]
    wanted = torch.autograd.grad(expected, parameters, allow_unused=True)
    fit.adam.step = lambda: None  # type: ignore[method-assign]
    fit.train_on(Drawn(drawn.rows, drawn.weights, 0.0))
    for p, grad in zip(parameters, wanted, strict=True):
        if grad is not None:
            torch.testing.assert_close(p.grad, grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("strategy", ["none", "focal", "oversample", "class_weights", "logit_adjustment"])
def test_strategies_train_it(toy: Toy, strategy: str) -> None:
    predictor = trained(Chain((STRATEGIES.get(strategy)(),)).train(toy.recipe(model=SMALL, max_steps=20)))
    assert predictor.logits(toy.val.x).shape == (len(toy.val), toy.val.n_classes)
    assert torch.isfinite(predictor.logits(toy.val.x)).all()


def test_what_it_lacks_is_said() -> None:
    assert kind(TabM) == "ordinary"
    assert MODELS.get("tabm") is TabM
    assert "has none" in refusal(TabM, Crt())
    with pytest.raises(Inapplicable, match="got bag"):
        SMALL.build((Field("text", "bag", sizes=(10,)),), LinearHead(), 2)
    for wrong in ({"members": 0}, {"dropout": 1.0}, {"embedding": -1}):
        with pytest.raises(ValueError, match="model tabm"):
            TabM(**wrong)


def test_encodings_with_a_member_axis_are_refused() -> None:
    class Encoding(TabM):
        has_encoder = True  # type: ignore[misc]

    with pytest.raises(ValueError, match="three axes"):
        build_network(Encoding(members=2, width=4), 1, (Field("a", "numeric", width=2),), LinearHead(), 2)


@pytest.mark.parametrize("schema", [(Field("a", "numeric", width=2),), (Field("c", "categorical", sizes=(3, 4)),)])
def test_tables_of_one_kind(schema: tuple[Field, ...]) -> None:
    network = build_network(SMALL, 1, schema, LinearHead(), 3)
    assert isinstance(network.head, Ordinary)
    assert network.head.width(schema) == 3
