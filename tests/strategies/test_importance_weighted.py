"""Importance: similarity by brute force, weights of mean one, Kish's sample size, frequencies of draws."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from bench.models.linear import Linear
from strategies.importance_weighted import (
    DrawWeighted,
    ImportanceWeighted,
    KeepTop,
    effective_sample_size,
    label_share,
    most_important,
    weights,
)
from strategies.oversample import Oversample
from strategies.parts.likeness import of_each_class, similarity
from strategies.spec import (
    Chain,
    Inapplicable,
    Recipe,
    Training,
)
from tests.conftest import Toy, asking, logits, table, trained
from tests.strategies.fits import run
from tests.strategies.rows import gen, numeric
from tests.strategies.test_contract import watched


@pytest.mark.oracle("importance_weighted", "brute force")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.5, 3.0])
@pytest.mark.parametrize("kernel", ["sinh", "cosine"])
def test_similarity_is_the_brute_force_mean_over_targets(
    kernel: Literal["sinh", "cosine"], scale: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 rows against 17 targets by Python loops; chunking changes nothing."""
    monkeypatch.setattr("strategies.parts.likeness.CHUNK", 64)
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


@example([0.0, 0.0, 0.0, 0.0, 2.0, 2.2250738585072014e-308], 4.0)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=50), st.floats(1, 50))
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


def embedded(toy: Toy, width: int = 5) -> Recipe:
    """A recipe with vectors that have little to do with labels, and that the model does not see."""
    vectors = torch.randn(len(toy.train), width, generator=gen(8))
    return toy.recipe(train=replace(toy.train, embedding=vectors))


@pytest.mark.parametrize("kernel", ["sinh", "cosine"])
def test_each_rare_class_counts_alike_and_no_row_is_its_own_target(kernel: Literal["sinh", "cosine"]) -> None:
    """By loops over rows, classes and targets; a class with one target has nothing to say of that row."""
    v = torch.randn(40, 3, generator=gen(), dtype=torch.float64)
    y = torch.tensor([0] * 20 + [1] * 15 + [2] * 4 + [3])
    targets = torch.tensor([20, 22, 25, 30, 31, 35, 36, 37, 39])
    unit = v / v.norm(dim=1, keepdim=True)
    for row in range(40):
        scores = []
        for c in (1, 2, 3):
            others = [t for t in targets.tolist() if y[t] == c and t != row]
            dots = [float(unit[row] @ unit[t]) for t in others]
            values = [math.sinh(6 * d) if kernel == "sinh" else d for d in dots]
            scores.append(sum(values) / len(values) if values else 0.0)
        got = of_each_class(v, y, targets, kernel, 6.0)[row]
        assert float(got) == pytest.approx(sum(scores) / 3, abs=1e-9)


def test_by_embedding_needs_neither_a_first_fit_nor_an_encoder_of_the_model(binary: Toy) -> None:
    """The only recipe that is asked for has the weights of the given vectors; a linear model will do."""
    recipe = embedded(binary)
    strategy = ImportanceWeighted(by="embedding", mix=0.4, clip=1e9)
    assert not strategy.needs_encoder
    assert ImportanceWeighted().needs_encoder
    (asked,) = next(strategy.train(recipe))
    assert not asked.auxiliary
    v = recipe.train.embedding
    assert v is not None
    rare = (recipe.train.y == 1).nonzero().flatten()
    raw = of_each_class(v, recipe.train.y, rare, "sinh", 8.0).clamp_min(0)
    torch.testing.assert_close(asked.train.weight, 0.6 + 0.4 * raw / raw.mean(), rtol=1e-4, atol=1e-4)
    run([strategy], replace(recipe, model=Linear()))


def test_by_embedding_is_label_free_up_to_the_targets(multi: Toy) -> None:
    """Swapping the labels of two common classes, of which nothing is a target, changes no weight."""
    recipe = embedded(multi)
    y, strategy = recipe.train.y, ImportanceWeighted(by="embedding")
    common = [c for c in range(4) if int((y == c).sum()) >= len(y) / 4]
    if len(common) == 1:
        common = [common[0], 4]  # a fifth class, as large as half of it
    a, b = common
    swapped = y.clone()
    swapped[y == a] = b if b < 4 else a
    rows = strategy.rare_rows(recipe)
    assert {int(c) for c in y[rows]} == {c for c in range(4) if c not in common}
    v = recipe.train.embedding
    assert v is not None
    assert torch.equal(of_each_class(v, y, rows, "sinh", 8.0), of_each_class(v, swapped, rows, "sinh", 8.0))


