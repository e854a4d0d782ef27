"""Roots and logistic fits of many members: each as if alone to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation import equations
from bench.evaluation.equations import logistic, offsets


def test_logistic_fits_and_offsets_are_each_members_own() -> None:
    """Slope, intercept and offset of a stack equal those alone, and satisfy the equations that define them."""
    rng = np.random.default_rng(7)
    z = rng.normal(size=(7, 200)) * np.geomspace(0.01, 100, 7)[:, None]
    target = (rng.random((7, 200)) < 1 / (1 + np.exp(-z))).astype(np.float64)
    slope, intercept = logistic(z, target)
    shift = offsets(z, target.mean(axis=1))
    alone = [logistic(z[k : k + 1], target[k : k + 1]) for k in range(7)]
    np.testing.assert_array_equal([slope, intercept], np.concatenate(alone, axis=1))
    rate = target.mean(axis=1)
    np.testing.assert_array_equal(shift, np.concatenate([offsets(z[k : k + 1], rate[k : k + 1]) for k in range(7)]))
    residual = target - equations.expit(slope[:, None] * z + intercept[:, None])
    np.testing.assert_allclose(residual.sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose((residual * z).sum(axis=1) / z.std(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(equations.expit(z + shift[:, None]).mean(axis=1), rate, rtol=1e-10)


def test_steps_are_shortened_for_those_who_need_it() -> None:
    """One score far out makes Newton's steps fail to descend at rounding's level; companions take theirs in full."""
    rng = np.random.default_rng(0)
    z = np.tile(rng.normal(size=30) * np.exp(2 * rng.normal(size=30)), (12, 1))
    target = (z > 0).astype(np.float64)
    target[:, :3] = 1 - target[:, :3]
    z[:, -1], target[:, -1] = 1e7 * np.linspace(0.8, 1.2, 12), 1
    alone = [logistic(z[k : k + 1], target[k : k + 1]) for k in range(12)]
    np.testing.assert_array_equal(logistic(z, target), np.concatenate(alone, axis=1))


def test_nobody_to_fit_takes_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every score is constant or separates the classes; two hundred rounds of nothing cost a cell's budget."""
    monkeypatch.setattr("bench.evaluation.equations._derivatives", lambda *_: pytest.fail("a step for nobody"))
    slopes, intercepts = logistic(np.empty((0, 5)), np.empty((0, 5)))
    assert slopes.shape == intercepts.shape == (0,)
