"""Each strategy against its independent oracle; prior accounting; how strategies compose."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from scipy.stats import chisquare
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from bench import config
from bench.models.linear import Linear
from bench.models.mlp import MLP
from bench.models.parts.layers import text_scale
from bench.training.adam import TABLE_EPS
from bench.training.predictor import Fitted
from bench.training.rows import RowStream
from bench.training.trainer import drive
from strategies.class_weights import ClassWeights, class_weights
from strategies.focal import Focal, FocalLoss
from strategies.importance_weighted import (
    DrawWeighted,
    ImportanceWeighted,
    effective_sample_size,
    similarity,
    weights,
)
from strategies.oversample import DrawMore, Oversample
from strategies.predictor import Cost, Predictor
from strategies.self_supervised import Corrupt, SelfSupervised
from strategies.spec import (
    Bag,
    Clash,
    CrossEntropy,
    Features,
    Field,
    Inapplicable,
    LinearHead,
    Recipe,
    Split,
    Strategy,
    Training,
    per_row,
)
from strategies.stack import Chain, lockstep
from strategies.transfer import Transfer
from strategies.undersample import DrawFewer, Undersample
from tests.conftest import CPU, SCHEMA, Toy, asking, dense, logits, outcomes, table, tell_of_stacks, trained

Scheme = Literal["inverse", "sqrt", "effective_number"]


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def labels(*counts: int) -> Tensor:
    """So many rows of each class, shuffled."""
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return y[torch.randperm(len(y), generator=gen(9))]


def numeric(y: Tensor, x: Tensor, n_classes: int) -> Split:
    """A split with one numeric field."""
    return Split(Features((Field("numeric", "numeric", width=x.shape[1]),), {"numeric": x}), y, n_classes)


def counts(rows: Tensor, y: Tensor) -> list[int]:
    return torch.bincount(y[rows]).tolist()


def fitted(predictor: Any) -> Fitted:
    """The trained network under wrappers."""
    while not isinstance(predictor, Fitted):
        predictor = predictor.base
    return predictor


def run(parts: Sequence[Strategy], recipe: Recipe) -> Predictor:
    return trained(Chain(tuple(parts)).train(recipe))


def bits(state: Any, prefix: str = "") -> dict[str, Tensor]:
    """A copy of the parameters under a prefix."""
    return {k: v.clone() for k, v in state.items() if k.startswith(prefix)}


def identical(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return bool(a) and a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


# --- none: logistic regression ---


def converge(recipe: Recipe, rates: Sequence[float] = (0.1, 0.01, 0.001, 1e-4), steps: int = 700) -> Predictor:
    """Full-batch training to the optimum: ever smaller steps, each stage continuing the last one's parameters."""
    full: dict[str, Any] = {"batch_size": len(recipe.train), "max_steps": steps, "eval_every": steps, "select": "last"}
    predictor: Predictor | None = None
    for lr in rates:
        stage = replace(recipe, **full, lr=lr, init=predictor, keep_head=predictor is not None)
        predictor = trained(asking(stage))
    assert predictor is not None
    return predictor


@pytest.mark.parametrize(("fixture", "l2"), [("binary", 0.3), ("binary", 3.0), ("multi", 0.3)])
def test_none_with_the_linear_model_is_scikit_learns_logistic_regression(
    fixture: str, l2: float, request: pytest.FixtureRequest
) -> None:
    """At convergence the logits' differences are those of LogisticRegression(C=1/l2): w1 - w0, the intercept, all."""
    toy: Toy = request.getfixturevalue(fixture)
    scale = torch.tensor([1.0] * (3 + 7) + [text_scale(SCHEMA)] * 30, dtype=torch.float64)
    train, val = (dense(split.x) * scale for split in (toy.train, toy.val))
    oracle = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000).fit(train.numpy(), toy.train.y.numpy())
    ours = converge(toy.recipe(model=Linear(l2=l2), dtype=torch.float64))
    z = ours.logits(toy.val.x)
    if fixture == "binary":
        np.testing.assert_allclose(z[:, 1] - z[:, 0], oracle.decision_function(val.numpy()), atol=1e-4)
        tables = [fitted(ours).state[f"head.sum.tables.{f.name}"][0] for f in SCHEMA]
        w = torch.cat(tables)
        np.testing.assert_allclose(w[:, 1] - w[:, 0], oracle.coef_[0], atol=1e-4)
    else:
        expected = oracle.decision_function(val.numpy())
        expected -= expected.mean(1, keepdims=True)
        np.testing.assert_allclose(z - z.mean(1, keepdim=True), expected, atol=1e-4)


def test_none_embodies_the_training_prior(multi: Toy) -> None:
    predictor = run((), multi.recipe())
    share = torch.bincount(multi.train.y).double() / len(multi.train)
    torch.testing.assert_close(predictor.prior, share, rtol=1e-14, atol=0)
    assert predictor.prior_exact


# --- oversample and undersample ---


def imblearn_counts(sampler: type, y: Tensor, ratio: float) -> dict[int, int]:
    """What imbalanced-learn leaves of two classes; a ratio that they have already leaves them as they are."""
    n = Counter(y.tolist())
    if min(n.values()) / max(n.values()) >= ratio:
        return dict(n)
    try:
        _, drawn = sampler(sampling_strategy=ratio, random_state=0).fit_resample(np.zeros((len(y), 1)), y.numpy())
    except ValueError as error:  # the ratio asks for less than one row more or fewer
        if "The specified ratio required to" not in str(error):
            raise
        return dict(n)
    return dict(Counter(drawn.tolist()))


@pytest.mark.parametrize("ratio", [0.2, 0.29, 0.5, 0.77, 1.0])
def test_oversampling_two_classes_counts_as_imbalanced_learn(ratio: float) -> None:
    y = labels(183, 17)
    rows = DrawMore(ratio)(torch.arange(200), y, gen())
    assert dict(enumerate(counts(rows, y))) == imblearn_counts(RandomOverSampler, y, ratio)


@pytest.mark.parametrize("ratio", [0.1, 0.29, 0.5, 0.77, 1.0])
def test_undersampling_two_classes_counts_as_imbalanced_learn(ratio: float) -> None:
    y = labels(183, 17)
    rows = DrawFewer(ratio)(torch.arange(200), y, gen())
    assert dict(enumerate(counts(rows, y))) == imblearn_counts(RandomUnderSampler, y, ratio)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=3, max_size=5), st.floats(0.05, 1))