def test_every_rare_class_has_as_many_targets_as_asked_for(multi: Toy) -> None:
    recipe = embedded(multi)
    y = recipe.train.y
    counts = torch.bincount(y[ImportanceWeighted(by="embedding", targets=7).rare_rows(recipe)], minlength=4)
    for c in range(4):
        here = int((y == c).sum())
        assert int(counts[c]) == (min(7, here) if here < len(y) / 4 else 0)


def test_by_embedding_without_vectors_is_inapplicable_and_names_the_key(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match=r"set data\.encoder"):
        run([ImportanceWeighted(by="embedding")], binary.recipe())


def test_the_label_share_is_the_analysis_of_variances(multi: Toy) -> None:
    """Against sums of squares by class; class weights have a share of 1, weights of one of 0."""
    y = multi.train.y
    w = torch.rand(len(y), generator=gen(2), dtype=torch.float64) + y * 0.1
    groups = [w[y == c].numpy() for c in range(4)]
    within = sum(((g - g.mean()) ** 2).sum() for g in groups)
    whole = float(((w - w.mean()) ** 2).sum())
    assert label_share(w, y) == pytest.approx(1 - within / whole, abs=1e-12)
    assert label_share(1.0 + y.double(), y) == pytest.approx(1)
    assert label_share(torch.ones(len(y)), y) == 0
    notes = run([ImportanceWeighted(by="embedding")], embedded(multi)).notes
    assert 0 <= notes["label_share"] <= 1
    assert -1 <= notes["like_cosine"] <= 1


def test_a_small_scale_is_the_cosine_and_the_default_by_embedding_is_not(multi: Toy) -> None:
    alike = {
        scale: run([ImportanceWeighted(by="embedding", scale=scale)], embedded(multi, width=8)).notes["like_cosine"]
        for scale in (0.3, None)
    }
    assert alike[0.3] > 0.99
    assert alike[None] < 0.9


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_top_k_keeps_the_most_important_share_and_a_row_of_every_class(share: float) -> None:
    w = torch.rand(200, generator=gen(), dtype=torch.float64)
    y = torch.arange(200) % 3
    y[:5], w[:5] = 3, torch.linspace(1e-6, 5e-6, 5, dtype=torch.float64)  # a class of unimportant rows
    kept = most_important(w, y, share)
    top = set(w.argsort(descending=True)[: round(share * 200)].tolist())
    assert set(kept.nonzero().flatten().tolist()) == top | {4}
    rows = KeepTop(kept)(torch.arange(200).repeat(2), y, gen())
    assert torch.bincount(rows, minlength=200).tolist() == (2 * kept.long()).tolist()


def test_training_on_the_top_counts_its_prior_and_its_rows(binary: Toy) -> None:
    recipe = embedded(binary)
    predictor = run([ImportanceWeighted(by="embedding", apply="top_k", keep=0.25)], recipe)
    assert predictor.notes["rows_kept"] == pytest.approx(0.25 * len(recipe.train), abs=2)
    assert not predictor.prior_exact


def test_by_cluster_every_group_weighs_the_same() -> None:
    """Two heaps of 60 and 12 rows: 72 / (2 · 60) and 72 / (2 · 12), whatever the labels; no first fit, no encoder."""
    heap = torch.tensor([0] * 60 + [1] * 12)
    x = torch.randn(72, 2, generator=gen()) * 0.1 + heap.unsqueeze(1) * 9.0
    y = torch.arange(72) % 3
    split = numeric(y, x, 3)
    recipe = Recipe(train=split, val=split, model=Linear())
    strategy = ImportanceWeighted(by="cluster", clusters=2, mix=1.0)
    assert not strategy.needs_encoder
    (asked,) = next(strategy.train(recipe))
    assert asked.train.weight is not None
    torch.testing.assert_close(asked.train.weight, torch.where(heap == 0, 0.6, 3.0).double())
    assert not asked.prior_exact
    assert asked.notes["label_share"] < 0.05


