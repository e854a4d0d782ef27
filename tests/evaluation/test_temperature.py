"""Scores of many members at once: each as if alone to the last bit, on numpy and on torch, and truly the optimum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from bench.evaluation import temperature as refinement
from bench.evaluation.temperature import SCALE_RANGE, fit_temperatures, refined_log_losses
from bench.evaluation.views import log_loss

Rows = tuple[np.ndarray, np.ndarray]


def plain(rng: np.random.Generator, n: int, classes: int) -> Rows:
    y = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), y] += 1.5 * rng.normal()
    return logits * 10.0 ** rng.integers(-3, 4), y


def separable(rng: np.random.Generator, n: int, classes: int) -> Rows:
    logits, y = plain(rng, n, classes)
    return np.tanh(logits) + 9 * np.eye(classes)[y], y


def tied(rng: np.random.Generator, n: int, classes: int) -> Rows:
    """Every row right, or all its scores equal."""
    _, y = plain(rng, n, classes)
    return 3.0 * np.eye(classes)[y] * rng.integers(0, 2, (n, 1)), y


def rounded(rng: np.random.Generator, n: int, classes: int) -> Rows:
    logits, y = plain(rng, n, classes)
    return np.round(np.tanh(logits) + np.eye(classes)[y]), y


def constant(rng: np.random.Generator, n: int, classes: int) -> Rows:
    """The same in every row, sometimes in every class too."""
    width = int(rng.choice([1, classes]))
    return np.tile(rng.normal(size=(1, width)), (n, classes // width)), plain(rng, n, classes)[1]


def one_class(rng: np.random.Generator, n: int, classes: int) -> Rows:
    return plain(rng, n, classes)[0], np.full(n, rng.integers(0, classes))


def inverted(rng: np.random.Generator, n: int, classes: int) -> Rows:
    logits, y = separable(rng, n, classes)
    return -logits, y


def tiny(rng: np.random.Generator, n: int, classes: int) -> Rows:
    """Scores for which the best scale lies above the range."""
    logits, y = plain(rng, n, classes)
    return 1e-7 * (np.tanh(logits) + np.eye(classes)[y]), y


def diverged(rng: np.random.Generator, n: int, classes: int) -> Rows:
    logits, y = plain(rng, n, classes)
    logits[rng.integers(0, n), rng.integers(0, classes)] = rng.choice([np.nan, np.inf, -np.inf])
    return logits, y


KINDS: tuple[Callable[[np.random.Generator, int, int], Rows], ...] = (
    plain, separable, tied, rounded, constant, one_class, inverted, tiny, diverged,
)  # fmt: skip


def company(seed: int, members: int, n: int, classes: int, kinds: tuple[Callable[..., Rows], ...] = KINDS) -> Rows:
    """Logits (K, n, C) and labels (K, n) of members of random kinds."""
    rng = np.random.default_rng(seed)
    rows = [kinds[rng.integers(0, len(kinds))](rng, n, classes) for _ in range(members)]
    logits, y = zip(*rows, strict=True)
    return np.stack(logits), np.stack(y)


shapes = {
    "seed": st.integers(0, 10_000), "members": st.sampled_from([1, 2, 7, 64]),
    "n": st.sampled_from([1, 2, 3, 5, 17, 60]), "classes": st.sampled_from([2, 2, 3, 10]),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(**shapes)
def test_a_member_gets_what_it_gets_alone(seed: int, members: int, n: int, classes: int) -> None:
    """Scores and temperatures, to the last bit, whatever the others are and however soon they converge."""
    logits, y = company(seed, members, n, classes)
    alone = np.concatenate([refined_log_losses(logits[k : k + 1], y[k : k + 1]) for k in range(members)])
    np.testing.assert_array_equal(refined_log_losses(logits, y), alone)
    finite = np.isfinite(logits).all(axis=(1, 2))
    np.testing.assert_array_equal(np.isnan(alone), ~finite)
    logits, y = logits[finite], y[finite]
    if len(y):
        fits = [fit_temperatures(logits[k : k + 1], y[k : k + 1]) for k in range(len(y))]
        np.testing.assert_array_equal(fit_temperatures(logits, y), np.concatenate(fits, axis=1))


@settings(max_examples=60, deadline=None)
@given(**shapes)
def test_torch_computes_the_same(seed: int, members: int, n: int, classes: int) -> None:
    """The path of a GPU, on CPU tensors: all special cases, float64, agreement to 1e-10."""
    logits, y = company(seed, members, n, classes)
    expected = refined_log_losses(logits, y)
    for labels in (torch.from_numpy(y), torch.from_numpy(y[0])):
        scores = refined_log_losses(torch.from_numpy(logits), labels)
        assert scores.dtype == torch.float64
        if labels.ndim == 1:
            expected = refined_log_losses(logits, y[0])
        np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("classes", [2, 5])
def test_shared_labels_are_those_of_each(classes: int) -> None:
    """Labels (n,) mean the same, to the same bits, as their K copies."""
    logits, y = company(3, 7, 300, classes, (plain,))
    each = np.ascontiguousarray(np.tile(y[0], (7, 1)))
    np.testing.assert_array_equal(refined_log_losses(logits, y[0]), refined_log_losses(logits, each))
    np.testing.assert_array_equal(fit_temperatures(logits, y[0]), fit_temperatures(logits, each))


@pytest.mark.parametrize("classes", [2, 5])
def test_blocks_do_not_change_a_score(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One member at a time, three, or all."""
    logits, y = company(4, 20, 40, classes)
    expected = refined_log_losses(logits, y)
    for numbers in (1, 3 * 40 * classes, 10**9):
        monkeypatch.setattr(refinement, "BLOCK", numbers)
        np.testing.assert_array_equal(refined_log_losses(logits, y), expected)


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_are_the_minimum_over_scales(classes: int) -> None:
    """Of all scales in the range (binary: and intercepts) none has a lower log loss, by scipy's search."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, classes, (6, 300))
    logits = rng.normal(size=(6, 300, classes)) + 0.8 * np.eye(classes)[y]
    scores = refined_log_losses(logits * np.geomspace(0.05, 20, 6)[:, None, None], y)
    for own, labels, score in zip(logits, y, scores, strict=True):

        def loss(at: np.ndarray, own: np.ndarray = own, labels: np.ndarray = labels) -> float:
            shift = np.arange(classes) * at[1] if classes == 2 else 0.0
            return log_loss(np.exp(at[0]) * own + shift, labels)

        found = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
        assert score == pytest.approx(found.fun, abs=1e-10)
        assert score < loss(np.zeros(2)) - 1e-4


def test_special_members_side_by_side() -> None:
    """Each case of the documentation beside an ordinary member, with the value that it must have."""
    rng = np.random.default_rng(6)
    y = np.arange(30) % 3
    hot = np.eye(3)[y]
    ordinary = rng.normal(size=(30, 3)) + hot
    shared = hot + np.where(np.arange(30) < 15, 1.0 - hot.T, 0.0).T  # half the rows: every class at the top
    cases = {
        "ordinary": ordinary,
        "separable": 5 * hot,
        "tied": shared,
        "constant in rows": np.ones((30, 3)),
        "inverted": -5 * hot,
        "diverged": np.where(hot > 0, np.nan, hot),
    }
    scores = dict(zip(cases, refined_log_losses(np.stack([*cases.values()]), y), strict=True))
    assert 0 < scores["ordinary"] < log_loss(ordinary, y)
    assert scores["separable"] == 0
    assert scores["tied"] == pytest.approx(np.log(3) / 2)
    assert scores["constant in rows"] == pytest.approx(np.log(3))
    assert scores["inverted"] == pytest.approx(log_loss(-5 * SCALE_RANGE[0] * hot, y))
    assert np.isnan(scores["diverged"])
