"""Decision rules against scikit-learn and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bench.evaluation import rules
from bench.evaluation.decided import Counts, macro_f1
from bench.evaluation.rules import TAU_BLOCK, TAUS, fit_tau, fit_threshold, tau_decisions
from tests.evaluation.builders import long_tailed


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 1)), min_size=1, max_size=30))
def test_threshold_reaches_the_best_f1_of_all_cuts(rows: list[tuple[int, int]]) -> None:
    """No cut between scores, ties included, has a higher F1 of the positive class."""
    z, y = np.array([r[0] for r in rows], dtype=np.float64), np.array([r[1] for r in rows])
    threshold = fit_threshold(z, y)
    if not y.any():
        assert threshold == 0.0
        return
    cuts = np.append(np.unique(z), z.min() - 1)
    best = max(f1_score(y, z > cut, zero_division=0) for cut in cuts)
    assert f1_score(y, z > threshold) == best


def test_threshold_is_the_middle_of_the_best_interval() -> None:
    """Between the scores that bound it; of tied intervals the wider; one unit wide below the lowest score."""
    assert fit_threshold(np.array([0.0, 1.0, 4.0]), np.array([0, 0, 1])) == 2.5
    # Cuts above 9, 8 and so on: F1 is 2/3 after the first positive and again after the last.
    assert fit_threshold(np.array([9.0, 8.0, 7.0, 6.0, 0.0]), np.array([1, 0, 0, 1, 0])) == 3.0
    assert fit_threshold(np.array([9.0, 1.0, 0.5, 0.4, 0.3]), np.array([1, 0, 0, 1, 0])) == 5.0
    assert fit_threshold(np.array([2.0, 3.0]), np.array([1, 1])) == 1.5


def test_threshold_between_neighbouring_floats_still_separates() -> None:
    """Where no number lies between two scores, the lower one is the threshold, for the rule is strict."""
    first = 1.0
    second = np.nextafter(first, 2)
    third = np.nextafter(second, 2)
    # The computed middle of one of these pairs rounds up to the higher score.
    for low, high in ((first, second), (second, third)):
        assert fit_threshold(np.array([low, high]), np.array([0, 1])) == low


@pytest.mark.parametrize("block", [1, 3000, TAU_BLOCK])
def test_tau_reaches_the_best_macro_f1_of_the_grid(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tau of the grid does better by scikit-learn's macro-F1, and none nearer to 0 does as well; in any blocks."""
    monkeypatch.setattr(rules, "TAU_BLOCK", block)
    for seed in range(4):
        logits, y = long_tailed(150, 4, seed, signal=1.0)
        natural = np.bincount(y) / len(y)
        scores = {tau: f1_score(y, (logits - tau * np.log(natural)).argmax(axis=1), average="macro") for tau in TAUS}
        tau = fit_tau(logits, y, natural)
        best = max(scores.values())
        assert scores[tau] == pytest.approx(best, abs=1e-12)
        assert abs(tau) == min(abs(t) for t, score in scores.items() if score > best - 1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3, 10]), st.sampled_from([1, 5, 80]), st.integers(-9, 9))
def test_rows_that_no_tau_moves_are_counted_as_if_decided(seed: int, classes: int, n: int, power: int) -> None:
    """The tau is that of deciding every row under every tau, also where logits are equal or nearly so."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    natural = rng.dirichlet(np.ones(classes)) + 1e-6
    logits = np.round(rng.normal(size=(n, classes)), 1) * 10.0**power + rng.integers(-1, 3) * np.log(natural)
    scores = [macro_f1(Counts.of(tau_decisions(logits, natural, tau), y, classes)) for tau in TAUS]
    best = [tau for tau, score in zip(TAUS, scores, strict=True) if score == max(scores)]
    nearest, tau = min(best, key=lambda tau: (abs(tau), tau < 0)), fit_tau(logits, y, natural)
    if nearest not in (TAUS[0], TAUS[-1]):
        assert tau == nearest
    else:  # the search goes on in that direction
        assert abs(tau) >= abs(nearest)
        assert tau * nearest > 0


@pytest.mark.parametrize(("sign", "needed"), [(1, 3.4), (1, 4.5), (-1, 2.1)])
def test_tau_does_not_stop_where_its_range_does(sign: int, needed: float) -> None:
    """Logits that a prior was taken from several times over need as much of it back; beyond 8 nobody looks."""
    rng = np.random.default_rng(0)
    prior = np.array([0.7, 0.2, 0.1])
    y = np.arange(600) % 3
    fair = rng.normal(size=(600, 3)) + 2.5 * np.eye(3)[y]
    tau = fit_tau(fair + sign * needed * np.log(prior), y, prior)
    assert abs(tau - sign * needed) < 0.4
    scores = {
        t: macro_f1(Counts.of(tau_decisions(fair + sign * needed * np.log(prior), prior, t), y, 3))
        for t in (tau, *TAUS)
    }
    assert scores[tau] == max(scores.values())
    assert abs(fit_tau(fair + 30 * np.log(prior), y, prior)) <= 8


def test_only_clear_leads_settle_a_row() -> None:
    """A class ahead under every tau; not one that is overtaken, and not one ahead by no more than rounding."""
    shifts = np.outer(TAUS, np.log([0.7, 0.2, 0.1]))
    rows = np.array([[9.0, 0.0, 0.0], [0.0, 0.0, 9.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert rules._settled(rows, shifts).tolist() == [0, 2, -1, -1]
    level = np.outer(TAUS, np.log([1 / 3] * 3))
    close = np.array([[1.0, np.nextafter(1.0, 2.0), 0.0], [1.0, 1.0, 0.0], [1.0, 1.1, 0.0]])
    assert rules._settled(close, level).tolist() == [-1, -1, 1]


def test_tau_without_anything_to_gain_is_zero() -> None:
    """Perfect or balanced predictions tie everywhere; then the rule is plain argmax."""
    y = np.array([0, 0, 1, 2])
    assert fit_tau(50 * np.eye(3)[y], y, np.array([0.5, 0.25, 0.25])) == 0.0
    logits, y = long_tailed(50, 3, 1)
    assert fit_tau(logits, y, np.full(3, 1 / 3)) == 0.0
    np.testing.assert_array_equal(tau_decisions(logits, np.full(3, 1 / 3), 0.0), logits.argmax(axis=1))


def test_tau_grid_is_the_documented_one() -> None:
    """-0.5 to 2 in steps of 0.05 with 0 hit exactly."""
    np.testing.assert_allclose(TAUS, np.linspace(-0.5, 2, 51), atol=1e-12)
    assert 0.0 in TAUS
