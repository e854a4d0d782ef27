"""Undersampling by where rows lie: imbalanced-learn's choice of rows, formulas, and composition with other samplers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from imblearn.under_sampling import EditedNearestNeighbours, NearMiss, TomekLinks
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from strategies.features import Features, Field
from strategies.parts.neighbours import groups, nearest, points
from strategies.parts.thinning import DrawFewerWeighted, among_their_own, near_the_rarest, outside_links
from strategies.spec import Inapplicable, Split
from strategies.undersample import Undersample
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, labels, numeric

WHERE = ("cluster", "density", "near_miss", "tomek", "enn")


def overlapping(*counts: int, seed: int = 5) -> Split:
    """Classes whose rows overlap, each column standardised, so that distances here and elsewhere are the same."""
    y = labels(*counts)
    x = torch.randn(len(y), 4, generator=gen(seed), dtype=torch.float64) + y.unsqueeze(1) * 0.8
    x = (x - x.mean(0)) / x.std(0, correction=0)
    return numeric(y, x.float(), len(counts))


def kept_by(sampler: object, train: Split) -> set[int]:
    """The rows that imbalanced-learn keeps."""
    x = train.x.columns["numeric"]
    assert isinstance(x, Tensor)
    sampler.fit_resample(x.numpy(), train.y.numpy())  # type: ignore[attr-defined]
    return set(np.asarray(sampler.sample_indices_).tolist())  # type: ignore[attr-defined]


def kept(mask: Tensor) -> set[int]:
    return set(mask.nonzero().flatten().tolist())


@pytest.mark.parametrize("counts", [(180, 30), (120, 60, 15)])
def test_tomek_links_are_those_of_imbalanced_learn(counts: tuple[int, ...]) -> None:
    train = overlapping(*counts)
    ours = kept(outside_links(train))
    assert ours == kept_by(TomekLinks(), train)
    assert len(ours) < len(train)


@pytest.mark.parametrize("counts", [(180, 30), (120, 60, 15)])
def test_edited_rows_are_those_of_imbalanced_learn(counts: tuple[int, ...]) -> None:
    """Wilson's vote, which is imbalanced-learn's `mode`."""
    train = overlapping(*counts)
    ours = kept(among_their_own(train, 3))
    assert ours == kept_by(EditedNearestNeighbours(n_neighbors=3, kind_sel="mode"), train)
    assert len(ours) < len(train)


@pytest.mark.oracle("undersample", "imbalanced-learn")
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_near_miss_keeps_the_rows_of_imbalanced_learn(ratio: float) -> None:
    train = overlapping(180, 30)
    assert kept(near_the_rarest(train, ratio, 3)) == kept_by(NearMiss(sampling_strategy=ratio, version=1), train)


def test_near_miss_keeps_the_rows_of_imbalanced_learn_of_every_commoner_class() -> None:
    train = overlapping(120, 60, 15)
    assert kept(near_the_rarest(train, 1.0, 3)) == kept_by(NearMiss(version=1), train)


def mixed() -> Features:
    """Numbers with some missing, and two columns of categories."""
    x = torch.randn(60, 3, generator=gen(1))
    x[3, 1] = x[9, 0] = float("nan")
    codes = torch.randint(0, 4, (60, 2), generator=gen(2))
    schema = (Field("n", "numeric", width=3), Field("c", "categorical", sizes=(4, 4), width=2))
    return Features(schema, {"n": x, "c": codes})


def test_distances_and_nearest_rows_of_mixed_types_by_brute_force() -> None:
    """Standardised numbers, the mean where missing, and one for each category that differs."""
    x = mixed()
    numbers, codes = x.columns["n"], x.columns["c"]
    assert isinstance(numbers, Tensor)
    assert isinstance(codes, Tensor)
    n = numbers.double().numpy()
    z = np.nan_to_num((n - np.nanmean(n, 0)) / np.nanstd(n, 0))
    expected = np.array(
        [[((a - b) ** 2).sum() + (p != q).sum() for b, q in zip(z, codes.numpy(), strict=True)]
         for a, p in zip(z, codes.numpy(), strict=True)]
    )  # fmt: skip
    of, every = points(x), torch.arange(60)
    np.testing.assert_allclose(of.squared_distances(every, every), expected, atol=1e-4)
    flat = of.matrix().double()
    np.testing.assert_allclose(torch.cdist(flat, flat) ** 2, expected, atol=1e-4)
    close, far = nearest(of, torch.tensor([7, 0, 31]), every, 4)
    for at, i in enumerate((7, 0, 31)):
        order = [j for j in np.argsort(expected[i]) if j != i][:4]
        assert close[at].tolist() == order
        np.testing.assert_allclose(far[at], expected[i][order], atol=1e-4)


def test_nearest_rows_where_there_are_few_or_none_or_too_many() -> None:
    of = points(mixed())
    assert nearest(of, torch.tensor([2]), torch.tensor([2]), 3)[0].shape == (1, 0)
    assert nearest(of, torch.tensor([2]), torch.tensor([2, 5]), 3)[0].tolist() == [[5]]
    many = torch.empty(0).new_zeros(1).long().expand(1 << 18)
    with pytest.raises(Inapplicable, match="use method=random, cluster or density"):
        nearest(of, many, many, 3)


def test_groups_are_the_ones_that_there_are() -> None:
    """Three far heaps are three groups, from any seed."""
    heap = torch.arange(3).repeat_interleave(40)
    x = torch.randn(120, 2, generator=gen()) * 0.05 + torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])[heap]
    of = points(numeric(heap, x, 3).x)
    for seed in range(5):
        found = groups(of, 3, gen(seed))
        pairs = {(a, b) for a, b in zip(heap.tolist(), found.tolist(), strict=True)}
        assert len(pairs) == 3


@pytest.mark.oracle("undersample", "equation 3")
def test_cluster_draws_by_the_formula_of_yen_and_lee() -> None:
    """Of group i a share ∝ (common rows / rare rows) of it, in expectation."""
    heap = torch.tensor([0] * 300 + [1] * 300 + [2] * 300)
    y = torch.zeros(900, dtype=torch.int64)
    y[:20], y[300:305], y[600:601] = 1, 1, 1
    x = torch.randn(900, 2, generator=gen()) * 0.05 + torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])[heap]
    recipe = Undersample(method="cluster", clusters=3).prepare(Toy(split := numeric(y, x, 2), split).recipe())
    (sampler,) = recipe.sampler
    assert isinstance(sampler, DrawFewerWeighted)
    torch.testing.assert_close(
        sampler.weight, torch.tensor([1 / 20, 1 / 5, 1.0], dtype=torch.float64)[heap], msg="one over the rare rows"
    )
    seen, g = torch.zeros(3), gen(3)
    for _ in range(400):
        rows = sampler(torch.arange(900), y, g)
        seen += torch.bincount(heap[rows[y[rows] == 0]], minlength=3)
    ratio = torch.tensor([280 / 20, 295 / 5, 299 / 1])
    torch.testing.assert_close(seen / seen.sum(), ratio / ratio.sum(), atol=0.02, rtol=0)


def test_density_draws_by_the_distance_to_the_kth_of_the_class_as_scikit_learn_finds_it() -> None:
    y = torch.tensor([0] * 300 + [1] * 30)
    x = torch.randn(330, 3, generator=gen()) * torch.tensor([1.0, 5.0, 0.2])
    recipe = Undersample(method="density", neighbours=4).prepare(Toy(split := numeric(y, x, 2), split).recipe())
    (sampler,) = recipe.sampler
    assert isinstance(sampler, DrawFewerWeighted)
    flat = ((x - x.mean(0)) / x.std(0, correction=0)).numpy()
    for c in (0, 1):
        own = flat[y == c]
        far, _ = NearestNeighbors(n_neighbors=5).fit(own).kneighbors(own)  # the first is the row itself
        np.testing.assert_allclose(sampler.weight[y == c], far[:, 4], rtol=1e-3)


def test_density_thins_where_rows_lie_close() -> None:
    y = torch.tensor([0] * 400 + [1] * 40)
    x = torch.randn(440, 2, generator=gen())
    x[:200] *= 0.05
    recipe = Undersample(method="density").prepare(Toy(split := numeric(y, x, 2), split).recipe())
    rows = recipe.epoch(gen())
    common = rows[y[rows] == 0]
    assert len(common) == 40
    assert float((common < 200).double().mean()) < 0.25


def test_rows_drawn_one_after_another_are_drawn_by_weight() -> None:
    """The first of a draw has probability ∝ its weight: chi-square is not needed for four rows and 8,000 draws."""
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 1.0], dtype=torch.float64)
    y, g, first = torch.tensor([0, 0, 0, 0, 1]), gen(), torch.zeros(5)
    for _ in range(8000):
        first[DrawFewerWeighted(1.0, weight)(torch.arange(5), y, g)[0]] += 1
    torch.testing.assert_close(first[:4] / 8000, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.02, rtol=0)


@pytest.mark.parametrize("method", WHERE)
def test_every_method_trains_counts_its_prior_and_says_that_it_is_not_exact(method: str, multi: Toy) -> None:
    recipe = multi.recipe()
    prepared = Undersample(method=method, ratio=0.5).prepare(recipe)  # type: ignore[arg-type]
    rows = prepared.epoch(gen())
    n = torch.bincount(multi.train.y[rows], minlength=4)
    few = torch.bincount(multi.train.y)
    assert n[few.argmin()] == few.min()
    assert len(rows) < len(multi.train)
    if method not in ("tomek", "enn"):
        assert torch.equal(n, few.clamp_max(int(int(few.min()) / 0.5)))
    predictor = run([Undersample(method=method, ratio=0.5)], recipe)  # type: ignore[arg-type]
    torch.testing.assert_close(predictor.prior, n.double() / n.sum())
    assert not predictor.prior_exact
    assert prepared.val is multi.val


def test_cleaning_after_another_sampler_keeps_only_what_both_keep(binary: Toy) -> None:
    recipe = binary.recipe()
    both = Undersample(method="tomek").prepare(replace(Undersample(ratio=0.5).prepare(recipe), seed=1))
    rows = both.epoch(gen())
    assert set(rows.tolist()) <= kept(outside_links(binary.train))
    assert len(rows) <= 3 * int((binary.train.y == 1).sum())
