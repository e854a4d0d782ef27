"""Losses against the published formulas in plain Python, their limits, and their gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bench.training.losses import stack_losses
from strategies.focal import FocalLoss
from strategies.parts.corrupted import AcrossViews, InfoNCE
from strategies.spec import CrossEntropy, Loss

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)


def draw(n: int = 40, classes: int = 3, spread: float = 3.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, classes, generator=g, dtype=torch.float64) * spread
    return z, torch.randint(classes, (n,), generator=g)


def focal(z: list[float], y: int, gamma: float) -> float:
    """Eq. 5 of Lin et al. 2017 without α, from its definition: -(1 - p_t)^γ log p_t."""
    top = max(z)
    total = sum(math.exp(v - top) for v in z)
    p = math.exp(z[y] - top) / total
    return -((1 - p) ** gamma) * math.log(p)


# --- cross entropy and focal ---


@pytest.mark.parametrize("classes", [2, 5])
def test_cross_entropy_is_torchs(classes: int) -> None:
    """Per row, also with leading axes for members."""
    z, y = draw(30, classes)
    expected = functional.cross_entropy(z, y, reduction="none")
    torch.testing.assert_close(CrossEntropy()(z, y), expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(CrossEntropy()(z.view(3, 10, -1), y.view(3, 10)), expected.view(3, 10))


@pytest.mark.oracle("focal", "equation 5")
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_focal_is_the_published_formula(gamma: float, classes: int) -> None:
    z, y = draw(200, classes)
    expected = [focal(row, t, gamma) for row, t in zip(z.tolist(), y.tolist(), strict=True)]
    torch.testing.assert_close(FocalLoss(gamma)(z, y), torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_focal_without_gamma_is_cross_entropy_bit_for_bit(dtype: torch.dtype) -> None:
    """Value and gradient, so that γ = 0 trains the same model."""
    z, y = draw(200, 4, spread=20)
    results = []
    for loss in (FocalLoss(0.0), CrossEntropy()):
        leaf = z.to(dtype).requires_grad_()
        values = loss(leaf, y)
        values.sum().backward()
        results.append((values.detach(), leaf.grad))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("scale", [1e-8, 1.0, 20.0, 200.0])
def test_focal_and_its_gradient_are_finite(gamma: float, scale: float, dtype: torch.dtype) -> None:
    """γ = .5 included, where (1 - p)^(γ - 1) is infinite at p = 1; certain rows, right and wrong; equal logits."""
    z = torch.tensor([[1, -1], [-1, 1], [1, 1], [-1, -1]], dtype=dtype).mul(scale).requires_grad_()
    values = FocalLoss(gamma)(z, torch.zeros(4, dtype=torch.int64))
    values.sum().backward()
    assert z.grad is not None
    assert bool(torch.isfinite(values).all())
    assert bool(torch.isfinite(z.grad).all())
    three = torch.tensor([[1, -1, -1], [-1, 1, 1], [-1, 1, -1]], dtype=dtype).mul(scale).requires_grad_()
    values = FocalLoss(gamma)(three, torch.zeros(3, dtype=torch.int64))
    values.sum().backward()
    assert three.grad is not None
    assert bool(torch.isfinite(values).all())
    assert bool(torch.isfinite(three.grad).all())


@pytest.mark.parametrize("gamma", GAMMAS)
def test_a_certain_right_row_costs_nothing_and_a_certain_wrong_one_most(gamma: float) -> None:
    """p_t → 1 gives 0; p_t → 0 gives -log p_t, whatever γ."""
    z = torch.tensor([[200.0, -200.0], [2.0, 0.0], [0.0, 2.0], [-200.0, 200.0]], dtype=torch.float64)
    right, likely, unlikely, wrong = FocalLoss(gamma)(z, torch.zeros(4, dtype=torch.int64)).tolist()
    assert right == pytest.approx(0, abs=1e-80)
    assert right < likely < unlikely < wrong
    assert wrong == pytest.approx(400)


def test_focal_turns_down_easy_rows_more_than_hard_ones() -> None:
    """The factor on cross entropy is (1 - p_t)^γ: smaller where p_t is larger, and 2^-γ at p_t = ½."""
    z = torch.tensor([[0.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    y = torch.zeros(2, dtype=torch.int64)
    factor = FocalLoss(2.0)(z, y) / CrossEntropy()(z, y)
    assert factor[0].item() == pytest.approx(0.25)
    assert factor[1].item() == pytest.approx((1 / (1 + math.exp(3))) ** 2)


@pytest.mark.oracle("focal", "finite differences")
@pytest.mark.parametrize("gamma", [*GAMMAS, 3.3])
@pytest.mark.parametrize("classes", [2, 4])
def test_gradient_of_focal(gamma: float, classes: int) -> None:
    z, y = draw(12, classes, spread=1.5)
    assert torch.autograd.gradcheck(lambda v: FocalLoss(gamma)(v, y), (z.requires_grad_(),))


def test_only_cross_entropy_is_a_pure_prior_shift() -> None:
    """γ = 0 is cross entropy, so its prior is exact; γ > 0 is not."""
    assert CrossEntropy().prior_exact
    assert FocalLoss(0.0).prior_exact
    assert not FocalLoss(0.5).prior_exact


# --- InfoNCE ---


def info_nce(z: list[list[float]], targets: list[int], temperature: float) -> list[float]:
    """-log of a row's share of similarity with its partner among all other rows, by loops."""
    norm = [[v / math.sqrt(sum(w * w for w in row)) for v in row] for row in z]
    out = []
    for i, a in enumerate(norm):
        similar = {j: sum(p * q for p, q in zip(a, b, strict=True)) / temperature for j, b in enumerate(norm) if j != i}
        (partner,) = [j for j in similar if targets[j] == targets[i]]
        out.append(-similar[partner] + math.log(sum(map(math.exp, similar.values()))))
    return out


