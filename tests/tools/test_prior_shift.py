"""Class shares that moved are found from scores alone: on generated rows, whose shares are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.tools.prior_shift import error, measured


def test_shares_of_shifted_rows_are_found_and_mend_the_probabilities(tmp_path: Path) -> None:
    """Odds of a click six times as high and as low: estimates leave at most a third of that error, in log odds.

    And probabilities under them lose at most a fifth of what the true shares gain.
    """
    words = ("data=impressions", "data.rows=12000", "data.prevalence=0.2", "strategy=none", "model=linear")
    words += ("train.max_steps=300", "debug=true")
    for (_, factor), runs in measured(tmp_path, words, (1 / 6, 6.0)).items():
        assert error(runs, "em") < abs(np.log(factor)) / 3
        assert error(runs, "bbse") < abs(np.log(factor)) / 3
        before, em, bbse, true = runs[0]["losses"]
        assert true < before
        assert em - true < 0.2 * (before - true)
        assert bbse - true < 0.2 * (before - true)