def test_sampling_many_classes_counts_as_imbalanced_learn_on_each_pair(sizes: list[int], ratio: float) -> None:
    """Oversampling: each class beside the largest; undersampling: each beside the rarest."""
    y = labels(*sizes)
    more = counts(DrawMore(ratio)(torch.arange(len(y)), y, gen()), y)
    fewer = counts(DrawFewer(ratio)(torch.arange(len(y)), y, gen()), y)
    largest, rarest = sizes.index(max(sizes)), sizes.index(min(sizes))
    assert more[largest] == sizes[largest]
    assert fewer[rarest] == sizes[rarest]
    for c in range(len(sizes)):
        if c != largest:
            pair = y[(y == c) | (y == largest)]
            assert more[c] == imblearn_counts(RandomOverSampler, pair, ratio)[c]
        if c != rarest:
            pair = y[(y == c) | (y == rarest)]
            assert fewer[c] == imblearn_counts(RandomUnderSampler, pair, ratio)[c]


def test_balanced_sampling_of_many_classes_counts_as_imbalanced_learn() -> None:
    """Its multi-class default is our ratio 1."""
    y = labels(90, 40, 7)
    for sampler, draw in ((RandomOverSampler, DrawMore(1.0)), (RandomUnderSampler, DrawFewer(1.0))):
        _, drawn = sampler(random_state=0).fit_resample(np.zeros((len(y), 1)), y.numpy())
        assert counts(draw(torch.arange(len(y)), y, gen()), y) == np.bincount(drawn).tolist()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=40),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.integers(0, 2**32),
    st.data(),
)
def test_samplers_invent_no_rows(y: list[int], up: float, down: float, seed: int, data: st.DataObject) -> None:
    """Oversampling keeps every row it was given, undersampling repeats none; a chain sees what the first left."""
    labelled = torch.tensor(y)
    given_rows = torch.tensor(data.draw(st.lists(st.integers(0, len(y) - 1), min_size=1, unique=True)))
    more = DrawMore(up)(given_rows, labelled, gen(seed))
    fewer = DrawFewer(down)(given_rows, labelled, gen(seed))
    assert torch.equal(more[: len(given_rows)], given_rows)
    assert set(more.tolist()) == set(given_rows.tolist())
    assert len(set(fewer.tolist())) == len(fewer)
    assert set(fewer.tolist()) <= set(given_rows.tolist())
    assert set(labelled[fewer].tolist()) == set(labelled[given_rows].tolist())
    both = DrawFewer(down)(more, labelled, gen(seed))
    assert not Counter(both.tolist()) - Counter(more.tolist())


def test_oversampling_draws_every_rare_row_alike() -> None:
    """With replacement, uniformly: chi-square over many draws of a fixed seed."""
    y = labels(20_000, 20)
    rows = DrawMore(1.0)(torch.arange(len(y)), y, gen(1))
    rare = (y == 1).nonzero().flatten()
    drawn = torch.bincount(rows[len(y) :], minlength=len(y))[rare]
    assert int(drawn.sum()) == 19_980
    assert chisquare(drawn.numpy()).pvalue > 1e-3


def test_undersampling_keeps_every_common_row_alike() -> None:
    y = labels(100, 10)
    kept = torch.zeros(110)
    g = gen(2)
    for _ in range(4000):
        kept[DrawFewer(1.0)(torch.arange(110), y, g)] += 1
    assert bool((kept[y == 1] == 4000).all())
    assert kept[y == 0].mean() == 400
    assert kept[y == 0].std() < 25  # binomial: sqrt(4000 × .1 × .9) = 19


@pytest.mark.parametrize("redraw", ["epoch", "once"])
def test_undersampling_redraws_each_epoch_or_never(redraw: Literal["epoch", "once"], binary: Toy) -> None:
    """`once` is one set of rows for ever, shuffled anew; `epoch` sees all rows sooner or later."""
    recipe = Undersample(redraw=redraw).prepare(binary.recipe())
    g = recipe.generator("order")
    epochs = [recipe.epoch(g) for _ in range(60)]
    sets = {tuple(sorted(rows.tolist())) for rows in epochs}
    assert (len(sets) == 1) if redraw == "once" else (len(sets) == 60)
    assert len({tuple(rows.tolist()) for rows in epochs}) == 60
    seen = set().union(*sets)
    assert (len(seen) == len(epochs[0])) if redraw == "once" else (len(seen) == len(binary.train))


def test_undersampling_once_differs_between_seeds(binary: Toy) -> None:
    """The rows lost are part of the randomness that seeds repeat."""
    kept = [Undersample(redraw="once").prepare(binary.recipe(seed=s)) for s in (0, 1)]
    a, b = (set(r.epoch(r.generator("order")).tolist()) for r in kept)
    assert a != b


@pytest.mark.parametrize("strategy", [Oversample, Undersample])
@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan])
def test_ratios_outside_the_unit_interval_are_refused(strategy: type, ratio: float) -> None:
    with pytest.raises(ValueError, match=r"ratio: expected a number in \[0, 1\], got"):
        strategy(ratio=ratio)


# --- class weights ---


def test_inverse_weights_are_scikit_learns_balanced() -> None:
    n = (700, 250, 45, 5)
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels(*n).numpy())
    np.testing.assert_allclose(class_weights(torch.tensor(n), "inverse"), expected, rtol=1e-12)


def test_sqrt_weights_are_the_square_root_with_mean_one() -> None:
    n = (700, 250, 45, 5)
    raw = [1 / math.sqrt(v) for v in n]
    mean = sum(v * w for v, w in zip(n, raw, strict=True)) / sum(n)
    np.testing.assert_allclose(class_weights(torch.tensor(n), "sqrt"), [w / mean for w in raw], rtol=1e-12)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999, 0.9999])
def test_effective_number_is_the_published_formula(beta: float) -> None:
    """(1 - β) / (1 - β^n), in Python floats, mean 1 over rows."""
    n = (700, 250, 45, 1)
    raw = [(1 - beta) / (1 - beta**v) for v in n]
    mean = sum(v * w for v, w in zip(n, raw, strict=True)) / sum(n)
    np.testing.assert_allclose(
        class_weights(torch.tensor(n), "effective_number", beta), [w / mean for w in raw], rtol=1e-9
    )


def test_the_limits_of_effective_number() -> None:
    """β → 0 gives no weights, β → 1 gives inverse, at the ends of floating point too."""
    n = torch.tensor([700, 250, 45, 5])
    assert class_weights(n, "effective_number", 0.0).tolist() == [1.0] * 4
    np.testing.assert_allclose(class_weights(n, "effective_number", 1e-12), np.ones(4), rtol=1e-10)
    inverse = class_weights(n, "inverse")
    np.testing.assert_allclose(class_weights(n, "effective_number", 1 - 1e-10), inverse, rtol=1e-6)
    np.testing.assert_allclose(class_weights(n, "effective_number", math.nextafter(1, 0)), inverse, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 10**9), min_size=2, max_size=12).filter(any),
    st.sampled_from(["inverse", "sqrt", "effective_number"]),
    st.floats(0, 1, exclude_max=True),
)
def test_weights_have_mean_one_over_rows_and_favour_the_rare(n: list[int], scheme: Scheme, beta: float) -> None:
    """Classes without rows weigh nothing."""
    w = class_weights(torch.tensor(n), scheme, beta).tolist()
    assert sum(v * x for v, x in zip(n, w, strict=True)) / sum(n) == pytest.approx(1, rel=1e-9)
    for a, x in zip(n, w, strict=True):
        assert math.isfinite(x)
        assert (x > 0) == (a > 0)
        assert all(x >= y * (1 - 1e-9) for b, y in zip(n, w, strict=True) if 0 < a <= b)


