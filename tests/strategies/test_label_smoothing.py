"""Label smoothing: torch's own, members of a stack, networks and trees."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from bench.models.lightgbm import LightGBM
from bench.training.losses import place_loss, stack_losses
from strategies.label_smoothing import LabelSmoothing, SmoothedCrossEntropy
from tests.conftest import CPU, Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


@pytest.mark.oracle("label_smoothing", "torch")
def test_it_is_torchs() -> None:
    z, y = torch.randn(20, 4, generator=gen()), torch.arange(20) % 4
    for epsilon in (0.05, 0.3):
        expected = cross_entropy(z, y, reduction="none", label_smoothing=epsilon)
        torch.testing.assert_close(SmoothedCrossEntropy(epsilon)(z, y), expected)


def test_members_of_a_stack_have_their_own() -> None:
    z, y = torch.randn(2, 5, 3, generator=gen()), torch.tensor([[0, 1, 2, 0, 1], [2, 2, 1, 0, 0]])
    losses = [SmoothedCrossEntropy(0.05), SmoothedCrossEntropy(0.2)]
    ((_, together),) = stack_losses(losses)
    found = place_loss(together, CPU, torch.float32)(z, y)
    for k, loss in enumerate(losses):
        torch.testing.assert_close(found[k], loss(z[k], y[k]))


def test_it_draws_predictions_towards_uniform(binary: Toy) -> None:
    for model in ({}, {"model": LightGBM(max_trees=40)}):
        recipe = binary.recipe(max_steps=100, eval_every=20, **model)
        plain, ours = (run(parts, recipe) for parts in ((), [LabelSmoothing(0.3)]))
        p, q = (one.logits(binary.val.x).softmax(-1).max(1).values.mean() for one in (plain, ours))
        assert float(q) < float(p)
        assert not ours.prior_exact
