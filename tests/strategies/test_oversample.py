"""Oversampling: counts of imbalanced-learn, rows drawn alike."""

from __future__ import annotations

import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from scipy.stats import chisquare

from strategies.oversample import DrawMore
from tests.strategies.rows import counts, gen, imblearn_counts, labels


@pytest.mark.oracle("oversample", "imbalanced-learn")
@pytest.mark.parametrize("ratio", [0.2, 0.29, 0.5, 0.77, 1.0])
def test_oversampling_two_classes_counts_as_imbalanced_learn(ratio: float) -> None:
    y = labels(183, 17)
    rows = DrawMore(ratio)(torch.arange(200), y, gen())
    assert dict(enumerate(counts(rows, y))) == imblearn_counts(RandomOverSampler, y, ratio)


def test_oversampling_draws_every_rare_row_alike() -> None:
    """With replacement, uniformly: chi-square over many draws of a fixed seed."""
    y = labels(20_000, 20)
    rows = DrawMore(1.0)(torch.arange(len(y)), y, gen(1))
    rare = (y == 1).nonzero().flatten()
    drawn = torch.bincount(rows[len(y) :], minlength=len(y))[rare]
    assert int(drawn.sum()) == 19_980
    assert chisquare(drawn.numpy()).pvalue > 1e-3
