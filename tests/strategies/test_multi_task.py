"""Two labels as one model of pairs: its loss by hand, rows that lack the other label, the way back to the target."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.models.lightgbm import LightGBM
from strategies.asymmetric import Asymmetric
from strategies.class_weights import ClassWeights
from strategies.multi_task import MultiTask, PairLoss
from strategies.parts.relabelled import Coarsened
from strategies.spec import Chain, CrossEntropy, Inapplicable, Recipe
from strategies.undersample import Undersample
from tests.conftest import Toy, asking, trained
from tests.strategies.fits import run
from tests.strategies.rows import gen


@pytest.mark.oracle("multi_task", "sums of probabilities")
@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_the_loss_is_that_of_the_target_and_a_share_of_the_others(weight: float) -> None:
    """By sums of probabilities; the last of three others is none, and counts for the target alone."""
    z = torch.randn(12, 6, generator=gen(), dtype=torch.float64)
    targets, p = torch.arange(12) % 6, z.softmax(-1)
    for lacking in (False, True):
        expected = []
        for i, t in enumerate(targets.tolist()):
            of_target = p[i, 3 * (t // 3) : 3 * (t // 3) + 3].sum()
            other = 0.0 if lacking and t % 3 == 2 else float((p[i, t] / of_target).log())
            expected.append(-float(of_target.log()) - weight * other)
        found = PairLoss(3, lacking, weight)(z, targets)
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(PairLoss(3, False, 1.0)(z, targets), CrossEntropy()(z, targets))


def first(recipe: Recipe, strategy: MultiTask) -> Recipe:
    (ask,) = next(Chain((strategy,)).train(recipe))
    return ask


def test_pairs_are_the_two_labels_and_samplers_before_see_the_target(binary: Toy) -> None:
    ask = first(binary.recipe(), MultiTask())
    other, val_other = binary.extra["other"]
    assert torch.equal(ask.train.y, binary.train.y * 3 + other.y)
    assert torch.equal(ask.val.y, binary.val.y * 3 + val_other.y)
    assert ask.train.x is binary.train.x
    assert ask.train.n_classes == 6
    (thinned,) = next(Chain((Undersample(), MultiTask())).train(binary.recipe()))
    rows = thinned.epoch(gen())
    few = int((binary.train.y == 1).sum())
    assert torch.bincount(binary.train.y[rows]).tolist() == [few, few]


def test_rows_without_the_other_label_count_for_the_target(binary: Toy) -> None:
    other, val_other = binary.extra["other"]
    some = torch.arange(0, len(other), 2)
    part = replace(other, x=other.x.take(some), y=other.y[some], places=some)
    recipe = replace(binary.recipe(), extra={"other": (part, val_other)})
    ask = first(recipe, MultiTask())
    assert ask.loss == PairLoss(4, True, 1.0)
    assert torch.equal(ask.train.y[some], binary.train.y[some] * 4 + other.y[some])
    assert torch.equal(ask.train.y[1::2], binary.train.y[1::2] * 4 + 3)


@pytest.mark.parametrize("trees", [False, True])
def test_the_prediction_is_the_sum_over_the_other_label(trees: bool, binary: Toy) -> None:
    recipe = binary.recipe(**({"model": LightGBM(max_trees=10)} if trees else {}))
    pairs = trained(asking(first(recipe, MultiTask())))
    both = run([MultiTask()], recipe)
    p = pairs.logits(binary.val.x).double().softmax(-1).view(-1, 2, 3).sum(-1)
    torch.testing.assert_close(both.logits(binary.val.x).softmax(-1), p)
    n = torch.bincount(binary.train.y).double()
    torch.testing.assert_close(both.prior, n / n.sum(), atol=0.01, rtol=0)  # pairs that never occur count half a row
    assert both.prior_exact
    assert both.cost.fits == 1


def test_what_is_listed_after_treats_pairs(binary: Toy) -> None:
    seen = run([MultiTask(), ClassWeights()], binary.recipe())
    assert isinstance(seen.base, Coarsened)  # type: ignore[attr-defined]
    pairs = first(binary.recipe(), MultiTask()).train.y.unique()  # each of those that occur has the same weight
    share = torch.bincount(pairs // 3).double() / len(pairs)
    torch.testing.assert_close(seen.prior, share, atol=0.01, rtol=0)


def test_it_says_why_it_does_not_apply(binary: Toy) -> None:
    recipe = binary.recipe()
    elsewhere = {n: tuple(replace(s, places=None) for s in pair) for n, pair in recipe.extra.items()}
    for given, match in (
        (replace(recipe, default_source=""), r"got 'none' \(there are: other\).*data.extra_labels"),
        (replace(recipe, extra=elsewhere), r"got 'other' \(there are: none\)"),
    ):
        with pytest.raises(Inapplicable, match=match):
            run([MultiTask()], given)
    with pytest.raises(Inapplicable, match="multi_task: expected no strategy before it that sets the offset"):
        run([MultiTask()], recipe.change(offset=(0.0, 1.0)))
    assert Asymmetric.owns & MultiTask.owns
