"""Rows made once between rows of a class: where they start, where they lie, and who knows that they were made."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.models.mlp import MLP
from bench.models.registry import refusal
from bench.training.scoring import natural_prior
from strategies.balanced_sampler import BalancedSampler
from strategies.class_weights import ClassWeights
from strategies.oversample import Oversample
from strategies.parts.between import at_the_border, in_groups, where_it_is_hard
from strategies.parts.neighbours import points
from strategies.spec import Bag, Recipe
from strategies.undersample import Undersample
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, numeric
from tests.strategies.test_thinning import overlapping

ONCE = ("smote", "borderline", "adasyn", "kmeans_smote")


def made(method: str, recipe: Recipe, **fields: object) -> Recipe:
    return Oversample(method=method, redraw="once", **fields).prepare(recipe)  # type: ignore[arg-type]


def order(x: Tensor, i: int, pool: list[int]) -> list[int]:
    """Rows of the pool by their distance to row i, itself left out."""
    return sorted((j for j in pool if j != i), key=lambda j: float((x[i] - x[j]).norm()))


def test_borderline_starts_from_the_rows_in_danger() -> None:
    """By brute force: half or more of the ten nearest are of other classes, but not all (Han et al. 2005)."""
    train = overlapping(180, 40)
    x = train.x.columns["numeric"]
    assert isinstance(x, Tensor)
    ways = at_the_border(points(train.x), train, 1, 5)
    for row, weight in zip(ways.rows.tolist(), ways.weight.tolist(), strict=True):
        others = sum(int(train.y[j]) == 0 for j in order(x, row, list(range(220)))[:10])
        assert weight == float(5 <= others < 10)
    assert 0 < float(ways.weight.sum()) < 40


def test_adasyn_starts_by_the_share_of_other_classes() -> None:
    """By brute force (He et al. 2008, step 3); new rows lie towards the nearest of the class."""
    train = overlapping(180, 40)
    x = train.x.columns["numeric"]
    assert isinstance(x, Tensor)
    ways = where_it_is_hard(points(train.x), train, 1, 5)
    mine = (train.y == 1).nonzero().flatten().tolist()
    for row, weight, towards in zip(ways.rows.tolist(), ways.weight.tolist(), ways.towards.tolist(), strict=True):
        assert weight == sum(int(train.y[j]) == 0 for j in order(x, row, list(range(220)))[:5]) / 5
        assert towards == order(x, row, mine)[:5]


def test_kmeans_smote_keeps_to_the_groups_of_the_class() -> None:
    """Groups with less of the class than the table has are left out; sparse ones weigh (mean distance)² / rows."""
    label = torch.tensor([0] * 20 + [1] * 20 + [2] * 60)
    y = torch.zeros(100, dtype=torch.int64)
    y[:8], y[20:30], y[40:42] = 1, 1, 1
    train = numeric(y, torch.randn(100, 3, generator=gen()), 2)
    of = points(train.x)
    ways = in_groups(of, train, 1, 4, label)
    assert set(ways.rows.tolist()) == {*range(8), *range(20, 30)}
    for group, rows in ((0, range(8)), (1, range(20, 30))):
        at = torch.tensor(list(rows))
        mine = torch.isin(ways.rows, at)
        pairs = [
            float(of.squared_distances(at[i : i + 1], at[j : j + 1]).sqrt()) for i in range(len(at)) for j in range(i)
        ]
        mean = sum(pairs) / len(pairs)
        assert float(ways.weight[mine].sum()) == pytest.approx(mean**2 / len(at), rel=1e-4)
        assert bool((label[ways.towards[mine]] == group).all())


@pytest.mark.parametrize("method", ONCE)
def test_made_rows_lie_between_natural_rows_of_their_class(method: str) -> None:
    """On a segment between two rows of the class, all of which stay as they are, up to the ratio."""
    train = overlapping(150, 30)
    recipe = made(method, Toy(train, train).recipe(), ratio=0.6)
    x, natural = recipe.train.x.columns["numeric"], train.x.columns["numeric"]
    assert isinstance(x, Tensor)
    assert isinstance(natural, Tensor)
    assert torch.equal(x[:180], natural)
    assert torch.bincount(recipe.train.y).tolist() == [150, 90]
    rare = natural[train.y == 1]
    for row in x[180:]:
        a, b = row - rare.unsqueeze(1), rare.unsqueeze(0) - rare.unsqueeze(1)
        part = ((a * b).sum(-1) / (b**2).sum(-1).clamp_min(1e-9)).clamp(0, 1)
        assert float((a - part.unsqueeze(-1) * b).norm(dim=-1).min()) < 1e-4


@pytest.mark.parametrize("method", ONCE)
def test_mixed_types_are_taken_as_smote_nc_takes_them(method: str, multi: Toy) -> None:
    """Categories are the class's own, text is a natural row's."""
    recipe = made(method, multi.recipe())
    n, x = len(multi.train), recipe.train.x
    codes, bag = x.columns["categorical"], x.columns["text"]
    assert isinstance(codes, Tensor)
    assert isinstance(bag, Bag)
    texts = {tuple(bag.ids[a:b].tolist()) for a, b in zip(bag.offsets[:n], bag.offsets[1 : n + 1], strict=True)}
    for row in range(n, len(recipe.train)):
        own = codes[:n][multi.train.y == recipe.train.y[row]]
        assert all(int(codes[row, j]) in own[:, j].tolist() for j in range(2))
        assert tuple(bag.ids[bag.offsets[row] : bag.offsets[row + 1]].tolist()) in texts
    counts = torch.bincount(recipe.train.y[recipe.epoch(gen())])
    assert counts.tolist() == [int(counts.max())] * 4


def test_made_rows_are_known_as_such(multi: Toy) -> None:
    """By the prior to correct to, first stages, notes, weights, and by what makes more of them."""
    recipe = made("adasyn", multi.recipe())
    torch.testing.assert_close(natural_prior(recipe.train), natural_prior(multi.train))
    assert recipe.aside().train is multi.train
    assert recipe.notes["rows_made"] == len(recipe.train) - len(multi.train)
    weighted = ClassWeights().prepare(recipe)
    assert weighted.train.weight is not None
    torch.testing.assert_close(weighted.mass(), torch.full((4,), 0.25, dtype=torch.float64))
    before = ClassWeights().prepare(multi.recipe())
    after = made("adasyn", before).train
    assert after.weight is not None
    parents = before.train.weight
    assert parents is not None
    assert torch.equal(after.weight[: len(parents)], parents)
    by_class = {int(c): float(w) for c, w in zip(multi.train.y, parents, strict=True)}
    assert after.weight.tolist() == [by_class[int(c)] for c in after.y]
    again = made("borderline", made("adasyn", multi.recipe(), ratio=0.3))
    assert again.train.original is multi.train


def test_samplers_before_do_not_draw_the_made_rows_and_those_after_do(multi: Toy) -> None:
    """[undersample,oversample]: the classes that are left get rows. [oversample,undersample]: all rows are thinned."""
    first = made("smote", Undersample(ratio=0.5).prepare(multi.recipe()))
    few = int(torch.bincount(multi.train.y).min())
    counts = torch.bincount(first.train.y[first.epoch(gen())])
    assert counts.tolist() == [2 * few] * 4
    cleaned = Undersample(method="tomek").prepare(made("smote", multi.recipe()))
    rows = cleaned.epoch(gen())
    assert int((rows >= len(multi.train)).sum()) > 0
    redrawn = BalancedSampler().prepare(made("smote", multi.recipe()))
    assert len(redrawn.epoch(gen())) == len(redrawn.train)


@pytest.mark.parametrize("method", ONCE)
def test_trees_learn_from_rows_that_were_made_once(method: str, binary: Toy) -> None:
    trees = LightGBM(max_trees=10, look_every=5)
    strategy = Oversample(method=method, redraw="once")  # type: ignore[arg-type]
    assert not refusal(trees, strategy)
    predictor = run([strategy], binary.recipe(model=trees))
    torch.testing.assert_close(predictor.prior, torch.full((2,), 0.5, dtype=torch.float64))
    assert not predictor.prior_exact


def test_rows_made_in_batches_are_refused_for_trees_before_anything_is_trained() -> None:
    strategy = Oversample(method="smote")
    for model, refused in ((LightGBM(), True), (MLP(), False)):
        reason = refusal(model, strategy)
        assert ("strategy.oversample.redraw=once" in reason) is refused
    assert not Oversample(method="smote", ratio=0.0).in_batches


def test_a_class_of_one_row_gets_none_and_a_missing_number_is_not_spread(multi: Toy) -> None:
    x = torch.randn(30, 2, generator=gen())
    y = torch.tensor([0] * 23 + [1] * 6 + [2])
    x[23:27, 1] = float("nan")
    train = numeric(y, x, 3)
    recipe = made("smote", replace(multi.recipe(), train=train, val=train))
    assert torch.bincount(recipe.train.y).tolist() == [23, 23, 1]
    new = recipe.train.x.columns["numeric"]
    assert isinstance(new, Tensor)
    assert bool(new[30:, 0].isfinite().all())
    assert bool(new[30:, 1].isfinite().any())


def test_random_draws_of_once_are_one_draw(binary: Toy) -> None:
    recipe = Oversample(redraw="once").prepare(binary.recipe())
    g = gen()
    assert torch.equal(recipe.epoch(g).sort().values, recipe.epoch(g).sort().values)
