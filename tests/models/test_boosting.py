"""Boosting against LightGBM with its own objectives, and against a loop over copies of the rows that were drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import torch
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.models.parts.boosting import BoostedTrees, boost, loaded
from bench.models.parts.tree_columns import matrix
from bench.models.parts.tree_growth import joined
from bench.training.estimators import EstimatorWatch
from strategies.class_weights import ClassWeights
from strategies.focal import FocalLoss
from strategies.oversample import Oversample
from strategies.spec import CrossEntropy, Features, Field, Inapplicable, Recipe, Split, Strategy, per_row
from strategies.undersample import Undersample
from tests.models.test_tree_objective import Opaque

ALL = {"num_leaves": 15, "feature_fraction": 1.0, "max_trees": 40, "patience": 1000}
NATIVE: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


def split(n: int, classes: int, seed: int) -> Split:
    """Numbers with gaps, a category in order of frequency, and classes that depend on both."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 5, generator=g)
    kind = (torch.rand(n, generator=g) ** 2 * 6).long() + 2
    y = (x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.3 * (kind == 3) + 0.5 * torch.randn(n, generator=g) > 1.2).long()
    if classes > 2:
        y += (x[:, 3] > 1).long()
    x[torch.rand(n, 5, generator=g) < 0.1] = float("nan")
    schema = (Field("numeric", "numeric", width=5), Field("categorical", "categorical", sizes=(8,), width=1))
    return Split(Features(schema, {"numeric": x, "categorical": kind.unsqueeze(1)}), y, classes)


def recipe(classes: int = 2, model: LightGBM | None = None, n: int = 1500, **fields: Any) -> Recipe:
    model = model or LightGBM(**ALL)  # type: ignore[arg-type]
    return Recipe(train=split(n, classes, 1), val=split(400, classes, 2), model=model, **fields)


def grown(made: Recipe) -> BoostedTrees:
    found = made.model.fit(made, EstimatorWatch(made, None))  # type: ignore[attr-defined]
    assert isinstance(found, BoostedTrees)
    return found


def centred(z: Any) -> np.ndarray:
    """Scores without what all classes of a row share."""
    z = np.asarray(z, dtype=np.float64)
    return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z - z.mean(1, keepdims=True)


def native(made: Recipe, trees: int, **settings: Any) -> np.ndarray:
    """LightGBM's own objective on the same rows and weights: scores of the validation rows."""
    classes = made.train.n_classes
    own = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    weight = None if made.train.weight is None else made.train.weight.numpy()
    data = lgb.Dataset(matrix(made.train.x), label=made.train.y.numpy(), weight=weight)
    booster = lgb.train({**NATIVE, **own, **settings}, data, num_boost_round=trees)
    z = booster.predict(matrix(made.val.x), raw_score=True)
    return np.asarray(z if classes == 2 else centred(z))