@pytest.mark.oracle("self_supervised", "InfoNCE by loops")
@pytest.mark.parametrize("temperature", [0.1, 1.0, 2.0])
def test_info_nce_is_the_loop(temperature: float) -> None:
    """Two views of six rows, in order and shuffled."""
    z, _ = draw(12, 5, spread=1.0)
    for targets in (torch.arange(6).repeat(2), torch.tensor([0, 3, 1, 1, 5, 0, 2, 4, 3, 5, 4, 2])):
        expected = torch.tensor(info_nce(z.tolist(), targets.tolist(), temperature), dtype=torch.float64)
        torch.testing.assert_close(InfoNCE(temperature)(z, targets), expected, rtol=1e-10, atol=1e-12)


def test_info_nce_has_a_gradient_that_pulls_views_together() -> None:
    z, _ = draw(8, 3, spread=1.0)
    targets = torch.arange(4).repeat(2)
    assert torch.autograd.gradcheck(lambda v: InfoNCE(0.5)(v, targets), (z.requires_grad_(),))
    apart = InfoNCE(0.5)(z, targets).sum()
    together = InfoNCE(0.5)(torch.cat([z[:4], z[:4]]), targets).sum()
    assert together < apart


# --- SimCSE ---


def simcse(h: list[list[float]], again: list[list[float]], temperature: float) -> list[float]:
    """Gao et al. 2021, eq. 4, by loops: l_i = -log e^(sim(h_i, h'_i)/t) / sum over j of e^(sim(h_i, h'_j)/t)."""

    def sim(a: list[float], b: list[float]) -> float:
        lengths = [math.sqrt(sum(v * v for v in row)) for row in (a, b)]
        return sum(p * q for p, q in zip(a, b, strict=True)) / (lengths[0] * lengths[1])

    return [
        -math.log(math.exp(sim(a, again[i]) / temperature) / sum(math.exp(sim(a, b) / temperature) for b in again))
        for i, a in enumerate(h)
    ]


@pytest.mark.oracle("self_supervised", "SimCSE's equation 4 by loops")
@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_simcse_is_the_papers_loss(temperature: float) -> None:
    """Both views of a row carry its loss, so that the mean of the batch is the paper's."""
    z, _ = draw(12, 5, spread=1.0)
    expected = simcse(z[:6].tolist(), z[6:].tolist(), temperature)
    got = AcrossViews(temperature)(z, torch.arange(6).repeat(2))
    torch.testing.assert_close(got, torch.tensor(expected * 2, dtype=torch.float64), rtol=1e-10, atol=1e-12)
    assert not torch.allclose(got, InfoNCE(temperature)(z, torch.arange(6).repeat(2)), rtol=1e-3)


def test_gradient_of_simcse_is_that_of_the_papers_loss() -> None:
    """Of the mean, by central differences of the loops."""
    z, _ = draw(8, 3, spread=1.0)

    def mean(values: torch.Tensor) -> float:
        return sum(simcse(values[:4].tolist(), values[4:].tolist(), 0.5)) / 4

    expected, step = torch.zeros_like(z), 1e-5
    for i, j in ((i, j) for i in range(8) for j in range(3)):
        moved = torch.zeros_like(z)
        moved[i, j] = step
        expected[i, j] = (mean(z + moved) - mean(z - moved)) / (2 * step)
    (found,) = torch.autograd.grad(AcrossViews(0.5)(z.requires_grad_(), torch.arange(4).repeat(2)).mean(), z)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


# --- stacking ---


def test_losses_that_differ_in_numbers_are_one_call() -> None:
    """K members' losses stacked equal each member's alone; kinds are kept apart."""
    losses: list[Loss] = [FocalLoss(0.0), CrossEntropy(), FocalLoss(0.5), FocalLoss(5.0), CrossEntropy()]
    z, y = draw(50, 3)
    z, y = z.view(5, 10, 3), y.view(5, 10)
    stacked = stack_losses(losses)
    assert [ks for ks, _ in stacked] == [[0, 2, 3], [1, 4]]
    for ks, loss in stacked:
        for i, k in enumerate(ks):
            torch.testing.assert_close(loss(z[ks], y[ks])[i], losses[k](z[k], y[k]), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", [InfoNCE, AcrossViews])
def test_contrastive_losses_of_several_temperatures_are_one_call(kind: type[InfoNCE | AcrossViews]) -> None:
    losses: list[Loss] = [kind(0.1), kind(1.0), kind(2.0)]
    z, _ = draw(36, 4)
    z, y = z.view(3, 12, 4), torch.arange(6).repeat(3, 2)
    ((ks, loss),) = stack_losses(losses)
    assert ks == [0, 1, 2]
    for k in ks:
        torch.testing.assert_close(loss(z, y)[k], losses[k](z[k], y[k]), rtol=1e-12, atol=1e-14)
