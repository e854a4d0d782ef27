"""The feature that alone tells most is found, whether it is a number or a category."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tests.data.asked import asked
from tests.tools.checked_sets import best_feature


@pytest.mark.parametrize("told", ["number", "category"])
def test_the_best_feature_is_the_one_that_tells(told: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 5 == 0).astype(int)
    frame = pd.DataFrame({"number": rng.normal(size=400), "category": rng.choice(["a", "b", "c"], 400), "y": y})
    if told == "number":
        frame["number"] -= 3 * y  # less where the class is 1: either way counts
    else:
        frame["category"] = np.where((y == 1) & (rng.random(400) < 0.9), "z", frame["category"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    name, auroc = best_feature(asked("file", path=str(tmp_path / "t.csv"), target="y").load())
    assert name == told
    if told == "number":
        assert auroc == pytest.approx(1 - roc_auc_score(y, frame["number"]))
    else:
        assert 0.85 < auroc < 1
