"""Rows of a copula: what they keep of columns and correlations, copies that are found, who knows of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy.stats import ks_2samp, spearmanr
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.training.scoring import natural_prior
from strategies.generate import Generate, distances
from strategies.parts.copula import Copula
from strategies.spec import Features, Field, Inapplicable, Split
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, labels, numeric


def linked(n: int) -> Features:
    """A skewed number, one that falls with it, and a category that the second decides."""
    z = torch.randn(n, generator=gen())
    x = torch.stack([z.exp(), -z + 0.5 * torch.randn(n, generator=gen(1))], 1)
    codes = ((x[:, 1] > 0.5).long() + (x[:, 1] > 1.5).long()).unsqueeze(1)
    schema = (Field("n", "numeric", width=2), Field("c", "categorical", sizes=(3,), width=1))
    return Features(schema, {"n": x, "c": codes})


def columns(x: Features) -> tuple[Tensor, Tensor]:
    n, c = x.columns["n"], x.columns["c"]
    assert isinstance(n, Tensor)
    assert isinstance(c, Tensor)
    return n, c


@pytest.mark.oracle("generate", "ranks and correlations")
def test_columns_keep_their_distribution_and_go_together_as_they_did() -> None:
    x = linked(800)
    _, made = Copula(x, torch.arange(800), 0.0).draw(4000, gen(2))
    (n, c), (m, d) = columns(x), columns(made)
    for j in range(2):
        assert ks_2samp(n[:, j], m[:, j]).statistic < 0.05
        assert float(n[:, j].min()) <= float(m[:, j].min())
        assert float(m[:, j].max()) <= float(n[:, j].max())
    share = [torch.bincount(v.flatten(), minlength=3).double() / len(v) for v in (c, d)]
    torch.testing.assert_close(share[0], share[1], atol=0.03, rtol=0)
    before, after = (spearmanr(torch.cat([a, b.double()], 1)).statistic for a, b in ((n, c), (m, d)))
    assert abs(before[:2, :2] - after[:2, :2]).max() < 0.03
    assert abs(before - after).max() < 0.2  # of a category of three values a quarter is lost
    assert abs(before[0, 1]) > 0.8


def test_full_shrinkage_is_independence() -> None:
    _, made = Copula(linked(800), torch.arange(800), 1.0).draw(4000, gen(2))
    assert abs(spearmanr(columns(made)[0]).statistic) < 0.06


def test_copies_are_found_and_left_out() -> None:
    """A class of rows that are all alike can only be copied: nothing is made, and that is said."""
    y = labels(100, 20)
    x = torch.randn(120, 2, generator=gen())
    x[y == 1] = 1.0
    same = numeric(y, x, 2)
    with pytest.raises(Inapplicable, match="expected a class of 10 rows or more"):
        Generate().prepare(Toy(same, same).recipe())
    of, rows = numeric(y, torch.randn(120, 2, generator=gen()), 2).x, torch.arange(5)
    far = distances(of.take(torch.tensor([3, 50])), of, rows)
    assert float(far[0]) < 1e-10 < float(far[1])


def test_rows_are_made_up_to_the_ratio_and_known_as_such(multi: Toy) -> None:
    recipe = Generate(ratio=0.5).prepare(multi.recipe())
    n, made = torch.bincount(multi.train.y), torch.bincount(recipe.train.y)
    left = int(recipe.notes["copies_left_out"])
    assert int((n.clamp_min(int(0.5 * int(n.max()))) - made).sum()) == left
    assert recipe.notes["nearest_ratio"] > 0.1
    assert recipe.aside().train is multi.train
    torch.testing.assert_close(natural_prior(recipe.train), natural_prior(multi.train))
    assert not recipe.prior_exact
    assert Generate(least=1000).least == 1000
    with pytest.raises(Inapplicable):
        Generate(least=1000).prepare(multi.recipe())


def test_missing_numbers_do_not_spread_and_trees_train(binary: Toy) -> None:
    x = torch.randn(200, 2, generator=gen())
    x[::3, 1] = float("nan")
    train = numeric(labels(170, 30), x, 2)
    recipe = Generate().prepare(replace(binary.recipe(), train=train))
    new = recipe.train.x.columns["numeric"]
    assert isinstance(new, Tensor)
    assert bool(new[200:].isfinite().all())
    predictor = run([Generate()], binary.recipe(model=LightGBM(max_trees=10)))
    assert float(predictor.prior[1]) == pytest.approx(0.5, abs=0.02)


def test_text_alone_has_no_columns_to_go_together(multi: Toy) -> None:
    text = multi.train.x.columns["text"]
    only = Split(Features((multi.train.x.schema[2],), {"text": text}), multi.train.y, 4)
    with pytest.raises(Inapplicable, match="got text only"):
        Generate().prepare(replace(multi.recipe(), train=only))
