"""Readings of what validation chooses, on a set whose answers are worked out by hand."""

from __future__ import annotations

import pytest

from tests.tools.chosen import READINGS, Compared, cell_of, equally_good

SET = Compared(
    "made up",
    {"lr": [0.5, 0.6, 0.7, 0.6, 0.6], "hgb": [0.6, 0.6, 0.6, 0.6, 0.55], "bare": [0.1] * 5},
    {"linear": [0.4, 0.5, 0.6, 0.5, 0.5], "mlp": [0.9, 0.9, 0.9, 0.9, 0.8]},
    {"linear": [0.0, 0.1, 0.3, 0.3, 0.1], "mlp": [0.0, 0.2, 0.2, 0.4, 0.9]},
)


def test_validation_chooses_in_each_split_and_ties_are_counted() -> None:
    assert SET.chosen() == [0.4, 0.5, 0.9, 0.5, 0.5]
    assert SET.shared() == pytest.approx([0.65, 0.5, 0.9, 0.5, 0.5])
    assert SET.tied() == 1
    assert SET.one_model() == SET.ours["linear"]  # mean losses .16 and .34
    assert SET.best_of_ours() == SET.ours["mlp"]


def test_a_reference_is_chosen_by_the_test_mean_of_all_splits_or_of_the_others() -> None:
    assert SET.best() == SET.references["lr"]
    assert SET.foreseen() == pytest.approx([0.5, 0.6, 0.6, 0.6, 0.6])  # without split 2, lr has .575 and hgb .5875


def test_a_tolerance_is_in_standard_errors_of_the_paired_difference() -> None:
    """Differences -.1, -.1, .2, -.1, -.1: mean -.04, standard error .06."""
    names = list(READINGS)
    assert READINGS[names[0]](SET)
    assert not READINGS[names[2]](SET)


def test_of_equal_models_two_thirds_pass_and_against_one_reference_four_fifths() -> None:
    """Against one: P(t > -1) with four degrees of freedom."""
    from scipy.stats import t

    assert equally_good(1) == pytest.approx(t.sf(-1, 4), abs=0.005)
    assert equally_good(3) < equally_good(2) < equally_good(1)


def test_lines_are_known_by_their_overrides() -> None:
    job = ["strategy=none", "model=lightgbm", "data=keel", "data.name=yeast5", "split=2", "seed=2"]
    assert cell_of({"key": "0", "job": job}) == ("lightgbm", "keel / yeast5", 2)
    assert cell_of({"key": "0", "job": [*job, "model.num_leaves=3"]}) is None
    assert cell_of({"key": "bare keel / yeast5 4"}) == ("bare", "keel / yeast5", 4)
