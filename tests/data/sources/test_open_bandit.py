"""Open Bandit: the log and the items shown, joined."""

from __future__ import annotations

import pandas as pd

from bench.data.sources import open_bandit


def test_open_bandit_takes_the_affinity_of_the_item_shown() -> None:
    log = pd.DataFrame(
        {
            "timestamp": ["2019-11-24 00:03:13.442536+00:00", "2019-11-24 13:03:13+00:00"], "item_id": [1, 0],
            "position": [1, 3], "click": [0, 1], "propensity_score": [0.25, 0.5],
            **{f"user_feature_{i}": ["u", "v"] for i in range(4)},
            "user-item_affinity_0": [1.0, 2.0], "user-item_affinity_1": [3.0, 4.0],
        }
    )  # fmt: skip
    context = pd.DataFrame(
        {"item_feature_0": [0.1, 0.2], **{f"item_feature_{i}": ["a", "b"] for i in (1, 2, 3)}}, index=[0, 1]
    )
    got = open_bandit.impressions(log, context, "men", "bts")
    assert got["affinity"].tolist() == [3.0, 2.0]
    assert got["affinity_sum"].tolist() == [4.0, 6.0]
    assert got["item_price"].tolist() == [0.2, 0.1]
    assert got["weight"].tolist() == [2.0, 1.0]
    assert got["hour"].tolist() == [0, 13]
    assert got["item"].tolist() == ["men-1", "men-0"]
