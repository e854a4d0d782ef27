"""The committed records give the committed tables, and these were checked by hand and by scipy."""

from __future__ import annotations

from pathlib import Path

import pytest
import scipy.stats

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import csv_json as export
from bench.leaderboard.formats import markdown
from bench.records.store import load
from tests.leaderboard.builders import GOLDEN, golden_records, row, stored


def test_golden(tmp_path: Path) -> None:
    """The committed records give the committed tables, to the byte.

    Checked by hand on womens · one_star (AP; t(.975) is 2.7764 for 4 and 4.3027 for 2 degrees of freedom):

    - none .30 .32 .34 .32 .32: mean .32, s² = .0008/4, half 2.7764 · √(.0002/5) = .0176
    - focal − none .03 .04 .03 .04 .01: mean .03, s² = .0006/4, error √(.00015/5) = .00548, t = 5.477, p = .00541,
      half 2.7764 · .00548 = .0152
    - transfer − none on seeds 0–2: .01 .01 .02: mean .0133, error √(.0000333/3) = .00333, t = 4.00, p = .0572,
      half 4.3027 · .00333 = .0143
    - oversample − none −.08 −.07 −.10 −.09 −.06: mean −.08, error √(.00025/5) = .00707, t = −11.31, p = .000348
    - focal − oversample: mean .11, error √(.0006/5) = .01095, t = 10.04, p = .000556
    - transfer − oversample .09 .08 .12: mean .0967, error √(.000433/3) = .01202, t = 8.04, p = .0151
    - focal − transfer .02 .03 .01: t = .02/(.01/√3) = 3.46, p = .0742
    - Holm: .000348·6 = .0021, .000556·5 = .0028, .00541·4 = .0216, .0151·3 = .0453, .0572·2 = .114, max(.0742, .114);
      four are below .05: oversample has three better (rank 4), none has one (rank 2), focal and transfer share rank 1

    On womens · class: class_weights − none is 0, .01, −.01: mean 0, p = 1, half 4.3027 · .01/√3 = .0248.
    """
    tables = boards(load(stored(tmp_path, golden_records())))
    # Bytes, so that neither line ends nor encodings are smoothed over.
    assert markdown.markdown(tables).encode() == (GOLDEN / "leaderboard.md").read_bytes()
    assert export.comma_separated(tables).encode() == (GOLDEN / "leaderboard.csv").read_bytes()


def test_golden_statistics_by_scipy(tmp_path: Path) -> None:
    board = boards(load(stored(tmp_path, golden_records())))[1]
    values = {
        s: [
            float(r.metrics["raw/average_precision"] or 0)
            for r in golden_records()
            if r.strategy == s and r.target == "one_star"
        ]
        for s in ("none", "focal", "oversample")
    }
    for strategy in ("focal", "oversample"):
        witness = scipy.stats.ttest_rel(values[strategy], values["none"])
        assert row(board, strategy).difference.p == pytest.approx(witness.pvalue)
    assert [(r.label, r.rank) for r in board.rows] == [
        ("focal", 1),
        ("transfer", 1),
        ("none", 2),
        ("oversample", 4),
        ("self_supervised", None),
    ]
