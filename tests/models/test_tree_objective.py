"""Losses as trees need them: closed forms against torch's derivatives, the best constant against a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from bench.models.parts.tree_objective import Objective, best_constant
from strategies.focal import FocalLoss
from strategies.spec import CrossEntropy, Loss, Recipe
from tests.conftest import Toy

LOSSES = (CrossEntropy(), FocalLoss(0.0), FocalLoss(0.5), FocalLoss(1.0), FocalLoss(2.0), FocalLoss(3.3))


@dataclass(frozen=True)
class Opaque:
    """A loss of which nothing is known but its values, at any scale."""

    of: Loss
    scale: float = 1.0

    @property
    def prior_exact(self) -> bool:
        return self.of.prior_exact

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.of(outputs, targets) * self.scale


@dataclass(frozen=True)
class Linear:
    """The margin of the true class, and no curvature at all."""

    prior_exact: ClassVar[bool] = False

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return -outputs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def objective(toy: Toy, loss: Loss, **fields: object) -> Objective:
    recipe: Recipe = replace(toy.recipe(), loss=loss, **fields)  # type: ignore[arg-type]
    return Objective(recipe, torch.bincount(recipe.train.y, minlength=recipe.train.n_classes).double())


def scores(made: Objective, spread: float = 4.0) -> np.ndarray:
    g = torch.Generator().manual_seed(0)
    shape = (len(made.y),) if made.scores == 1 else (len(made.y), made.scores)
    return (torch.randn(shape, generator=g, dtype=torch.float64) * spread).numpy()


def hessian_by_hand(made: Objective, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences of the loss in each score, at the logits that scores, start and offset come to."""

    def values(z: np.ndarray) -> np.ndarray:
        logits = torch.from_numpy(z)
        logits = torch.stack([torch.zeros_like(logits), logits], 1) if z.ndim == 1 else logits
        return made.loss(logits.unsqueeze(0), made.y.unsqueeze(0))[0].numpy()

    z, step = at + np.asarray(made.added), 1e-3
    g, h = np.empty_like(z), np.empty_like(z)
    for j in range(made.scores):
        move = np.zeros_like(z)
        move[(..., j) if z.ndim == 2 else ...] = step
        up, here, down = values(z + move), values(z), values(z - move)
        where = (slice(None), j) if z.ndim == 2 else slice(None)
        g[where], h[where] = (up - down) / (2 * step), (up - 2 * here + down) / step**2
    return g, h


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_derivatives_are_those_of_the_loss(loss: Loss, classes: int, binary: Toy, multi: Toy) -> None:
    """Against differences of values; of several classes the Hessian has the factor K/(K-1); focal's has its floor."""
    made = objective(binary if classes == 2 else multi, loss)
    at = scores(made, 1.5)
    g, h = made(at, None, None)
    by_hand_g, by_hand_h = hessian_by_hand(made, at)
    if loss != CrossEntropy() and loss != FocalLoss(0.0):
        by_hand_h = np.maximum(np.abs(by_hand_h), 0.05 * np.abs(by_hand_g))
    np.testing.assert_allclose(g * made.unit, by_hand_g, atol=2e-6)
    np.testing.assert_allclose(h * made.unit, by_hand_h * (1 if classes == 2 else 4 / 3), atol=1e-5)
    assert g.dtype == h.dtype == np.float32


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("loss", LOSSES[2:], ids=str)
def test_closed_forms_are_what_differentiating_twice_gives(loss: Loss, classes: int, binary: Toy, multi: Toy) -> None:
    """At logits up to twenty and more, where one of the two probabilities rounds to 1."""
    toy = binary if classes == 2 else multi
    closed, opaque = objective(toy, loss), objective(toy, Opaque(loss))
    assert opaque.start.tolist() == closed.start.tolist()
    at = scores(closed, 8.0)
    for found, expected in zip(closed(at, None, None), opaque(at, None, None), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_focal_without_gamma_is_cross_entropy_to_the_bit(classes: int, binary: Toy, multi: Toy) -> None:
    plain, off = (objective(binary if classes == 2 else multi, loss) for loss in (CrossEntropy(), FocalLoss(0.0)))
    at = scores(plain)
    assert all(np.array_equal(a, b) for a, b in zip(plain(at, None, None), off(at, None, None), strict=True))
    assert torch.equal(plain.start, off.start)
    assert plain.scale == off.scale == pytest.approx(1, abs=1e-12)
    assert plain.unit == off.unit == 1


def test_weights_multiply_and_rows_choose(multi: Toy) -> None:
    made = objective(multi, CrossEntropy())
    at, rows = scores(made), torch.tensor([3, 5, 8])
    weight = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)
    whole = made(at, None, None)
    for found, of_all in zip(made(at[rows], rows, weight), whole, strict=True):
        np.testing.assert_allclose(found, of_all[rows] * weight.numpy()[:, None], rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_extreme_scores_give_finite_derivatives(gamma: float, binary: Toy, multi: Toy) -> None:
    for toy in (binary, multi):
        made = objective(toy, FocalLoss(gamma))
        for size in (50.0, 300.0, 800.0):
            g, h = made(np.sign(scores(made)) * size, None, None)
            assert np.isfinite(g).all()
            assert np.isfinite(h).all()
            assert (h >= 0).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 4.0])