@pytest.mark.parametrize("scheme", ["inverse", "sqrt", "effective_number"])
def test_the_weighted_loss_is_torchs(scheme: Scheme, multi: Toy) -> None:
    """Row weights times cross entropy, averaged, is cross_entropy(weight=w, reduction="sum") / N."""
    recipe = ClassWeights(scheme=scheme).prepare(multi.recipe())
    w = class_weights(torch.bincount(multi.train.y), scheme, 0.999)
    z = torch.randn(len(multi.train), 4, generator=gen(), dtype=torch.float64)
    assert recipe.train.weight is not None
    ours = (recipe.train.weight * CrossEntropy()(z, multi.train.y)).mean()
    torch.testing.assert_close(
        ours, functional.cross_entropy(z, multi.train.y, weight=w, reduction="sum") / len(z), rtol=1e-12, atol=0
    )


def test_class_weights_count_the_weights_of_the_data(binary: Toy) -> None:
    """Rows that arrive weighted to balance need no more: the second set of weights is constant."""
    balanced = ClassWeights().prepare(binary.recipe())
    again = ClassWeights().prepare(balanced)
    assert again.train.weight is not None
    torch.testing.assert_close(again.train.weight, balanced.train.weight, rtol=1e-12, atol=0)


# --- focal ---


def test_alpha_is_the_weight_of_the_positive_class(binary: Toy) -> None:
    """-α_t (1 - p_t)^γ log p_t with α on class 1 and 1 - α on class 0, up to the constant that makes their mean 1."""
    recipe = Focal(gamma=2.0, alpha=0.25).prepare(binary.recipe())
    y = binary.train.y
    z = torch.randn(len(y), 2, generator=gen(), dtype=torch.float64) * 2
    p = z.softmax(1).tolist()
    eq5 = [-(0.25 if t else 0.75) * (1 - row[t]) ** 2 * math.log(row[t]) for t, row in zip(y.tolist(), p, strict=True)]
    assert recipe.train.weight is not None
    assert isinstance(recipe.loss, FocalLoss)
    torch.testing.assert_close(recipe.train.weight * recipe.loss(z, y), torch.tensor(eq5, dtype=torch.float64))


def test_alpha_of_many_classes_is_one_number_each_or_inverse_frequency(multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    listed = Focal(alpha=(0.1, 0.2, 0.3, 0.4)).prepare(multi.recipe()).train.weight
    auto = Focal(alpha="auto").prepare(multi.recipe()).train.weight
    assert listed is not None
    assert auto is not None
    assert listed.tolist() == torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)[multi.train.y].tolist()
    balanced = compute_class_weight("balanced", classes=np.arange(4), y=multi.train.y.numpy())
    np.testing.assert_allclose(auto, balanced[multi.train.y])
    assert auto.mean().item() == pytest.approx(1, abs=1e-12)
    assert (n * class_weights(n, "inverse")).sum().item() == pytest.approx(len(multi.train))


def test_alpha_of_the_wrong_length_is_refused(multi: Toy) -> None:
    for alpha in (0.25, (0.5, 0.5)):
        with pytest.raises(ValueError, match="a list of 4 numbers, one per class"):
            Focal(alpha=alpha).prepare(multi.recipe())


def test_focal_without_gamma_and_alpha_trains_as_none(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=40)
    off, plain = run([Focal(gamma=0.0)], recipe), run((), recipe)
    assert torch.equal(off.logits(recipe.val.x), plain.logits(recipe.val.x))


# --- importance ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.5, 3.0])
@pytest.mark.parametrize("kernel", ["sinh", "cosine"])
def test_similarity_is_the_brute_force_mean_over_targets(
    kernel: Literal["sinh", "cosine"], scale: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 rows against 17 targets by Python loops; chunking changes nothing."""
    monkeypatch.setattr("strategies.importance_weighted.CHUNK", 64)
    v = torch.randn(200, 6, generator=gen(), dtype=torch.float64)
    targets = v[:17] * 3
    unit = [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in v.tolist()]
    expected = []
    for row in unit:
        dots = [sum(a * b for a, b in zip(row, t, strict=True)) for t in unit[:17]]
        expected.append(sum(math.sinh(scale * d) if kernel == "sinh" else d for d in dots) / 17)
    got = similarity(v.to(dtype), targets.to(dtype), kernel, scale)
    assert got.dtype == torch.float64
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0, 50.0])
def test_sinh_similarity_in_float32_is_the_float64_one_to_1e_6_of_the_mean_cosh(scale: float) -> None:
    """More targets and rows than a chunk. Cosines of float32 are off by 1e-7 themselves, and sinh's slope is cosh."""
    v = torch.randn(2500, 48, generator=gen(), dtype=torch.float64)
    targets = torch.randn(2100, 48, generator=gen(1), dtype=torch.float64)
    s = scale * torch.nn.functional.normalize(v, dim=-1) @ torch.nn.functional.normalize(targets, dim=-1).T
    size = max(1.0, scale) * s.cosh().mean(1)
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-14)):
        error = similarity(v.to(dtype), targets.to(dtype), "sinh", scale) - s.sinh().mean(1)
        assert float((error.abs() / size).max()) < tolerance


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.floats(1, 50))
def test_importance_is_not_negative_and_has_mean_one(scores: list[float], clip: float) -> None:
    w = weights(torch.tensor(scores, dtype=torch.float64), clip)
    assert bool((w >= 0).all())
    assert bool(torch.isfinite(w).all())
    assert w.mean().item() == pytest.approx(1, rel=1e-9)
    order = torch.tensor(scores, dtype=torch.float64).argsort()
    assert bool((w[order].diff() >= -1e-12).all())  # a higher score never weighs less


def test_clipping_limits_what_one_row_weighs() -> None:
    """Of many rows alike but one, the one is cut to the clip before the mean is restored."""
    scores = torch.cat([torch.ones(999), torch.tensor([1e6])]).double()
    w = weights(scores, 5.0)
    raw = scores / scores.mean()
    assert w[-1] < raw[-1]
    torch.testing.assert_close(weights(scores, 1e9), raw, rtol=1e-12, atol=0)


def test_no_row_weighs_more_than_clip_times_the_mean() -> None:
    """The promise of the card and of conf/strategy/importance_weighted.yaml."""
    scores = torch.cat([torch.ones(999), torch.tensor([1e6])]).double()
    w = weights(scores, 5.0)
    assert w.max() <= 5.0 * w.mean() * (1 + 1e-9)