def weighted(made: Recipe) -> Recipe:
    """Weights that float32, LightGBM's type of them, holds exactly, with mean 1."""
    weight = torch.tensor([0.5, 1.5], dtype=torch.float64).repeat(len(made.train) // 2)
    return replace(made, train=replace(made.train, weight=weight))


# --- against LightGBM with its own objective ---


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_cross_entropy_is_lightgbms_own(classes: int, weights: bool) -> None:
    """With weights and the start from the prior, to 1e-9: gaps, categories and a last look included."""
    made = weighted(recipe(classes)) if weights else recipe(classes)
    found = grown(replace(made, select="last"))
    np.testing.assert_allclose(centred(found.logits(made.val.x)), native(made, 40), rtol=0, atol=1e-9)
    assert found.cost.steps == 40


def test_columns_of_each_tree_are_drawn_from_the_seed() -> None:
    made = recipe(model=LightGBM(**{**ALL, "feature_fraction": 0.5}))  # type: ignore[arg-type]
    first, again, other = (grown(replace(made, seed=s)).text for s in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("classes", [2, 3])
def test_an_offset_in_the_objective_is_a_start_of_lightgbms_own(classes: int) -> None:
    """Bare LightGBM with that as its init_score, whose predictions hold neither it nor the prior."""
    made = recipe(classes)
    offset = tuple(0.7 * i for i in range(classes))
    found = grown(replace(made, offset=offset, select="last"))
    mass = torch.bincount(made.train.y).double()
    start = (mass / mass.sum()).log().numpy() - np.array(offset)
    added = start + np.array(offset)
    score = np.tile(added[1] - added[0] if classes == 2 else added, (len(made.train), 1))
    own = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    data = lgb.Dataset(matrix(made.train.x), label=made.train.y.numpy(), init_score=score.squeeze())
    booster = lgb.train({**NATIVE, **own, "boost_from_average": False}, data, num_boost_round=40)
    z = np.asarray(booster.predict(matrix(made.val.x), raw_score=True))
    expected = z + start[1] - start[0] if classes == 2 else centred(z + start)
    np.testing.assert_allclose(centred(found.logits(made.val.x)), expected, rtol=0, atol=1e-9)
    prior = torch.softmax((mass / mass.sum()).log() - torch.tensor(offset), 0)
    torch.testing.assert_close(found.prior, prior)


# --- losses ---


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [0.125, 8.0])
@pytest.mark.parametrize("loss", [CrossEntropy(), FocalLoss(2.0)], ids=str)
def test_a_loss_and_eight_times_that_loss_are_one_model(loss: Any, scale: float, classes: int) -> None:
    """To the bit: no setting hides a penalty that treatments of another scale would feel otherwise."""
    made = recipe(classes)
    one, other = (grown(replace(made, loss=Opaque(loss, s), select="last")) for s in (1.0, scale))
    assert one.text == other.text
    torch.testing.assert_close(one.start, other.start, rtol=0, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_focal_in_closed_form_is_focal_by_autograd(classes: int) -> None:
    """Trees of a few rounds; later ones part where float32 decides between equal splits."""
    made = recipe(classes, LightGBM(**{**ALL, "max_trees": 10}), select="last")  # type: ignore[arg-type]
    closed, opaque = (grown(replace(made, loss=loss)) for loss in (FocalLoss(2.0), Opaque(FocalLoss(2.0))))
    np.testing.assert_allclose(closed.logits(made.val.x), opaque.logits(made.val.x), atol=1e-3)
    assert not closed.prior_exact


def test_gamma_zero_is_cross_entropy() -> None:
    made = recipe(3)
    assert grown(replace(made, loss=FocalLoss(0.0))).text == grown(made).text


# --- draws, weights, priors ---


@pytest.mark.parametrize("classes", [2, 3])
def test_each_round_of_undersampling_is_a_tree_on_the_rows_drawn_for_it(classes: int) -> None:
    """A loop over boosters on copies of those rows alone: rows that are left out are not there, not even as zeros."""
    made = Undersample().prepare(recipe(classes, select="last"))
    found = grown(made)
    generator = made.generator("order")
    y, x, val = made.train.y.numpy(), matrix(made.train.x), matrix(made.val.x)
    bins = lgb.Dataset(x, label=y, params={"verbosity": -1}, free_raw_data=False)
    own = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    shape = (len(y),) if classes == 2 else (len(y), classes)
    scores, of_val = np.zeros(shape), np.zeros((len(val), *shape[1:]))
    for _ in range(40):
        rows = np.unique(made.epoch(generator).numpy())
        part = bins.subset(rows.tolist()).construct()
        part.set_init_score(scores[rows])
        booster = lgb.train({**NATIVE, **own, "boost_from_average": False}, part, num_boost_round=1)
        scores += np.asarray(booster.predict(x, raw_score=True))
        of_val += np.asarray(booster.predict(val, raw_score=True))
    # Both classes are as frequent as the other in every draw, so that the start is zero.
    expected = of_val if classes == 2 else centred(of_val)
    np.testing.assert_allclose(centred(found.logits(made.val.x)), expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.prior, torch.full((classes,), 1 / classes, dtype=torch.float64))


@pytest.mark.parametrize("classes", [2, 3])
def test_oversampling_is_weights_of_the_rows_drawn_for_each_round(classes: int) -> None:
    """One round: as many copies of a row as it was drawn are its weight; the next round has another draw."""
    model = LightGBM(**{**ALL, "max_trees": 1})  # type: ignore[arg-type]
    made = Oversample().prepare(recipe(classes, model, select="last"))
    counts = torch.bincount(made.epoch(made.generator("order")), minlength=len(made.train)).double()
    plain = recipe(classes, model)
    expected = native(replace(plain, train=replace(plain.train, weight=counts)), 1)
    np.testing.assert_allclose(centred(grown(made).logits(made.val.x)), expected, rtol=0, atol=1e-9)
    generator = made.generator("order")
    assert not torch.equal(made.epoch(generator), made.epoch(generator))


@pytest.mark.parametrize(
    ("strategy", "expected"), [(ClassWeights(), 0.5), (ClassWeights(scheme="sqrt"), None), (Oversample(), 0.5)], ids=str
)
def test_priors_are_those_of_the_mass_that_trees_saw(strategy: Strategy, expected: float | None) -> None:
    """Outputs embody the prior that they claim, on training rows in its proportions, and corrected the natural one."""
    made = strategy.prepare(recipe(n=3000))
    found, n = grown(made), torch.bincount(made.train.y).double()
    root = float((n.sqrt() / n.sqrt().sum())[1])
    assert float(found.prior[1]) == pytest.approx(expected or root, abs=1e-9)
    p, share = found.logits(made.train.x).softmax(1)[:, 1], per_row(found.prior / n, made.train.y)
    assert float((p * share).sum()) == pytest.approx(expected or root, abs=0.03)
    natural = float(n[1] / n.sum())
    corrected = found.corrected(n / n.sum())
    means = [float(one.logits(made.val.x).softmax(1)[:, 1].mean()) for one in (found, corrected)]
    assert means[0] > natural + 0.02
    assert means[1] == pytest.approx(natural, abs=0.06)


def test_rows_of_weight_zero_are_absent() -> None:
    """As if they had never been there, bins aside."""
    made = recipe(select="last")
    weight = (torch.arange(len(made.train)) % 3 > 0).double() * 1.5
    here = weight.nonzero().flatten()
    with_zeros = grown(replace(made, train=replace(made.train, weight=weight)))
    x = matrix(made.train.x)
    bins = lgb.Dataset(x, label=made.train.y.numpy(), params={"verbosity": -1})
    part = bins.construct().subset(here.tolist()).construct().set_weight(np.full(len(here), 1.5))
    booster = lgb.train({**NATIVE, "objective": "binary"}, part, num_boost_round=40)
    expected = booster.predict(matrix(made.val.x), raw_score=True)
    np.testing.assert_allclose(centred(with_zeros.logits(made.val.x)), expected, rtol=0, atol=1e-9)


# --- looks and the end ---


def test_the_best_look_is_kept_and_patience_counts_rounds() -> None:
    made = recipe(model=LightGBM(max_trees=2000, patience=30, look_every=5, learning_rate=0.3))
    watch = EstimatorWatch(made, None)
    found = boost(made.model, made, watch)  # type: ignore[arg-type]
    steps = [step for step, _ in watch.curve]
    assert steps == list(range(5, found.cost.steps + 1, 5))
    best = int(found.notes["best_step"])
    assert dict(watch.curve)[best] == min(score for _, score in watch.curve)
    assert found.cost.steps == best + 30 < 2000
    assert loaded(found.text).current_iteration() == best
    (again,) = [EstimatorWatch(made, None)]
    again(1, found.logits(made.val.x), found.prior)
    assert again.curve[0][1] == pytest.approx(dict(watch.curve)[best], abs=1e-9)


@pytest.mark.parametrize("strategy", [None, Undersample(), Oversample()], ids=str)
def test_trees_that_can_split_nothing_are_the_start_alone(strategy: Strategy | None) -> None:
    """Fewer rows than two leaves need."""
    made = recipe(n=30, model=LightGBM(patience=20))
    found = grown(made if strategy is None else strategy.prepare(made))
    assert found.cost.steps == 25
    z = found.logits(made.val.x)
    assert torch.equal(z, z[:1].expand_as(z))
    torch.testing.assert_close(z[0].softmax(0), found.prior)


def test_rounds_whose_columns_cannot_be_split_are_followed_by_others() -> None:
    """One column of six is any use: half of the rounds draw none that is, and the others are not cut off by it."""
    made = recipe(model=LightGBM(max_trees=60, patience=60, feature_fraction=0.2, min_data_in_leaf=300), select="last")
    x = made.train.x.columns["numeric"]
    assert isinstance(x, Tensor)
    rare = torch.where(torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.25, 1.0, 0.0)
    columns = {**made.train.x.columns, "numeric": torch.cat([x[:, :1], rare[:, 1:]], 1).nan_to_num(0)}
    train = replace(made.train, x=Features(made.train.x.schema, columns))
    found = grown(replace(made, train=train))
    trees = loaded(found.text).num_trees()
    assert 5 < trees <= 60
    looks = EstimatorWatch(replace(made, train=train), None)
    again = boost(
        LightGBM(**{**made.model.__dict__, "patience": 1000}), replace(made, train=train, select="refined"), looks
    )  # type: ignore[arg-type]
    looks(1000, again.logits(made.val.x), again.prior)
    assert looks.curve[-1][1] == pytest.approx(min(score for _, score in looks.curve[:-1]), abs=1e-9)


@pytest.mark.parametrize("strategy", [None, Undersample(), Oversample()], ids=str)
def test_threads_do_not_change_a_bit(strategy: Any) -> None:
    made = recipe(3) if strategy is None else strategy.prepare(recipe(3))
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            found.append(grown(made).logits(made.val.x))
        finally:
            torch.set_num_threads(1)
    assert torch.equal(*found)


def test_joined_texts_are_the_sum_of_their_models() -> None:
    made = recipe(3, n=400)
    parts = [grown(replace(made, seed=s, model=LightGBM(max_trees=s + 1))).text for s in range(3)]
    x = matrix(made.val.x)
    total = sum(np.asarray(lgb.Booster(model_str=t).predict(x, raw_score=True)) for t in parts)
    one = lgb.Booster(model_str=joined(parts))
    np.testing.assert_allclose(one.predict(x, raw_score=True), total, rtol=0, atol=1e-12)
    assert one.num_trees() == sum(lgb.Booster(model_str=t).num_trees() for t in parts)


def test_a_sampler_without_rows_is_an_error() -> None:
    made = recipe()

    @dataclass(frozen=True)
    class Nothing:
        def __call__(self, rows: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
            return rows[:0]

    with pytest.raises(ValueError, match="expected rows to train on"):
        grown(made.resample(Nothing()))


def test_tokens_are_inapplicable() -> None:
    made = recipe()
    tokens = Features((Field("text", "tokens", sizes=(9,), width=1),), {"text": torch.zeros(1500, 1).long()})
    with pytest.raises(Inapplicable, match="tokens"):
        grown(replace(made, train=replace(made.train, x=tokens)))
