"""Scores of rows: the true density ratio of a known shift, out-of-fold losses by hand, groups by their size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from bench.models.lightgbm import LightGBM
from strategies.parts.importance import density_ratio, difficulty, rarity_of_groups
from strategies.predictor import Predictor
from strategies.spec import Recipe
from tests.conftest import Toy, asking, trained
from tests.strategies.rows import gen, numeric


@pytest.mark.oracle("importance_weighted", "a known shift")
def test_a_known_shift_is_recovered() -> None:
    """Training N(0, 1), target N(.7, 1): the ratio is exp(.7 x - .245)."""
    x, t = torch.randn(4000, 1, generator=gen()), torch.randn(3000, 1, generator=gen(1)) + 0.7
    y = torch.zeros(4000, dtype=torch.int64)
    found = density_ratio(numeric(y, x, 2).x, numeric(y[:3000], t, 2).x)
    true = (0.7 * x[:, 0].double() - 0.245).exp()
    inside = x[:, 0].abs() < 2
    assert float((found / true)[inside].log().abs().max()) < 0.2
    assert float(found.mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.oracle("importance_weighted", "scikit-learn")
def test_the_regression_is_scikit_learns() -> None:
    x, t = torch.randn(300, 3, generator=gen()), torch.randn(200, 3, generator=gen(1)) * 0.7 + 0.3
    y = torch.zeros(300, dtype=torch.int64)
    found = density_ratio(numeric(y, x, 2).x, numeric(y[:200], t, 2).x, ridge=2.0)
    centre, spread = x.double().mean(0), x.double().std(0, correction=0)
    z = ((torch.cat([x, t]).double() - centre) / spread).numpy()
    label = np.r_[np.zeros(300), np.ones(200)]
    odds = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(z, label).decision_function(z[:300])
    np.testing.assert_allclose(found, np.exp(odds) * 1.5, rtol=1e-4)


def test_without_a_shift_rows_weigh_alike() -> None:
    x = torch.randn(500, 2, generator=gen())
    split = numeric(torch.zeros(500, dtype=torch.int64), x, 2)
    torch.testing.assert_close(density_ratio(split.x, split.x), torch.ones(500, dtype=torch.float64))


def test_each_group_weighs_the_same() -> None:
    heap = torch.tensor([0] * 60 + [1] * 12)
    x = torch.randn(72, 2, generator=gen()) * 0.1 + heap.unsqueeze(1) * 9.0
    w = rarity_of_groups(numeric(heap, x, 2).x, 2, gen(3))
    assert float(w[heap == 0].sum()) == pytest.approx(1)
    assert float(w[heap == 1].sum()) == pytest.approx(1)


@pytest.mark.parametrize("trees", [False, True])
def test_a_row_is_judged_by_a_model_that_has_not_seen_it(trees: bool, multi: Toy) -> None:
    """By hand from the very models that were asked for; every class's mean is 1."""
    recipe: Recipe = multi.recipe(**({"model": LightGBM(max_trees=5)} if trees else {}))
    scoring = difficulty(recipe, 3)
    asks = list(next(scoring))
    assert [len(ask.train) for ask in asks] == pytest.approx([160] * 3, abs=4)
    assert all(ask.auxiliary for ask in asks)
    got: list[Predictor] = [trained(asking(ask)) for ask in asks]
    with pytest.raises(StopIteration) as end:
        scoring.send(got)
    scores = end.value.value
    seen = [{tuple(row) for row in ask.train.x.columns["numeric"].tolist()} for ask in asks]  # type: ignore[union-attr]
    numbers = multi.train.x.columns["numeric"].tolist()  # type: ignore[union-attr]
    loss = torch.zeros(len(multi.train), dtype=torch.float64)
    for i, row in enumerate(numbers):
        (unseen,) = (f for f in range(3) if tuple(row) not in seen[f])
        z = got[unseen].logits(multi.train.x.take(torch.tensor([i]))).double()
        loss[i] = -z.log_softmax(-1)[0, multi.train.y[i]]
    for c in range(4):
        mine = multi.train.y == c
        torch.testing.assert_close(scores[mine], loss[mine] / loss[mine].mean(), rtol=1e-4, atol=1e-4)
