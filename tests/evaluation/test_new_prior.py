"""Class shares of rows without labels: found again where they are known, against a likelihood and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bench.evaluation.new_prior import confusion_of, estimate_by_confusion, estimate_by_em


def gaussian(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two classes a distance of 2 apart: labels and x (n,)."""
    g = np.random.default_rng(seed)
    y = (g.random(n) < share).astype(int)
    return y, g.normal(size=n) + 2 * y


def calibrated(x: np.ndarray, share: float) -> np.ndarray:
    """The true probabilities (n, 2) under a share: log odds are 2x - 2 and those of the share."""
    p = 1 / (1 + np.exp(-(2 * x - 2 + np.log(share / (1 - share)))))
    return np.stack([1 - p, p], 1)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.6])
def test_em_finds_the_most_likely_share(share: float) -> None:
    """The oracle maximises the likelihood of the mixture over a share directly."""
    _, x = gaussian(20_000, share, 1)
    found = estimate_by_em(calibrated(x, 0.1), np.array([0.9, 0.1]))
    density = [np.exp(-((x - 2 * c) ** 2) / 2) for c in (0, 1)]
    best = minimize_scalar(
        lambda q: -np.log((1 - q) * density[0] + q * density[1]).sum(),
        bounds=(1e-5, 1 - 1e-5), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert found[1] == pytest.approx(best.x, abs=1e-5)
    assert found[1] == pytest.approx(share, abs=0.01)
    assert found.sum() == pytest.approx(1)


def test_the_confusion_of_decisions_finds_the_share_without_calibration() -> None:
    """Decisions by a threshold that is good for nothing in particular; shares solve Lipton's equations."""
    y, x = gaussian(40_000, 0.1, 2)
    confusion = confusion_of((x > 1.5).astype(int), y, 2)
    for share in (0.02, 0.4):
        _, new = gaussian(40_000, share, 3)
        decided = np.bincount((new > 1.5).astype(int), minlength=2) / len(new)
        found = estimate_by_confusion(decided, confusion)
        assert found[1] == pytest.approx(share, abs=0.015)
        by_class = confusion / confusion.sum(axis=0)
        np.testing.assert_allclose(by_class @ found, decided, atol=1e-12)


def test_several_classes() -> None:
    g = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [2.5, 0.0], [0.0, 2.5]])
    old, new = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])

    def draw(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        y = g.choice(3, 30_000, p=shares)
        x = centres[y] + g.normal(size=(len(y), 2))
        p = old * np.exp(-((x[:, None] - centres) ** 2).sum(-1) / 2)
        return y, p / p.sum(1, keepdims=True), (p / p.sum(1, keepdims=True)).argmax(1)

    y, _, decided = draw(old)
    _, p, later = draw(new)
    np.testing.assert_allclose(estimate_by_em(p, old), new, atol=0.01)
    shares = np.bincount(later, minlength=3) / len(later)
    np.testing.assert_allclose(estimate_by_confusion(shares, confusion_of(decided, y, 3)), new, atol=0.02)


def test_a_confusion_is_counted_by_weight() -> None:
    """Brute force; a class that is not there counts as decided rightly, so that the matrix can be inverted."""
    decided, y, weight = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(confusion_of(decided, y, 2, weight), np.array([[1, 4], [3, 2]]) / 10)
    np.testing.assert_allclose(confusion_of(np.array([0, 1]), np.array([0, 0]), 2), np.array([[1, 0], [1, 0.5]]) / 2.5)


def test_what_does_not_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="estimate by EM instead"):
        estimate_by_confusion(np.array([0.5, 0.5]), np.array([[0.45, 0.05], [0.45, 0.05]]))
    with pytest.raises(ValueError, match="expected rows"):
        estimate_by_em(np.zeros((0, 2)), np.array([0.5, 0.5]))