def test_the_effective_sample_size_is_kishs() -> None:
    w = [0.5, 0.5, 1.0, 2.0, 0.0]
    assert effective_sample_size(torch.tensor(w)) == pytest.approx(sum(w) ** 2 / sum(v * v for v in w))
    assert effective_sample_size(torch.ones(77)) == pytest.approx(77)


def test_the_effective_sample_size_is_in_the_record(binary: Toy) -> None:
    assert 1 <= run([ImportanceWeighted()], binary.recipe()).notes["effective_sample_size"] <= len(binary.train)


@pytest.mark.parametrize("apply", ["weight", "sample"])
def test_importance_is_computed_in_the_representation_of_none(apply: Literal["weight", "sample"], binary: Toy) -> None:
    """The second recipe's weights are (1 - mix) + mix × the similarity of none's encoding to the rare class."""
    recipe = binary.recipe()
    training = ImportanceWeighted(apply=apply, mix=0.7, clip=1e9).train(recipe)
    (first,) = next(training)
    assert first == recipe  # none's own
    plain = run((), recipe)
    (second,) = training.send([plain])
    v = plain.encode(recipe.train.x)
    raw = similarity(v, v[recipe.train.y == 1], "sinh", 1.0).clamp_min(0)
    expected = 0.3 + 0.7 * raw / raw.mean()
    got = second.train.weight if apply == "weight" else second.sampler[-1].weight  # type: ignore[attr-defined]
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)
    assert not second.prior_exact


def test_targets_are_rows_of_the_rare_classes_and_no_more_than_asked(multi: Toy) -> None:
    y = multi.train.y
    rare = {c for c in range(4) if int((y == c).sum()) < len(y) / 4}
    every = ImportanceWeighted().rare_rows(multi.recipe())
    assert set(every.tolist()) == {i for i, c in enumerate(y.tolist()) if c in rare}
    some = ImportanceWeighted(targets=5).rare_rows(multi.recipe())
    assert len(some) == 5
    assert set(some.tolist()) < set(every.tolist())


def test_importance_without_a_rare_class_is_inapplicable() -> None:
    toy = table((0.5, 0.5))
    train = replace(toy.train, y=torch.arange(len(toy.train)) % 2)
    with pytest.raises(Inapplicable, match="no class is rarer"):
        run([ImportanceWeighted()], toy.recipe(train=train))


def test_importance_without_an_encoder_is_inapplicable(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match="no encoder"):
        run([ImportanceWeighted()], binary.recipe(model=Linear()))


def test_weights_of_one_reproduce_none_bit_for_bit(binary: Toy) -> None:
    """mix 0 asks for nothing; weights that are all equal, whatever their scale, multiply by 1.0."""
    recipe = binary.recipe(max_steps=30)
    plain = run((), recipe).logits(recipe.val.x)
    assert torch.equal(run([ImportanceWeighted(mix=0.0)], recipe).logits(recipe.val.x), plain)
    for scale in (1.0, 4.0):
        ones = recipe.reweight(torch.full((len(recipe.train),), scale))
        assert torch.equal(logits(asking(ones), recipe.val), plain)


def test_weighted_draws_have_the_frequencies_of_the_weights() -> None:
    """Chi-square over 100,000 draws of a fixed seed; rows of weight zero never come."""
    w = torch.tensor([0.0, 1.0, 2.0, 0.5, 10.0, 0.0, 3.0], dtype=torch.float64)
    rows = torch.arange(7).repeat(15_000)
    drawn = torch.bincount(DrawWeighted(w)(rows, rows, gen(3)), minlength=7)
    assert int(drawn.sum()) == len(rows)
    assert drawn[w == 0].tolist() == [0, 0]
    expected = w[w > 0] / w.sum() * len(rows)
    assert chisquare(drawn[w > 0].numpy(), expected.numpy()).pvalue > 1e-3


def test_weighted_draws_stay_exact_where_float32_counts_no_further() -> None:
    """Beyond a cumulated weight of 2^24 every row of weight 1 is still drawn, odd ones as often as even ones."""
    n = 2**18
    w = torch.cat([torch.tensor([2.0**26]), torch.ones(n)]).double()
    drawn = torch.cat([DrawWeighted(w)(torch.arange(n + 1), torch.zeros(n + 1), gen(s)) for s in range(20)])
    small = drawn[drawn > 0]
    share = n / (2**26 + n)
    assert len(small) / len(drawn) == pytest.approx(share, rel=0.05)
    assert (small % 2).double().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (small % 4 == 1).double().mean().item() == pytest.approx(0.25, abs=0.02)


def test_a_scale_that_overflows_is_not_trained_on_in_silence(binary: Toy) -> None:
    """Either exact scores or an error: here every epoch is the last row over and over."""
    seen: list[Recipe] = []

    def noted(training: Training) -> Training:
        asks = next(training)
        while True:
            seen.extend(asks)
            try:
                asks = training.send((yield asks))
            except StopIteration as stop:
                return stop.value

    try:
        trained(noted(ImportanceWeighted(apply="sample", scale=200.0).train(binary.recipe())))
    except (ValueError, Inapplicable):
        return
    rows = seen[-1].epoch(gen())
    assert len(set(rows.tolist())) > 1


# --- transfer ---


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


def test_transfer_from_the_target_itself_continues_training(binary: Toy) -> None:
    """Starting from the same label with the head kept is the next stretch of training: written out in plain torch."""
    x = torch.randn(64, 3, generator=gen(4))
    y = (x[:, 0] + 0.5 * torch.randn(64, generator=gen(5)) > 1).long()
    train = numeric(y, x, 2)
    recipe = Recipe(
        train=train, val=train, model=Linear(l2=0.5), batch_size=16, max_steps=10, eval_every=10, select="last",
        lr=0.05, dtype=torch.float32, extra={"same": (train, train)},
    )  # fmt: skip
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
        network = recipe.model.build(1, SCHEMA, LinearHead(), 2, 240)
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


# --- self-supervised ---


def test_permuting_labels_leaves_the_pretext_weights_bit_identical(multi: Toy) -> None:
    """Labels of training and validation alike: never read in the pretext stage."""
    recipe = multi.recipe(max_steps=20)
    order = torch.randperm(len(multi.train), generator=gen())
    permuted = replace(
        recipe,
        train=replace(multi.train, y=multi.train.y[order]),
        val=replace(multi.val, y=multi.val.y.flip(0)),
    )
    states = []
    for r in (recipe, permuted):
        (pretext,) = next(SelfSupervised(steps=20).train(r))
        states.append(bits(fitted(trained(asking(pretext))).state))
    assert identical(*states)
    untrained = recipe.model.build(1, SCHEMA, LinearHead(32), 1, 240)
    untrained.start(0, recipe, torch.ones(1))
    assert not identical(states[0], bits(untrained.state_dict()))


