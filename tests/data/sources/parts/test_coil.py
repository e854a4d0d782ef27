"""How the CoIL Challenge scored."""

from __future__ import annotations

import numpy as np
import pytest

from bench.data.errors import DataError
from bench.data.sources.parts.coil import coil_score


def test_coil_score_counts_buyers_among_800_and_ties_in_expectation() -> None:
    y = np.zeros(4000, dtype=np.int64)
    y[:238] = 1
    assert coil_score(-np.arange(4000.0), y) == 238
    assert coil_score(np.arange(4000.0), y) == 0
    assert coil_score(np.zeros(4000), y) == pytest.approx(800 * 238 / 4000)
    assert coil_score(np.where(np.arange(4000) < 1000, 1.0, 0.0), y) == pytest.approx(0.8 * 238)
    with pytest.raises(DataError, match=r"4,000 test rows, got 5"):
        coil_score(np.zeros(5), y[:5])
