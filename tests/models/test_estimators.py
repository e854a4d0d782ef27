"""Estimators beside networks: a small one of scikit-learn's as the witness, through recipes, sweeps and tuning."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from bench.evaluation.views import refined_log_loss
from bench.models.registry import kind, refusal
from bench.training.estimators import EstimatorWatch, FittedEstimator
from bench.training.scoring import Diverged
from bench.training.stacking import members_that_fit
from strategies.class_weights import ClassWeights
from strategies.crt import Crt
from strategies.focal import Focal, FocalLoss
from strategies.none import Plain
from strategies.oversample import Oversample
from strategies.parts.corrupted import Corrupt
from strategies.registry import STRATEGIES
from strategies.spec import CosineHead, Cost, Features, Inapplicable, LinearHead, Predictor, Recipe, Takes, Watch
from strategies.stack import Chain
from strategies.undersample import Undersample
from tests import ROOT
from tests.command_line import imbench, records
from tests.conftest import CPU, Toy, dense, outcomes, trained
from tests.models.plugin import Offered, install
from tests.models.sklearn_logistic import SklearnLogistic
from tests.models.test_ordinary import numeric

CODE = (ROOT / "tests" / "models" / "sklearn_logistic.py").read_text(encoding="utf-8")
YAML = "name: sklearn_logistic\nc: 1.0\nspace:\n  c: {low: 0.01, high: 10.0, log: true}\n"
TINY = ("data=digits_lt", "model=sklearn_logistic")


@dataclass(frozen=True, eq=False)
class Constant(Predictor):
    """The same logits for every row."""

    z: tuple[float, ...]
    prior: Tensor
    cost: Cost = field(default_factory=Cost)
    prior_exact: bool = True
    notes: Any = field(default_factory=dict)

    def logits(self, x: Features) -> Tensor:
        return torch.tensor(self.z).repeat(len(x), 1)


@dataclass(frozen=True, kw_only=True)
class Stepwise:
    """Gives logits that get better up to step `best`, and worse from then on."""

    name: ClassVar[str] = "stepwise"
    version: ClassVar[int] = 1
    has_encoder: ClassVar[bool] = False
    honours: ClassVar[frozenset[Any]] = frozenset({"weight", "sampler", "loss", "offset"})
    budget: ClassVar[frozenset[str]] = frozenset({"max_steps", "eval_every", "patience"})
    best: int = 30
    broken: bool = False

    def fit(self, recipe: Recipe, watch: Watch) -> Predictor:
        prior = recipe.embodied(recipe.mass())
        truth = torch.nn.functional.one_hot(recipe.val.y, recipe.val.n_classes).double()
        noise = torch.randn(truth.shape, generator=recipe.generator("noise"), dtype=torch.float64)
        for step in range(recipe.eval_every, recipe.max_steps + 1, recipe.eval_every):
            z = truth + noise * (1 + abs(step - self.best) / 10)
            watch(step, z * (math.nan if self.broken else 1.0), prior)
            if watch.over:
                break
        return Constant((0.0,) * recipe.train.n_classes, prior, Cost(steps=step))


# --- recipes ---


def matrix(recipe: Recipe) -> np.ndarray[Any, Any]:
    return dense(recipe.train.x).numpy()


@pytest.mark.parametrize("strategy", [None, ClassWeights(), Oversample(), Undersample()], ids=str)
def test_weights_and_samplers_are_what_scikit_learn_makes_of_them(strategy: Any, multi: Toy) -> None:
    """Counts on unique rows, times row weights: the same optimum as with the rows themselves, repeated."""
    recipe = numeric(multi, model=SklearnLogistic())
    treated = recipe if strategy is None else strategy.prepare(recipe)
    got = trained(Chain(() if strategy is None else (strategy,)).train(recipe))
    rows = treated.epoch(treated.generator("order"))
    weight = np.ones(len(rows)) if treated.train.weight is None else treated.train.weight[rows].numpy()
    oracle = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8)
    oracle.fit(matrix(recipe)[rows], treated.train.y[rows].numpy(), sample_weight=weight / weight.mean())
    expected = oracle.predict_log_proba(dense(recipe.val.x).numpy())
    np.testing.assert_allclose(got.logits(recipe.val.x).log_softmax(-1).numpy(), expected, atol=2e-4)
    mass = np.bincount(treated.train.y[rows].numpy(), weights=weight)
    np.testing.assert_allclose(got.prior.numpy(), mass / mass.sum(), rtol=1e-9)
    assert got.prior_exact
    assert (got.cost.fits, got.cost.together) == (1, 1)
    assert got.cost.steps >= 1
    assert got.cost.seconds > 0


def test_an_estimator_is_scored_as_a_network_is(multi: Toy) -> None:
    """One look at its end where it makes none: the refined log loss of the prior-corrected logits."""
    recipe = ClassWeights().prepare(numeric(multi, model=SklearnLogistic()))
    got = outcomes([Chain(()).train(recipe)])[0]
    assert isinstance(got, FittedEstimator)
    natural = torch.bincount(multi.train.y).double() / len(multi.train)
    corrected = got.logits(recipe.val.x).double() + natural.log() - got.prior.log()
    ((step, score),) = got.curve
    assert score == pytest.approx(refined_log_loss(corrected.numpy(), multi.val.y.numpy()), abs=1e-9)
    assert step == got.cost.steps == got.notes["best_step"]


def test_patience_best_step_and_curve_are_the_harnesss(binary: Toy) -> None:
    recipe = numeric(binary, model=Stepwise(), max_steps=200, eval_every=10, patience=3)
    got = outcomes([Chain(()).train(recipe)])[0]
    assert isinstance(got, FittedEstimator)
    assert [step for step, _ in got.curve] == list(range(10, got.cost.steps + 1, 10))
    best = int(got.notes["best_step"])
    assert dict(got.curve)[best] == min(score for _, score in got.curve)
    assert got.cost.steps == best + 30 < 200


def test_a_listener_hears_every_look_and_may_end_the_fit(binary: Toy) -> None:
    """As for pruning."""
    heard: list[int] = []

    class Enough(Exception):
        pass

    def listener(recipe: Recipe, step: int, score: float) -> None:
        heard.append(step)
        if step == 30:
            raise Enough

    from bench.training.trainer import drive

    found: dict[int, Any] = {}
    recipe = numeric(binary, model=Stepwise(), max_steps=200, eval_every=10)
    drive([Chain(()).train(recipe)], found.__setitem__, device=CPU, watches={0: listener})
    assert heard == [10, 20, 30]
    assert isinstance(found[0], Enough)


def test_outputs_that_are_not_finite_are_a_divergence(binary: Toy) -> None:
    (outcome,) = outcomes([Chain(()).train(numeric(binary, model=Stepwise(broken=True)))])
    assert isinstance(outcome, Diverged)


def test_looks_of_another_shape_are_refused(binary: Toy) -> None:
    recipe = numeric(binary, model=Stepwise())
    watch = EstimatorWatch(recipe, None)
    with pytest.raises(ValueError, match=r"model stepwise: expected logits \(120, 2\).*got \(3, 2\) after 5"):
        watch(5, torch.zeros(3, 2), torch.tensor([0.5, 0.5]))


def test_of_looks_that_separate_validation_the_one_with_the_least_loss_is_kept(binary: Toy) -> None:
    """All of them score 0; the first one would be kept by luck, and nothing after it could count."""
    recipe = numeric(binary, model=Stepwise())
    watch, prior = EstimatorWatch(recipe, None), recipe.embodied(recipe.mass())
    truth = torch.nn.functional.one_hot(recipe.val.y, 2).double()
    told = [watch(step, truth * size, prior) for step, size in ((1, 1.0), (2, 3.0), (3, 2.0), (4, 4.0))]
    assert {score for _, score in watch.curve} == {0.0}
    assert told == [True, True, False, True]
    assert watch.best_step == 4


def test_a_prior_that_is_none_is_refused(binary: Toy) -> None:
    class Wrong(Stepwise):
        def fit(self, recipe: Recipe, watch: Watch) -> Predictor:
            return Constant((0.0, 0.0), torch.tensor([0.5, 0.1]))

    (outcome,) = outcomes([Chain(()).train(numeric(binary, model=Wrong()))])
    assert isinstance(outcome, ValueError)
    assert "expected the predictor's prior as 2 positive numbers with sum 1" in str(outcome)


# --- what cannot be honoured ---


def test_what_an_estimator_cannot_honour_is_refused_with_the_reason(binary: Toy) -> None:
    """Everything that a recipe may ask for, one after another; never left out."""
    plain = numeric(binary, model=SklearnLogistic())
    start = trained(Chain(()).train(numeric(binary)))
    asks = {
        "augmented batches": replace(plain, augment=(Corrupt(0.5),)),
        "a start from another model": plain.change(init=start),
        "a cosine head": plain.change(head=CosineHead()),
        "a head of its own width": plain.change(head=LinearHead(7)),
        "a rate of its own for the encoder": replace(plain, encoder_rate=0.5),
        "the loss FocalLoss": plain.change(loss=FocalLoss(2.0)),
        "an offset of the logits": plain.change(offset=(0.0, 1.0)),
    }
    for words, recipe in asks.items():
        (outcome,) = outcomes([Chain(()).train(recipe)])
        assert isinstance(outcome, Inapplicable), words
        assert f"model sklearn_logistic cannot honour {words}" in str(outcome)
    (fine,) = outcomes([Chain(()).train(replace(asks["the loss FocalLoss"], model=Stepwise()))])
    assert isinstance(fine, Predictor)


def test_refusals_are_known_from_the_classes() -> None:
    """Without data: what a strategy sets, and whether it needs a representation."""
    assert kind(SklearnLogistic) == "estimator"
    assert refusal(SklearnLogistic, Plain()) == ""
    assert "sets the loss, which model 'sklearn_logistic' cannot" in refusal(SklearnLogistic, Focal())
    assert refusal(Stepwise, Focal()) == ""
    assert "has none" in refusal(Stepwise, Crt())


def test_estimators_never_stack(binary: Toy) -> None:
    recipes = [numeric(binary, model=Stepwise(), seed=s) for s in range(3)]
    assert members_that_fit(recipes, CPU, 3) == 1
    assert len(outcomes([Chain(()).train(r) for r in recipes], stack=3)) == 3


# --- through the commands ---


def test_an_external_estimator_goes_through_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by its entry point; records of what applies, reasons for the rest, one board with a network's."""
    where = install(tmp_path, monkeypatch, Offered("sklearn_logistic", CODE, YAML, "SklearnLogistic"))
    names = "none,class_weights,oversample,undersample,focal,self_supervised"
    assert imbench("run", "-m", f"strategy={names}", *TINY, where, results=tmp_path / "results") == 0
    found = {strategy: record for (strategy, _), record in records(tmp_path / "results").items()}
    done = {name: record for name, record in found.items() if record.status == "done"}
    assert set(done) == {"none", "class_weights", "oversample", "undersample"}
    assert len({record.metrics["default/macro_f1"] for record in done.values()}) > 1
    for record in done.values():
        assert record.cost["fits"] == 1
        assert record.cost["steps"] >= 1
        assert len(record.curve) == 1
    assert found["focal"].status == found["self_supervised"].status == "skipped"
    assert "sets the loss" in found["focal"].reason
    assert imbench("publish", results=tmp_path / "results") == 0


