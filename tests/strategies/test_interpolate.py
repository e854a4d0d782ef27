"""SMOTE in the batch: made rows lie between a row and a near one of its class, and only as many as were added."""

from __future__ import annotations

import pytest
import torch

from strategies.oversample import Oversample
from strategies.parts.interpolate import Interpolate
from strategies.spec import Bag, Features, Field, Inapplicable, Split
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, labels, numeric


@pytest.mark.oracle("oversample", "brute force")
def test_a_made_row_lies_between_its_row_and_one_of_its_nearest() -> None:
    """By brute force: on the segment to one of the five nearest rows of the same class."""
    y = labels(300, 40)
    x = torch.randn(340, 4, generator=gen())
    train = numeric(y, x, 2)
    rare = (y == 1).nonzero().flatten()
    made, same = Interpolate((0.0, 1.0))(train.x, y, gen(2), train)
    assert torch.equal(same, y)
    new = made.columns["numeric"]
    assert isinstance(new, torch.Tensor)
    assert torch.equal(new[y == 0], x[y == 0])
    for i in rare.tolist():
        others = [j for j in rare.tolist() if j != i]
        near = sorted(others, key=lambda j: float((x[i] - x[j]).norm()))[:5]
        off = []
        for j in near:
            way = x[j] - x[i]
            u = float((new[i] - x[i]) @ way / (way @ way))
            off.append(float((new[i] - x[i] - u * way).norm()) if -1e-6 <= u <= 1 + 1e-6 else 9.0)
        assert min(off) < 1e-5
        assert not torch.equal(new[i], x[i])


def test_categories_become_the_commonest_of_the_neighbours() -> None:
    """As imbalanced-learn's SMOTE for categories takes them: the mode of the nearest rows."""
    y = torch.tensor([1] * 6)
    codes = torch.tensor([[0, 1], [2, 1], [2, 1], [2, 1], [2, 0], [1, 0]])
    schema = (Field("c", "categorical", sizes=(3, 2), width=2),)
    train = Split(Features(schema, {"c": codes}), y, 2)
    made, _ = Interpolate((0.0, 1.0), neighbours=5)(train.x.take(torch.tensor([0])), y[:1], gen(), train)
    assert made.columns["c"].tolist() == [[2, 1]]  # type: ignore[union-attr]


def test_as_many_rows_are_made_as_were_added(multi: Toy) -> None:
    recipe = Oversample(method="smote").prepare(multi.recipe())
    n = torch.bincount(multi.train.y).double()
    (interpolate,) = recipe.augment
    assert interpolate.made == pytest.approx((1 - n / n.max()).tolist())  # type: ignore[attr-defined]
    assert not recipe.prior_exact
    x, y = multi.train.x, multi.train.y
    made, _ = interpolate(x, y, gen(), multi.train)
    moved = (made.columns["numeric"] != x.columns["numeric"]).any(1)  # type: ignore[operator,union-attr]
    assert not bool(moved[y == 0].any())
    assert float(moved[y == 3].double().mean()) > 0.5
    assert isinstance(made.columns["text"], Bag)
    assert made.columns["text"] is x.columns["text"]


def test_a_class_of_one_row_stays_and_the_batch_given_is_not_changed() -> None:
    y = torch.tensor([0, 0, 0, 1])
    x = torch.randn(4, 2, generator=gen())
    train, before = numeric(y, x, 2), x.clone()
    made, _ = Interpolate((1.0, 1.0))(train.x, y, gen(), train)
    assert torch.equal(made.columns["numeric"][3], x[3])  # type: ignore[index]
    assert torch.equal(x, before)


def test_it_trains_to_another_model_with_the_same_counts(multi: Toy) -> None:
    recipe = multi.recipe(max_steps=20)
    copies, between = run([Oversample()], recipe), run([Oversample(method="smote")], recipe)
    assert torch.equal(copies.prior, between.prior)
    assert not between.prior_exact
    assert not torch.allclose(copies.logits(multi.val.x), between.logits(multi.val.x))


def test_text_alone_has_nothing_between() -> None:
    bag = Bag(torch.tensor([0, 1], dtype=torch.int32), torch.ones(2), torch.tensor([0, 1, 2], dtype=torch.int32))
    split = Split(Features((Field("t", "bag", sizes=(2,)),), {"t": bag}), torch.tensor([0, 1]), 2)
    with pytest.raises(Inapplicable, match="got text only; use random"):
        Oversample(method="smote").prepare(Toy(split, split).recipe())
