"""Groups within classes: what belongs together, how predictions map back, small classes, both parts alike."""

from __future__ import annotations

import pytest
import torch

from bench.models.lightgbm import LightGBM
from bench.models.linear import Linear
from strategies.class_decomposition import ClassDecomposition
from strategies.class_weights import ClassWeights
from tests.conftest import Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen, numeric


def heaps(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Class 0 in two heaps with class 1 between: no line parts them. Rows, labels, heaps."""
    heap = torch.arange(n) % 3
    x = torch.randn(n, 2, generator=gen(seed)) * 0.4 + torch.tensor([[-3.0, 0.0], [3.0, 0.0], [0.0, 0.0]])[heap]
    return x, (heap == 2).long(), heap


def apart() -> tuple[Toy, torch.Tensor, torch.Tensor]:
    (x, y, heap), (vx, vy, v_heap) = heaps(300, 0), heaps(150, 1)
    return Toy(numeric(y, x, 2), numeric(vy, vx, 2)), heap, v_heap


def test_heaps_are_found_and_validation_rows_belong_to_the_nearest() -> None:
    toy, heap, v_heap = apart()
    train, val, coarse = ClassDecomposition(clusters=2).parts(toy.recipe())
    for label, true in ((train, heap), (val, v_heap)):
        for h in (0, 1):
            assert len(label[true == h].unique()) == 1
        assert torch.equal(coarse[label], (true == 2).long())
    assert int(train[heap == 0][0]) == int(val[v_heap == 0][0])


@pytest.mark.oracle("class_decomposition", "the published effect")
def test_a_linear_model_of_groups_parts_what_no_line_parts() -> None:
    """The published effect (Vilalta & Rish): simple models gain."""
    toy, _, _ = apart()
    recipe = toy.recipe(model=Linear(), max_steps=300, eval_every=20, lr=0.05)
    found = [
        float((p.logits(toy.val.x).argmax(-1) == toy.val.y).double().mean())
        for p in (run((), recipe), run([ClassDecomposition(clusters=2)], recipe))
    ]
    assert found[0] < 0.8
    assert found[1] > 0.95


@pytest.mark.oracle("class_decomposition", "sums by hand")
def test_prior_and_probabilities_are_summed_within_a_class(multi: Toy) -> None:
    for fields in ({}, {"model": LightGBM(max_trees=10)}):
        predictor = run([ClassDecomposition()], multi.recipe(**fields))
        n = torch.bincount(multi.train.y).double()
        torch.testing.assert_close(predictor.prior, n / n.sum())
        assert predictor.logits(multi.val.x).shape == (len(multi.val), 4)
        assert predictor.prior_exact
        assert predictor.notes["groups"] > 4


def test_weights_after_it_balance_groups(multi: Toy) -> None:
    _, _, coarse = ClassDecomposition().parts(multi.recipe())
    predictor = run([ClassDecomposition(), ClassWeights()], multi.recipe())
    share = torch.bincount(coarse).double() / len(coarse)
    torch.testing.assert_close(predictor.prior, share)


def test_small_classes_stay_whole(multi: Toy) -> None:
    train, _, coarse = ClassDecomposition(least=60).parts(multi.recipe())
    n = torch.bincount(multi.train.y)
    assert [int((coarse == c).sum()) for c in range(4)] == [min(3, max(1, int(k) // 60)) for k in n]
    assert torch.equal(coarse[train], multi.train.y)
    alone = ClassDecomposition(least=1000)
    assert torch.equal(run([alone], multi.recipe()).logits(multi.val.x), run((), multi.recipe()).logits(multi.val.x))
