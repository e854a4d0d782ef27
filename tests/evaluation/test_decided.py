"""Counts of classes: exact where single precision is not."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation.decided import Counts, matthews


def test_matthews_is_exact_where_single_precision_is_not() -> None:
    """At 50 million rows with 100 positives the closed form holds to 1e-12 relative."""
    tp, fp, fn, tn = 60, 40, 40, 50_000_000 - 140
    counts = Counts(np.array([tn, tp]), np.array([tn + fp, tp + fn]), np.array([tn + fn, tp + fp]))
    expected = (tp * tn - fp * fn) / ((tp + fp) * (tn + fn))  # the margins are equal, so the root is exact
    assert matthews(counts) == pytest.approx(expected, rel=1e-12)
