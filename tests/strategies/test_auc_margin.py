"""AUC margin: LibAUC's min-max formula at its saddle point, batches without a class, ranking that it learns."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from bench.models.lightgbm import LightGBM
from bench.models.registry import refusal
from bench.training.losses import place_loss, stack_losses
from strategies.auc_margin import AucMargin, AucMarginLoss
from strategies.balanced_sampler import BalancedSampler
from tests.conftest import CPU, Toy
from tests.strategies.fits import run
from tests.strategies.rows import gen


def libauc(h: Tensor, y: Tensor, saddle: tuple[Tensor, Tensor, Tensor], margin: float) -> Tensor:
    """`AUCMLoss.forward` of LibAUC 2.0 (version v1): what is minimised in a, b and maximised in alpha >= 0."""
    a, b, alpha = saddle
    pos, neg = (y == 1).double(), (y == 0).double()
    p = pos.mean()
    return (
        (1 - p) * torch.mean((h - a) ** 2 * pos)
        + p * torch.mean((h - b) ** 2 * neg)
        + 2 * alpha * (p * (1 - p) * margin + torch.mean(p * h * neg - (1 - p) * h * pos))
        - p * (1 - p) * alpha**2
    )


@pytest.mark.oracle("auc_margin", "LibAUC's formula at its saddle point")
@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0])
def test_it_is_libaucs_formula_at_its_saddle_point(margin: float) -> None:
    """Found there by gradient steps in a, b and α; up to the factor p(1 - p), which ours leaves out."""
    z = torch.randn(60, 2, generator=gen(), dtype=torch.float64)
    y = (torch.arange(60) % 5 == 0).long()
    z[:, 1] += y  # half right
    h = z.softmax(-1)[:, 1]
    a, b, alpha = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(3))
    for _ in range(4000):
        value = libauc(h, y, (a, b, alpha), margin)
        steps = torch.autograd.grad(value, (a, b, alpha))
        with torch.no_grad():
            a -= steps[0]
            b -= steps[1]
            alpha += steps[2]
            alpha.clamp_(min=0)
    p = y.double().mean()
    expected = libauc(h, y, (a, b, alpha), margin) / (p * (1 - p))
    torch.testing.assert_close(AucMarginLoss(margin)(z, y).mean(), expected.detach(), rtol=1e-5, atol=1e-8)


def test_several_classes_are_each_against_the_rest() -> None:
    """By hand: variances and hinge of each class's probability, averaged."""
    z, y = torch.randn(50, 3, generator=gen(), dtype=torch.float64), torch.arange(50) % 3
    p, total = z.softmax(-1), 0.0
    for c in range(3):
        one, rest = p[y == c, c], p[y != c, c]
        hinge = max(0.0, 1 + float(rest.mean()) - float(one.mean()))
        total += float(one.var(correction=0) + rest.var(correction=0)) + hinge**2
    assert float(AucMarginLoss()(z, y).mean()) == pytest.approx(total / 3)


def test_a_batch_of_one_class_has_no_hinge_and_a_finite_gradient() -> None:
    z = torch.randn(8, 2, generator=gen(), requires_grad=True)
    value = AucMarginLoss()(z, torch.zeros(8, dtype=torch.int64))
    assert float(value.detach().mean()) == pytest.approx(
        float(z.detach().softmax(-1)[:, 1].var(correction=0)), rel=1e-5
    )
    (slope,) = torch.autograd.grad(value.mean(), z)
    assert bool(slope.isfinite().all())


def test_members_of_a_stack_have_their_own_margin_and_their_own_batch() -> None:
    z, y = torch.randn(2, 6, 2, generator=gen()), torch.tensor([[0, 1, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0]])
    losses = [AucMarginLoss(0.3), AucMarginLoss(1.2)]
    ((_, together),) = stack_losses(losses)
    found = place_loss(together, CPU, torch.float32)(z, y)
    for k, loss in enumerate(losses):
        torch.testing.assert_close(found[k], loss(z[k], y[k]))


def test_it_learns_to_rank(binary: Toy) -> None:
    recipe = binary.recipe(max_steps=60, eval_every=20)
    predictor = run([BalancedSampler(), AucMargin()], recipe)
    z = predictor.logits(binary.val.x)
    assert roc_auc_score(binary.val.y, z[:, 1] - z[:, 0]) > 0.75
    assert not predictor.prior_exact


def test_trees_have_no_batches() -> None:
    assert "compares the rows of a batch" in refusal(LightGBM(), AucMargin())
