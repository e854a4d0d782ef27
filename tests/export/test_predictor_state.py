"""Every kind of predictor, written down as tensors and texts and read back, gives the same logits to the last bit."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load as read
from safetensors.torch import save
from sklearn.linear_model import LogisticRegression

from bench.export.errors import ExportError
from bench.export.predictor_state import Parts, dump_predictor, load_predictor
from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from bench.models.mlp import MLP
from strategies.balanced_bagging import BalancedBagging
from strategies.class_decomposition import ClassDecomposition
from strategies.easy_ensemble import EasyEnsemble
from strategies.ldam import Ldam
from strategies.logit_adjustment import LogitAdjustment
from strategies.none import Plain
from strategies.predictor import Mean, Predictor
from strategies.self_supervised import SelfSupervised
from strategies.spec import Chain, Cost, Features, Split, Strategy
from strategies.tau_norm import TauNorm
from tests.conftest import Toy, trained
from tests.models.sklearn_logistic import Fitted as FittedLogistic
from tests.models.sklearn_logistic import SklearnLogistic

TREES = LightGBM(max_trees=10, look_every=5)


@dataclass(frozen=True, kw_only=True)
class Writable(SklearnLogistic):
    """The same with what an export needs."""

    name: ClassVar[str] = "sklearn_logistic"

    def to_parts(self, predictor: Any) -> dict[str, Any]:
        held = predictor.model
        return {"coefficients": torch.from_numpy(held.coef_), "intercept": torch.from_numpy(held.intercept_)}

    def from_parts(self, parts: Any, prior: Any, *, prior_exact: bool) -> Predictor:
        model = LogisticRegression()
        model.classes_, model.coef_ = torch.arange(2).numpy(), parts["coefficients"].numpy()
        model.intercept_ = parts["intercept"].numpy()
        return FittedLogistic(model, prior, Cost(), prior_exact)


def round_trip(predictor: Predictor, model: Any) -> Predictor:
    """Through the bytes that lie in a folder."""
    parts = Parts()
    tree = json.loads(json.dumps(dump_predictor(predictor, model, parts)))
    tensors = read(save({name: tensor.contiguous() for name, tensor in parts.tensors.items()}))
    return load_predictor(tree, Parts(tensors, dict(parts.texts)))


@pytest.mark.parametrize(
    ("model", "strategies"),
    [
        (Linear(), [Plain()]),
        (MLP(dim=8), [Plain()]),
        (MLP(dim=8, hidden=(6,), bins=0), [Ldam()]),  # a cosine head
        (MLP(dim=8), [SelfSupervised(steps=3)]),
        (Linear(), [LogitAdjustment(mode="posthoc")]),  # shifted
        (MLP(dim=4), [BalancedBagging(members=2)]),
        (Linear(), [LogitAdjustment(mode="posthoc"), EasyEnsemble(members=2)]),  # a shift of an average
        (Linear(), [EasyEnsemble(members=2), LogitAdjustment(mode="posthoc")]),  # an average of shifts
        (MLP(dim=8, hidden=()), [TauNorm()]),
        (MLP(dim=8), [ClassDecomposition(clusters=2, least=2)]),
        (MLP(dim=8), [ClassDecomposition(clusters=2, least=2), TauNorm()]),
        (TREES, [Plain()]),
        (TREES, [BalancedBagging(members=2)]),
    ],
)
@pytest.mark.parametrize("name", ["binary", "multi"])
def test_logits_and_prior_survive(
    request: pytest.FixtureRequest, name: str, model: Any, strategies: list[Strategy]
) -> None:
    toy: Toy = request.getfixturevalue(name)
    predictor = trained(Chain(tuple(strategies)).train(toy.recipe(model=model)))
    again = round_trip(predictor, model)
    assert torch.equal(again.logits(toy.val.x), predictor.logits(toy.val.x))
    assert torch.equal(again.prior, predictor.prior)
    assert again.prior_exact == predictor.prior_exact


def dense(split: Split) -> Split:
    """Without the field of text."""
    schema = tuple(f for f in split.x.schema if f.kind != "bag")
    return replace(split, x=Features(schema, {f.name: split.x.columns[f.name] for f in schema}))


@pytest.mark.parametrize("strategies", [[Plain()], [BalancedBagging(members=2)]])
@pytest.mark.parametrize("name", ["binary", "multi"])
def test_an_ensemble_in_one_survives(request: pytest.FixtureRequest, name: str, strategies: list[Strategy]) -> None:
    pytest.importorskip("tabm", reason="needs the extra tabm")
    from bench.models.tabm import TabM

    toy, model = request.getfixturevalue(name), TabM(members=3, blocks=1, width=8, embedding=3, frequencies=5)
    small = Toy(dense(toy.train), dense(toy.val))
    predictor = trained(Chain(tuple(strategies)).train(small.recipe(model=model)))
    again = round_trip(predictor, model)
    assert torch.equal(again.logits(small.val.x), predictor.logits(small.val.x))


def test_another_version_of_the_package_behind_a_model_is_refused(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights may mean something else there, and nothing would say so."""
    pytest.importorskip("tabm", reason="needs the extra tabm")
    from bench.models.tabm import TabM

    model, small = TabM(members=2, blocks=1, width=4, embedding=0), Toy(dense(binary.train), dense(binary.val))
    parts = Parts()
    tree = dump_predictor(trained(Plain().train(small.recipe(model=model))), model, parts)
    load_predictor(tree, parts)
    monkeypatch.setattr("bench.models.tabm.version", lambda name: "9.9")
    with pytest.raises(ExportError, match=r"with which it was trained, got \{'tabm': '9.9'\}; install what"):
        load_predictor(tree, parts)


def test_an_estimator_says_what_it_is_made_of(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of somebody else's: refused until it has `to_parts` and `from_parts`, exact with them."""
    toy = binary
    numbers = tuple(f for f in toy.train.x.schema if f.kind == "numeric")

    def narrow(split: Split) -> Split:
        return replace(split, x=Features(numbers, {f.name: split.x.columns[f.name] for f in numbers}))

    small = Toy(narrow(toy.train), narrow(toy.val))
    plain = trained(Plain().train(small.recipe(model=SklearnLogistic())))
    with pytest.raises(ExportError, match="sklearn_logistic: expected an estimator that can be written down"):
        dump_predictor(plain, SklearnLogistic(), Parts())

    monkeypatch.setattr("bench.export.predictor_state.read_model", lambda raw: Writable(c=raw["c"]))
    predictor = trained(Plain().train(small.recipe(model=Writable())))
    assert torch.equal(round_trip(predictor, Writable()).logits(small.val.x), predictor.logits(small.val.x))


def test_what_is_not_known_is_refused(binary: Toy) -> None:
    class Odd(Predictor):
        pass

    with pytest.raises(ExportError, match="got Odd, which a strategy of your own made"):
        dump_predictor(Mean((Odd(),)), Linear(), Parts())
    with pytest.raises(ExportError, match="kind of predictor that is known here, got 'odd'"):
        load_predictor({"kind": "odd"}, Parts())
    tree = dump_predictor(trained(Plain().train(binary.recipe(model=Linear()))), Linear(), Parts())
    with pytest.raises(ExportError, match=r"expected its part 'model.prior', got none"):
        load_predictor(tree, Parts())
    with pytest.raises(ExportError, match="linear: expected version 1, which is installed, got weights of version 7"):
        load_predictor({**tree, "model": {**tree["model"], "version": 7}}, Parts())