def test_pretraining_uses_unlabelled_rows_and_its_own_number_of_steps(multi: Toy) -> None:
    (plain,) = next(SelfSupervised(steps=5).train(multi.recipe(max_steps=20)))
    assert (plain.max_steps, len(plain.train), plain.train.n_classes) == (5, 240, 1)
    assert not plain.train.y.any()
    assert not plain.val.y.any()
    (capped,) = next(SelfSupervised(steps=50).train(multi.recipe(max_steps=20)))
    assert capped.max_steps == 20
    (more,) = next(SelfSupervised().train(multi.recipe(unlabelled=multi.val.x)))
    assert len(more.train) == 240 + 120


def test_fine_tuning_starts_from_the_pretext_encoder(multi: Toy) -> None:
    training = SelfSupervised(encoder_rate=0.1).train(multi.recipe())
    (pretext,) = next(training)
    first = trained(asking(pretext))
    (second,) = training.send([first])
    assert second.init is first
    assert (second.encoder_rate, second.train, second.keep_head) == (0.1, multi.train, False)


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_corruption_has_the_asked_rate_and_the_marginals_of_the_training_rows(rate: float) -> None:
    """Pool values are marked, so that each replacement shows; a value comes from its own column."""
    g, n = gen(6), 4000
    schema = (
        Field("n", "numeric", width=2),
        Field("c", "categorical", sizes=(9, 9), width=2),
        Field("b", "bag", (99,)),
    )

    def rows(numbers: Tensor, codes: Tensor, words: Tensor) -> Features:
        each = torch.arange(0, len(words) + 1, len(words) // len(numbers), dtype=torch.int32)
        return Features(schema, {"n": numbers, "c": codes, "b": Bag(words, torch.rand(len(words), generator=g), each)})

    batch = rows(torch.zeros(n, 2), torch.zeros(n, 2, dtype=torch.int64), torch.zeros(3 * n, dtype=torch.int32))
    codes = torch.stack([torch.tensor([1, 2, 2, 2]), torch.tensor([5, 5, 6, 7])], 1)
    words = torch.tensor([40, 41, 41, 41, 42, 42, 43, 43], dtype=torch.int32)
    pool = rows(torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]), codes, words)
    train = Split(pool, torch.zeros(4, dtype=torch.int64), 1)
    x, pairs = Corrupt(rate)(batch, torch.arange(n), g, train)

    assert torch.equal(pairs, torch.arange(n).repeat(2))
    kept, view = x.take(torch.arange(n)), x.take(torch.arange(n, 2 * n))
    for name, value in batch.columns.items():
        for field in ("ids", "weights", "offsets") if isinstance(value, Bag) else ("",):
            original = getattr(value, field) if field else value
            assert torch.equal(getattr(kept.columns[name], field) if field else kept.columns[name], original)
    text = view.columns["b"]
    assert isinstance(text, Bag)
    assert isinstance(batch.columns["b"], Bag)
    assert torch.equal(text.weights, batch.columns["b"].weights)
    assert torch.equal(text.offsets, batch.columns["b"].offsets)

    def check(values: Tensor, expected: dict[float, int]) -> None:
        hit = values[values != 0]
        share = len(hit) / len(values)
        assert share == pytest.approx(rate, abs=4 * math.sqrt(rate * (1 - rate) / len(values)))
        found = Counter(hit.tolist())
        assert found.keys() == expected.keys()
        total = sum(expected.values())
        assert chisquare([found[v] for v in expected], [len(hit) * e / total for e in expected.values()]).pvalue > 1e-3

    n_view, c_view = view.columns["n"], view.columns["c"]
    assert isinstance(n_view, Tensor)
    assert isinstance(c_view, Tensor)
    check(n_view[:, 0], {1.0: 1, 2.0: 1, 3.0: 1, 4.0: 1})
    check(n_view[:, 1], {10.0: 1, 20.0: 1, 30.0: 1, 40.0: 1})
    check(c_view[:, 0], {1: 1, 2: 3})
    check(c_view[:, 1], {5: 2, 6: 1, 7: 1})
    check(text.ids, {40: 1, 41: 3, 42: 2, 43: 2})


def test_corruption_works_where_the_batch_is_on_a_gpu_and_the_table_is_not() -> None:
    """As the trainer calls it: the batch on the device, the training split on the CPU. Fake tensors need no GPU."""
    with FakeTensorMode():
        schema = (Field("n", "numeric", width=2),)
        batch = Features(schema, {"n": torch.zeros(8, 2, device="cuda:0")})
        pool = Split(Features(schema, {"n": torch.zeros(20, 2)}), torch.zeros(20, dtype=torch.int64), 1)
        x, pairs = Corrupt(0.5)(batch, torch.zeros(8, dtype=torch.int64, device="cuda:0"), torch.Generator(), pool)
        assert str(x.columns["n"].device) == str(pairs.device) == "cuda:0"  # type: ignore[union-attr]


# --- prior accounting ---


def expected_prior(mass: Tensor) -> Tensor:
    return mass.double() / mass.double().sum()


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_the_prior_of_sampling_is_the_counts_after_it(ratio: float, multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    over = run([Oversample(ratio=ratio)], multi.recipe()).prior
    under = run([Undersample(ratio=ratio)], multi.recipe()).prior
    torch.testing.assert_close(over, expected_prior(n.clamp_min(int(ratio * int(n.max())))), rtol=1e-12, atol=0)
    torch.testing.assert_close(under, expected_prior(n.clamp_max(int(int(n.min()) / ratio))), rtol=1e-12, atol=0)


@pytest.mark.parametrize("scheme", ["inverse", "sqrt", "effective_number"])
def test_the_prior_of_weights_is_the_counts_times_them(scheme: Scheme, multi: Toy) -> None:
    n = torch.bincount(multi.train.y)
    prior = run([ClassWeights(scheme=scheme, beta=0.99)], multi.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * class_weights(n, scheme, 0.99)), rtol=1e-10, atol=0)


def test_the_prior_of_alpha_is_the_counts_times_it(binary: Toy) -> None:
    n = torch.bincount(binary.train.y)
    prior = run([Focal(gamma=0.0, alpha=0.25)], binary.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * torch.tensor([0.75, 0.25])), rtol=1e-12, atol=0)


def test_the_prior_of_sampling_and_weights_is_their_product(multi: Toy) -> None:
    n = torch.bincount(multi.train.y).clamp_min(int(0.5 * int(torch.bincount(multi.train.y).max())))
    prior = run([Oversample(ratio=0.5), ClassWeights(scheme="sqrt")], multi.recipe()).prior
    torch.testing.assert_close(prior, expected_prior(n * class_weights(n, "sqrt")), rtol=1e-10, atol=0)


def test_oversampling_to_balance_leaves_inverse_weights_at_one(multi: Toy) -> None:
    """No double correction: weights count the rows after sampling."""
    seen = ClassWeights().prepare(Oversample(ratio=1.0).prepare(multi.recipe()))
    assert seen.train.weight is not None
    np.testing.assert_allclose(seen.train.weight, np.ones(len(multi.train)), rtol=1e-12)
    torch.testing.assert_close(
        run([Oversample(), ClassWeights()], multi.recipe()).prior, torch.full((4,), 0.25, dtype=torch.float64)
    )