def test_by_density_ratio_the_weights_are_those_of_a_known_shift() -> None:
    """Training N(0, 1), rows without a label N(.5, 1): exp(.5 x - .125), whatever the labels."""
    x, t = torch.randn(3000, 1, generator=gen()), torch.randn(3000, 1, generator=gen(1)) + 0.5
    split = numeric((x[:, 0] > 1).long(), x, 2)
    recipe = Recipe(train=split, val=split, unlabelled=numeric(split.y, t, 2).x, model=Linear())
    strategy = ImportanceWeighted(by="density_ratio", mix=1.0, clip=1e9)
    (asked,) = next(strategy.train(recipe))
    w, true = asked.train.weight, (0.5 * x[:, 0].double() - 0.125).exp()
    assert w is not None
    inside = x[:, 0].abs() < 2
    assert float((w / true)[inside].log().abs().max()) < 0.2
    permuted = replace(recipe, train=replace(split, y=split.y.flip(0)))
    (other,) = next(strategy.train(permuted))
    assert other.train.weight is not None
    assert torch.equal(w, other.train.weight)
    # Weighted means of the training rows are those of the others, by the definition of the ratio.
    assert float((w * x[:, 0]).mean()) == pytest.approx(float(t.mean()), abs=0.05)


def test_by_density_ratio_without_other_rows_is_inapplicable_and_names_the_key(binary: Toy) -> None:
    with pytest.raises(Inapplicable, match=r"set data\.unlabelled=true"):
        run([ImportanceWeighted(by="density_ratio")], binary.recipe())


def test_by_difficulty_costs_its_folds_and_weighs_hard_rows_within_their_class(multi: Toy) -> None:
    """Every class has a mean of 1 before clipping; rows whose label was turned round are among the heaviest."""
    y = multi.train.y.clone()
    wrong = (y == 0).nonzero().flatten()[:8]
    y[wrong] = 1
    recipe = multi.recipe(train=replace(multi.train, y=y), max_steps=90, model=Linear(), lr=0.1)
    strategy = ImportanceWeighted(by="difficulty", mix=1.0, clip=1e9, folds=2)
    seen: list[Recipe] = []
    predictor = trained(watched(strategy.train(recipe), seen))
    assert [ask.auxiliary for ask in seen] == [True, True, False]
    assert strategy.fits() == (2, 1)
    assert predictor.notes["label_share"] == pytest.approx(0, abs=1e-9)
    w = seen[-1].train.weight
    assert w is not None
    assert bool(torch.isfinite(w).all())
    of_class = (y == 1).nonzero().flatten()
    heaviest = set(of_class[w[of_class].argsort(descending=True)[:16]].tolist())
    assert len(heaviest & set(wrong.tolist())) >= 6


def test_by_difficulty_made_rows_are_of_mean_difficulty(binary: Toy) -> None:
    """They have no out-of-fold loss: 1, which is what each class's rows have on average."""
    natural = len(binary.train)
    seen: list[Recipe] = []
    stack = Chain((Oversample(method="adasyn"), ImportanceWeighted(by="difficulty", mix=1.0, clip=1e9)))
    trained(watched(stack.train(binary.recipe()), seen))
    w = seen[-1].train.weight
    assert w is not None
    assert len(w) > natural
    made = w[natural:]
    assert bool((made == made[0]).all())
    for c in range(2):
        mine = w[:natural][binary.train.y == c]
        assert float(mine.mean()) == pytest.approx(float(made[0]))


@pytest.mark.parametrize("by", ["difficulty", "cluster", "density_ratio"])
def test_off_is_none_bit_for_bit_whatever_the_measure(by: Literal["difficulty"], binary: Toy) -> None:
    recipe = binary.recipe()
    off = run([ImportanceWeighted(by=by, mix=0.0)], recipe)
    assert torch.equal(off.logits(recipe.val.x), run((), recipe).logits(recipe.val.x))
    assert off.cost.fits == 1


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"clusters": 1}])
def test_too_few_folds_or_clusters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected folds >= 2 and clusters >= 2"):
        ImportanceWeighted(**wrong)  # type: ignore[arg-type]