def test_settings_that_mean_nothing_to_an_estimator_are_no_part_of_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learning rate, say: the cell is the same."""
    where = install(tmp_path, monkeypatch, Offered("sklearn_logistic", CODE, YAML, "SklearnLogistic"))
    for rate in (0.1, 0.2):
        assert imbench("run", *TINY, f"train.lr={rate}", where, results=tmp_path / "results") == 0
    assert len(records(tmp_path / "results")) == 1
    ((record,),) = [tuple(records(tmp_path / "results").values())]
    assert record.config["train"] == {}
    assert record.config["model"]["takes"] == {"categories": "one-hot"}


def test_an_estimator_is_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its own space only."""
    where = install(tmp_path, monkeypatch, Offered("sklearn_logistic", CODE, YAML, "SklearnLogistic"))
    assert imbench("tune", *TINY, "tune.trials=3", "tune.batch=3", where, results=tmp_path / "results") == 0
    (tuned,) = (tmp_path / "results" / "tuned").rglob("*.yaml")
    text = tuned.read_text(encoding="utf-8")
    assert "model" in text
    assert "c:" in text
    assert "lr:" not in text


def test_every_strategy_says_what_it_would_set() -> None:
    """The check that plan-time refusals rest on; its owners are tested in the contract suite."""
    owners = {name: STRATEGIES.get(name).owns for name in STRATEGIES.names()}
    assert owners["focal"] == {"loss"}
    assert Takes() == Takes(missing="imputed", categories="codes", text="terms")