def test_half_way_sampling_is_completed_by_weights(binary: Toy) -> None:
    recipe = ClassWeights().prepare(Undersample(ratio=0.5).prepare(binary.recipe()))
    torch.testing.assert_close(recipe.mass(), torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_an_offset_in_training_is_taken_out_of_the_prior(multi: Toy) -> None:
    """Full logit adjustment embodies the uniform prior, with τ the prior to the power 1 - τ."""
    share = torch.bincount(multi.train.y).double() / len(multi.train)
    for tau in (0.5, 1.0):
        recipe = multi.recipe().change(offset=tuple((tau * share.log()).tolist()))
        powered = share ** (1 - tau)
        torch.testing.assert_close(trained(asking(recipe)).prior, powered / powered.sum(), rtol=1e-9, atol=0)


def test_correcting_a_posthoc_shift_gives_the_model_back(binary: Toy) -> None:
    """Differences between logits are exactly those of none, whatever the shift."""
    recipe = binary.recipe(max_steps=20)
    plain = run((), recipe)
    for delta in ([3.0, -2.0], [0.0, 40.0], [-1e-3, 0.0]):
        shifted = plain.shift(torch.tensor(delta))
        assert not torch.allclose(shifted.prior, plain.prior, rtol=1e-5)
        moved = plain.prior * torch.tensor(delta, dtype=torch.float64).exp()
        torch.testing.assert_close(shifted.prior, moved / moved.sum(), rtol=1e-9, atol=0)
        back = shifted.corrected(plain.prior)
        torch.testing.assert_close(back.prior, plain.prior, rtol=1e-12, atol=0)
        z, original = back.logits(recipe.val.x), plain.logits(recipe.val.x).double()
        torch.testing.assert_close(z[:, 1] - z[:, 0], original[:, 1] - original[:, 0], rtol=0, atol=1e-12)


def big(n: int = 20_000) -> Recipe:
    """Logistic rows, 5% positive, and a model that is right about them: estimates differ by sampling error only."""
    g = gen(11)
    x = torch.randn(n, 2, generator=g)
    p = (x @ torch.tensor([1.0, -0.7]) - 3.5).sigmoid()
    y = (torch.rand(n, generator=g) < p).long()
    split = numeric(y, x.double(), 2)
    return Recipe(train=split, val=split, model=Linear(l2=0.0), dtype=torch.float64)


def test_corrected_oversampling_and_weights_agree_with_none_on_a_big_sample() -> None:
    """Treatments that are prior shifts differ from none by the shift alone; uncorrected they are far off."""
    recipe = big()
    x = recipe.train.x.take(torch.arange(500))
    rates = (0.1, 0.02, 0.004)
    plain = converge(recipe, rates, 60)
    margin = plain.logits(x)[:, 1] - plain.logits(x)[:, 0]
    fixed = recipe.epoch(recipe.generator("order"))
    balanced = Oversample().prepare(recipe).epoch(gen())
    assert len(fixed) < len(balanced)
    sampled = numeric(recipe.train.y[balanced], recipe.train.x.take(balanced).columns["numeric"], 2)  # type: ignore[arg-type]
    treated = {
        "weights": converge(ClassWeights().prepare(recipe), rates, 60),
        "oversample": converge(replace(recipe, train=sampled), rates, 60),  # one drawn epoch, full batch
    }
    for predictor in treated.values():
        torch.testing.assert_close(predictor.prior, torch.tensor([0.5, 0.5], dtype=torch.float64))
        raw = predictor.logits(x)
        corrected = predictor.corrected(plain.prior).logits(x)
        assert float((raw[:, 1] - raw[:, 0] - margin).mean()) > 2  # log of 1 to 20 odds is 3
        torch.testing.assert_close(corrected[:, 1] - corrected[:, 0], margin, rtol=0, atol=0.35)
        assert float((corrected[:, 1] - corrected[:, 0] - margin).abs().mean()) < 0.12


@pytest.mark.parametrize(
    ("strategy", "exact"),
    [
        (Oversample(), True),
        (Undersample(), True),
        (ClassWeights(), True),
        (Focal(gamma=0.0, alpha=0.3), True),
        (Focal(gamma=1.0), False),
        (ImportanceWeighted(), False),
        (ImportanceWeighted(apply="sample"), False),
        (ImportanceWeighted(mix=0.0), True),
        (Transfer(), True),
        (SelfSupervised(steps=2), True),
    ],
    ids=str,
)
def test_prior_exact_says_whether_the_treatment_is_a_prior_shift(strategy: Strategy, exact: bool, binary: Toy) -> None:
    assert run([strategy], binary.recipe()).prior_exact is exact
    assert run([Oversample(), strategy], binary.recipe()).shift(torch.zeros(2)).prior_exact is exact


# --- composition ---


@dataclass(frozen=True)
class Mark(Strategy):
    """Notes when it prepares and when it finishes."""

    name = "mark"
    mark: str = ""
    seen: tuple[list[str], ...] = ()
    factor: float = 1.0

    def prepare(self, recipe: Recipe) -> Recipe:
        self.seen[0].append(f"prepare {self.mark}")
        return recipe

    def posthoc(self, predictor: Predictor, recipe: Recipe) -> Predictor:
        self.seen[0].append(f"posthoc {self.mark}")
        return predictor.shift(torch.tensor([0.0, self.factor]))


@dataclass(frozen=True)
class Twice(Strategy):
    """Two stages, the second from the first; remembers what came back."""

    name = "twice"
    seen: tuple[list[Any], ...] = ()

    def train(self, recipe: Recipe) -> Training:
        (first,) = yield [recipe.aside(max_steps=3)]
        (second,) = yield [recipe]
        self.seen[0].extend([first, second])
        return second


@dataclass(frozen=True)
class Breaks(Strategy):
    """Fails while preparing."""

    name = "breaks"

    def prepare(self, recipe: Recipe) -> Recipe:
        raise RuntimeError("broken part")


@dataclass(frozen=True)
class Recovers(Strategy):
    """Catches the failure of what it asked for, and falls back."""

    name = "recovers"
    caught: tuple[list[str], ...] = ()

    def train(self, recipe: Recipe) -> Training:
        try:
            (predictor,) = yield [recipe]
        except RuntimeError as error:
            self.caught[0].append(str(error))
            (predictor,) = yield [recipe.aside()]
        return predictor


@dataclass(frozen=True)
class Many(Strategy):
    """Asks for several seeds at once; the first is the predictor."""

    name = "many"
    fits: int = 3

    def train(self, recipe: Recipe) -> Training:
        got = yield [replace(recipe, seed=s) for s in range(self.fits)]
        return got[0]


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """Every recipe that the trainer trains from now on."""
    fits: list[Recipe] = []
    tell_of_stacks(monkeypatch, fits.extend)
    return fits


def test_preparation_runs_in_listed_order_and_posthoc_in_reverse(binary: Toy) -> None:
    seen: list[str] = []
    predictor = run([Mark("first", (seen,), 1.0), Mark("second", (seen,), 10.0)], binary.recipe())
    assert seen == ["prepare first", "prepare second", "posthoc second", "posthoc first"]
    plain = run((), binary.recipe())
    moved = predictor.logits(binary.val.x) - plain.logits(binary.val.x).double()
    torch.testing.assert_close(moved, torch.tensor([0.0, 11.0], dtype=torch.float64).expand(120, 2), rtol=0, atol=1e-9)


def test_samplers_chain_in_listed_order(binary: Toy) -> None:
    """Undersampling to 1:2 and then oversampling to 1:1 is not the other way round."""
    n = torch.bincount(binary.train.y).tolist()

    def after(*parts: Strategy) -> list[int]:
        recipe = binary.recipe()
        for part in parts:
            recipe = part.prepare(recipe)
        return counts(recipe.epoch(gen()), recipe.train.y)

    rare, common = n[1], n[0]
    assert after(Undersample(ratio=0.5), Oversample()) == [2 * rare, 2 * rare]
    assert after(Oversample(), Undersample(ratio=0.5)) == [common, common]
    predictor = run([Undersample(ratio=0.5), Oversample(ratio=0.75)], binary.recipe())
    assert predictor.prior[1].item() == pytest.approx(1.5 * rare // 1 / (2 * rare + 1.5 * rare // 1))


def test_the_label_of_a_stack_lists_its_parts() -> None:
    assert Chain((Undersample(), Focal())).label == "undersample+focal"
    assert Chain(()).label == "none"


def test_two_owners_of_one_part_are_refused_when_planning() -> None:
    """By the configuration, naming both, in the words of the clash in training."""
    with pytest.raises(config.ConfigError, match="strategies 'transfer' and 'self_supervised' both set the init"):
        config.stack({"transfer": {}, "self_supervised": {}})
    assert [s.name for s in config.stack({"none": {}, "transfer": {}, "focal": {}})] == ["transfer", "focal"]


def test_two_owners_of_one_part_are_refused_when_training(binary: Toy) -> None:
    with pytest.raises(Clash, match="strategies 'transfer' and 'self_supervised' both set the init"):
        run([Transfer(), SelfSupervised(steps=2)], binary.recipe())


@pytest.mark.parametrize("field", Recipe.OWNED)
def test_change_refuses_a_second_owner_and_names_both(field: str, binary: Toy) -> None:
    """The same strategy may change its mind; other fields are nobody's."""
    value = {"loss": FocalLoss(), "head": LinearHead(), "offset": (0.0, 0.0), "init": None}[field]
    first = replace(binary.recipe(), by="first").change(**{field: value})
    first.change(**{field: value}, prior_bias=False)
    second = replace(first, by="second")
    with pytest.raises(Clash, match=f"strategies 'first' and 'second' both set the {field}"):
        second.change(**{field: value})
    second.change(prior_bias=False)


def test_costs_add_up_over_every_fit_made_on_the_way(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=6)
    one = run((), recipe).cost
    assert (one.fits, one.steps) == (1, 6)
    three = run([Many(fits=3)], recipe).cost
    assert (three.fits, three.steps) == (3, 18)
    nested = run([Many(fits=2), Transfer(), Oversample()], recipe).cost
    assert (nested.fits, nested.steps) == (4, 24)
    assert Cost(1, 2, 0.5) + Cost(3, 4, 0.25) == Cost(4, 6, 0.75)
    seconds = run([Twice((list[Any](),))], recipe)
    assert seconds.cost.fits == 2
    assert seconds.cost.steps == 9


@pytest.mark.parametrize("stack", [1, 8])
def test_a_failure_raises_in_its_own_strategy_and_stops_nobody_else(stack: int, binary: Toy) -> None:
    caught: list[str] = []
    trainings = [
        Chain(()).train(binary.recipe(seed=1)),
        Chain((Breaks(),)).train(binary.recipe()),
        Chain((Recovers((caught,)), Breaks())).train(binary.recipe()),
        Chain((Transfer(), Breaks())).train(binary.recipe()),
        Chain((Many(), Oversample())).train(binary.recipe()),
        Chain((Transfer(source="nothing"),)).train(binary.recipe()),
    ]
    fine, broken, recovered, inner, many, skipped = outcomes(trainings, stack)
    assert isinstance(fine, Predictor)
    assert isinstance(many, Predictor)
    assert isinstance(broken, RuntimeError)
    assert isinstance(inner, RuntimeError)
    assert isinstance(skipped, Inapplicable)
    assert caught == ["broken part"]
    assert isinstance(recovered, Predictor)
    assert torch.equal(recovered.logits(binary.val.x), run((), binary.recipe()).logits(binary.val.x))


@dataclass(frozen=True, eq=False)
class Raises:
    """A loss that fails in training, at the first batch: a row of each class is how its scale is measured before."""

    prior_exact = True

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.numel() <= outputs.shape[-1]:
            return CrossEntropy()(outputs, targets)
        raise RuntimeError("broken loss")


@pytest.mark.parametrize("stack", [1, 8])
def test_a_recipe_that_fails_in_training_fails_alone(stack: int, binary: Toy) -> None:
    """In a stack too: the others' models are those that they would have had."""
    caught: list[str] = []
    recipes = [binary.recipe(seed=s) for s in range(3)]
    bad = replace(recipes[1], loss=Raises())
    trainings = [asking(recipes[0]), asking(bad), Recovers((caught,)).train(bad), asking(recipes[2])]
    first, failed, recovered, last = outcomes(trainings, stack)
    assert isinstance(failed, RuntimeError)
    assert caught == ["broken loss"]
    assert isinstance(first, Predictor)
    assert isinstance(recovered, Predictor)
    assert isinstance(last, Predictor)
    for predictor, recipe in ((first, recipes[0]), (last, recipes[2])):
        torch.testing.assert_close(predictor.logits(recipe.val.x), logits(asking(recipe), recipe.val))


def test_a_recipe_that_cannot_be_hashed_fails_alone(binary: Toy) -> None:
    bad = binary.recipe().change(offset=[0.0, 1.0])
    fine, failed = outcomes([asking(binary.recipe()), asking(bad)], 2)
    assert isinstance(fine, Predictor)
    assert isinstance(failed, Exception)


def test_lockstep_ends_each_training_in_its_own_outcome() -> None:
    """Without any trainer: rounds of different lengths, failures thrown in and raised, order kept."""

    def asks(n: int) -> Any:
        got: list[Any] = []
        for i in range(n):
            got += yield [f"{n}.{i}"] * n
        return got

    def fails() -> Any:
        yield ["bad"]
        raise AssertionError("expected to be stopped by the failure")

    def refuses() -> Any:
        raise Inapplicable("not here")
        yield

    nested = lockstep([asks(1), fails(), refuses(), asks(2), asks(0)])
    rounds = []
    reply: Any = None
    while True:
        try:
            recipes = nested.send(reply)
        except StopIteration as stop:
            result = stop.value
            break
        rounds.append(list(recipes))
        reply = [KeyError("thrown") if r == "bad" else str(r).upper() for r in recipes]  # type: ignore[comparison-overlap]
    assert rounds == [["1.0", "bad", "2.0", "2.0"], ["2.1", "2.1"]]
    assert result[0] == ["1.0"]
    assert isinstance(result[1], KeyError)
    assert isinstance(result[2], Inapplicable)
    assert result[3] == ["2.0", "2.0", "2.1", "2.1"]
    assert result[4] == []


def test_what_is_kept_of_a_table_changes_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows by class are found once a table; every epoch is what it is when they are found anew."""
    y = torch.tensor([0] * 40 + [1] * 7 + [3] * 15)[torch.randperm(62, generator=torch.Generator().manual_seed(1))]
    some = torch.arange(62)[y != 3].flip(0)

    def draws() -> list[Tensor]:
        g = torch.Generator().manual_seed(0)
        return [DrawFewer(0.5)(rows, y, g) for rows in (torch.arange(62), some, torch.arange(62), torch.arange(30))]

    kept = draws()
    monkeypatch.setattr("strategies.undersample.KEPT", 0)
    for a, b in zip(kept, draws(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("stack", [1, 8])
def test_equal_recipes_are_trained_once(stack: int, binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first stage that equals none is none; two settings of a two-stage method share their first stage."""
    fits = count_fits(monkeypatch)
    recipe = binary.recipe()
    stacks: list[tuple[Strategy, ...]] = [
        (), (ImportanceWeighted(scale=1.0),), (ImportanceWeighted(scale=2.0),), (Oversample(),), (), (Oversample(),),
    ]  # fmt: skip
    got = outcomes([Chain(parts).train(recipe) for parts in stacks], stack)
    assert all(isinstance(p, Predictor) for p in got)
    assert len(fits) == 4  # none, two weighted ones, oversample
    assert len(set(fits)) == 4
    x = recipe.val.x
    assert torch.equal(got[0].logits(x), got[4].logits(x))  # type: ignore[union-attr]


def test_recipes_that_differ_in_one_number_are_trained_apart(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = count_fits(monkeypatch)
    recipe = binary.recipe()
    variants = [
        replace(recipe, **{k: v}) for k, v in {"seed": 8, "lr": 0.02, "weight_decay": 0.1, "max_steps": 5}.items()
    ]
    outcomes(
        [asking(r) for r in (recipe, *variants, Oversample(ratio=0.5).prepare(recipe), Oversample().prepare(recipe))]
    )
    assert len(fits) == 7


def test_a_failed_recipe_is_not_tried_again(binary: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = count_fits(monkeypatch)
    bad = replace(binary.recipe(), loss=Raises())
    got = outcomes([asking(bad), asking(bad)])
    assert [type(o) for o in got] == [RuntimeError, RuntimeError]
    assert len(fits) == 1


def test_auxiliary_recipes_are_left_alone_by_inner_strategies(binary: Toy) -> None:
    """The source task and the pretext are not resampled, weighted or given another loss; the target is."""
    for outer in (Transfer(), SelfSupervised(steps=2), ImportanceWeighted()):
        alone, stacked = list[Recipe](), list[Recipe]()
        for parts, seen in (((outer,), alone), ((outer, Oversample(), ClassWeights(), Focal()), stacked)):
            training = Chain(parts).train(binary.recipe())
            asks = next(training)
            while True:
                seen.extend(asks)
                try:
                    asks = training.send([trained(asking(*asks))])
                except StopIteration:
                    break
        helper, main = stacked
        assert helper.auxiliary
        assert not main.auxiliary
        assert (helper.sampler, helper.train.weight) == ((), None)
        assert helper.loss == alone[0].loss
        assert [type(s) for s in main.sampler] == [DrawMore]
        assert main.loss == FocalLoss(2.0)
        assert main.train.weight is not None


def test_aside_drops_every_treatment(binary: Toy) -> None:
    """A first stage of an inner strategy equals none, whatever the outer ones have done."""
    recipe = binary.recipe()
    treated = replace(
        Focal(alpha=0.3).prepare(Oversample().prepare(recipe)), by="other", init=Predictor(), keep_head=True
    )
    treated = treated.change(offset=(0.0, 1.0), encoder_rate=0.5, prior_exact=False, augment=(Corrupt(0.5),))
    plain = treated.aside()
    assert plain.auxiliary
    assert replace(plain, train=recipe.train) == recipe
    assert plain.train.weight is None
    assert plain.claims == {}


def test_reweight_multiplies_and_refuses_what_is_no_weight(binary: Toy) -> None:
    n = len(binary.train)
    twice = binary.recipe().reweight(torch.full((n,), 2.0)).reweight(torch.full((n,), 3.0))
    assert twice.train.weight is not None
    assert twice.train.weight.tolist() == [6.0] * n
    assert binary.train.weight is None
    for bad in (torch.full((n,), -1.0), torch.full((n,), math.nan), torch.full((n,), math.inf), torch.zeros(n)):
        with pytest.raises(ValueError, match="finite, non-negative and not all zero"):
            binary.recipe().reweight(bad)
    with pytest.raises(ValueError, match=rf"expected shape \({n},\), got \({n + 1},\)"):
        binary.recipe().reweight(torch.ones(n + 1))
    assert per_row(torch.tensor([1.0, 5.0]), torch.tensor([1, 0, 1])).tolist() == [5.0, 1.0, 5.0]


def test_notes_about_batches_are_those_of_the_evaluated_model(binary: Toy) -> None:
    """The source label has one rare row, the target none: no batch of the target lacks its rarest class."""
    rare = torch.zeros(len(binary.train), dtype=torch.int64)
    rare[0] = 1
    even = torch.arange(len(binary.train)) % 2
    source = (replace(binary.train, y=rare, n_classes=2), replace(binary.val, y=torch.arange(120) % 2, n_classes=2))
    recipe = binary.recipe(train=replace(binary.train, y=even), extra={"other": source})
    assert "batches_without_rarest_class" not in run((), recipe).notes
    assert "batches_without_rarest_class" not in run([Transfer()], recipe).notes


def test_driving_reports_each_strategy_as_it_begins_and_ends(binary: Toy) -> None:
    """With a stack of 1 one is finished before the next is begun."""
    log: list[str] = []
    drive(
        [Chain((part,)).train(binary.recipe()) for part in (Oversample(), Transfer(), Breaks())],
        lambda i, outcome: log.append(f"end {i}"), device=CPU, began=lambda i: log.append(f"begin {i}"),
    )  # fmt: skip
    assert log == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]