@pytest.mark.parametrize("offset", [None, (0.4, -1.3)])
def test_the_best_constant_of_two_classes_is_what_a_search_along_a_line_finds(
    gamma: float, offset: tuple[float, float] | None
) -> None:
    mass, shift = torch.tensor([970.0, 30.0], dtype=torch.float64), torch.tensor(offset or (0.0, 0.0)).double()
    loss = FocalLoss(gamma)

    def value(margin: float) -> float:
        z = (torch.tensor([0.0, margin], dtype=torch.float64) + shift).expand(1, 2, 2)
        return float(loss(z, torch.arange(2).unsqueeze(0))[0] @ mass)

    found = best_constant(loss, mass, shift)
    expected = minimize_scalar(value, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9}).x
    assert float(found[1] - found[0]) == pytest.approx(expected, abs=1e-4)
    assert float(found.sum()) == pytest.approx(0, abs=1e-9)


def test_the_best_constant_of_cross_entropy_is_the_log_prior_less_the_offset() -> None:
    mass, offset = torch.tensor([70.0, 20.0, 10.0, 0.0]).double(), torch.tensor([0.1, -2.0, 0.5, 0.0]).double()
    prior = torch.tensor([70.0, 20.0, 10.0, 0.5]).double()
    expected = (prior / prior.sum()).log() - offset
    found = best_constant(CrossEntropy(), mass, offset)
    torch.testing.assert_close(found, expected - expected.mean())
    full = best_constant(CrossEntropy(), mass, (prior / prior.sum()).log())
    torch.testing.assert_close(full, torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("scale", [0.125, 8.0])
def test_the_start_and_the_scale_follow_the_scale_of_a_loss(scale: float, binary: Toy, multi: Toy) -> None:
    for toy in (binary, multi):
        for loss in (CrossEntropy(), FocalLoss(2.0)):
            one, other = objective(toy, Opaque(loss)), objective(toy, Opaque(loss, scale))
            torch.testing.assert_close(one.start, other.start, rtol=0, atol=1e-12)
            assert (other.unit, other.scale) == (scale * one.unit, pytest.approx(one.scale, rel=1e-12))
            at = scores(one)
            assert all(np.array_equal(a, b) for a, b in zip(one(at, None, None), other(at, None, None), strict=True))


def test_a_loss_without_curvature_steps_by_the_floor(binary: Toy, multi: Toy) -> None:
    for toy, factor in ((binary, 1.0), (multi, 4 / 3)):
        made = objective(toy, Linear())
        g, h = made(scores(made), None, None)
        np.testing.assert_allclose(h, 0.05 * np.abs(g) * factor, rtol=1e-6)
        assert bool(made.start.isfinite().all())
        assert math.isfinite(made.scale)


def test_a_start_at_zero_can_be_asked_for(binary: Toy) -> None:
    """What `prior_bias` says of a linear head's bias is said of trees' start."""
    made = objective(binary, FocalLoss(2.0), prior_bias=False)
    assert made.start.tolist() == [0, 0]
    assert made.scale == objective(binary, FocalLoss(2.0)).scale
    shifted = objective(binary, CrossEntropy(), prior_bias=False, offset=(0.5, 0.0))  # as logit adjustment asks
    assert torch.equal(shifted.start, objective(binary, CrossEntropy(), offset=(0.5, 0.0)).start)
