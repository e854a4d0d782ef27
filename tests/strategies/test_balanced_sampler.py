"""Class-balanced, square-root and progressive sampling: shares by the paper's formulas, rows drawn alike."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare

from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from bench.training.row_stream import RowStream
from strategies.balanced_sampler import BalancedSampler, DrawByClass, DrawTowards
from strategies.spec import Recipe
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import counts, gen, labels, numeric


@pytest.mark.oracle("balanced_sampler", "equation 1")
@pytest.mark.parametrize("power", [0.0, 0.5, 0.8])
def test_shares_are_equation_1(power: float) -> None:
    n = (600, 250, 100, 50)
    y = labels(*n)
    found = counts(DrawByClass(power)(torch.arange(1000), y, gen()), y)
    shares = [k**power / sum(j**power for j in n) for k in n]
    assert found == [round(1000 * s) for s in shares]


def test_rows_of_a_class_are_drawn_alike_and_with_replacement() -> None:
    y = labels(2000, 40)
    rows = DrawByClass(0.0)(torch.arange(2040), y, gen(1))
    for c, n in ((0, 2000), (1, 40)):
        drawn = torch.bincount(rows, minlength=2040)[y == c]
        assert len(drawn) == n
        assert int(drawn.max()) > 1
        assert chisquare(drawn.numpy()).pvalue > 1e-3


def test_a_class_of_one_row_stays_in_the_epoch() -> None:
    y = labels(999, 1)
    assert counts(DrawByClass(0.99)(torch.arange(1000), y, gen()), y)[1] >= 1


def test_it_sees_what_earlier_samplers_left() -> None:
    y = labels(90, 10)
    left = torch.cat([(y == 0).nonzero().flatten()[:30], (y == 1).nonzero().flatten()])
    rows = DrawByClass(0.0)(left, y, gen())
    assert len(rows) == 40
    assert set(rows.tolist()) <= set(left.tolist())


def test_the_prior_is_that_of_the_draws(multi: Toy) -> None:
    n = torch.bincount(multi.train.y).double()
    wanted = (len(multi.train) * n.sqrt() / n.sqrt().sum()).round()
    prior = run([BalancedSampler(power=0.5)], multi.recipe()).prior
    torch.testing.assert_close(prior, wanted / wanted.sum(), rtol=1e-9, atol=0)


@pytest.mark.oracle("balanced_sampler", "equation 2")
@pytest.mark.parametrize(("power", "over"), [(0.0, 1.0), (0.0, 0.2), (0.5, 0.5)])
@pytest.mark.parametrize("progress", [0.0, 0.1, 0.37, 1.0])
def test_progressive_shares_are_equation_2(power: float, over: float, progress: float) -> None:
    n = (600, 250, 100, 50)
    y, t = labels(*n), min(1.0, progress / over)
    found = counts(DrawTowards(power, over).at(progress)(torch.arange(1000), y, gen()), y)
    aims = [k**power / sum(j**power for j in n) for k in n]
    exact = [1000 * ((1 - t) * k / 1000 + t * aim) for k, aim in zip(n, aims, strict=True)]
    assert sum(found) == 1000
    assert all(abs(got - wanted) < 0.5 + 1e-9 for got, wanted in zip(found, exact, strict=True)), (found, exact)


def test_what_other_strategies_count_is_the_end() -> None:
    """Class weights listed after it find equal classes, so that nothing is corrected twice."""
    y = labels(900, 100)
    split = numeric(y, torch.zeros(1000, 1), 2)
    recipe = BalancedSampler(progressive=0.5).prepare(Recipe(train=split, val=split, model=Linear()))
    assert recipe.mass().tolist() == [0.5, 0.5]
    assert not recipe.prior_exact
    assert recipe.sampler_moves
    assert not BalancedSampler().prepare(Recipe(train=split, val=split, model=Linear())).sampler_moves


def test_a_table_larger_than_the_budget_arrives_too() -> None:
    """Four epochs of one table would be forty of the other: what counts are the steps, of both alike."""
    for rows in (500, 20_000):
        y = labels(int(rows * 0.9), int(rows * 0.1))
        split = numeric(y, torch.zeros(rows, 1), 2)
        recipe = Recipe(train=split, val=split, model=Linear(), batch_size=250, max_steps=40)
        stream = RowStream(BalancedSampler(progressive=0.5).prepare(recipe))
        shares = []
        for _ in range(10):
            drawn, _ = stream.take(4)
            shares.append(float((y[drawn] == 1).double().mean()))
            moment = 0.1 + 0.4 * min(1.0, (stream.batches - 4) / 20)
            assert float(stream.prior()[1]) == pytest.approx(moment, abs=0.002)  # of the present moment
        assert shares == pytest.approx([0.1 + 0.4 * min(1.0, i / 5) for i in range(10)], abs=0.05)


@pytest.mark.parametrize("trees", [False, True])
def test_the_prior_is_that_of_the_look_which_is_kept(trees: bool, binary: Toy) -> None:
    """A look's rows were drawn at its beginning: by equation 2 with the steps before it."""
    own = {"model": LightGBM(max_trees=30, look_every=1)} if trees else {"max_steps": 30, "eval_every": 3}
    predictor = run([BalancedSampler(progressive=1.0)], binary.recipe(**own))
    last = int(predictor.notes["best_step"])
    t = (last - 1) / 30 if trees else (last - 3) / 30
    natural = torch.bincount(binary.train.y).double()
    wanted = ((1 - t) * natural + t * len(binary.train) / 2).round()
    torch.testing.assert_close(predictor.prior, wanted / wanted.sum(), rtol=1e-9, atol=0)
    assert not predictor.prior_exact


def test_a_share_of_the_budget_is_one() -> None:
    with pytest.raises(ValueError, match=r"share of the budget in \[0, 1\], got 20"):
        BalancedSampler(progressive=20)
