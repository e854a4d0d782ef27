"""Boards of real learners: what is counted as a false claim, and what recentring does."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools import real_tables
from tests.tools.real_tables import KINDS, Board, claims, report, verdicts_of


def board(kind: str, number: int, **offsets: float) -> Board:
    """Five repeats of noise around `none`, with a true difference for each strategy."""
    generator = np.random.default_rng(number)
    scores = {"none": generator.normal(0.5, 0.01, 5).tolist()}
    for name, offset in offsets.items():
        scores[name] = (np.array(scores["none"]) + offset + generator.normal(0, 0.01, 5)).tolist()
    return {"kind": kind, "board": number, "repeats": 5, "ratio": 0.25, "scores": scores}


def test_a_large_difference_is_claimed_until_it_is_taken_out() -> None:
    made = board(KINDS[1], 0, oversample=0.2, focal=0.0)
    assert claims(verdicts_of(made)) == ("oversample",)
    assert claims(verdicts_of(made, {"oversample": 0.2})) == ()


def test_the_table_counts_claims_that_are_left_after_the_mean_difference() -> None:
    boards = [board(KINDS[1], i, oversample=0.2) for i in range(40)]
    lines = list(report(boards))
    (row,) = [line for line in lines if line.startswith("| recentred networks")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["40", "1"]
    false = np.mean([bool(claims(verdicts_of(b, {"oversample": true_mean(boards)}))) for b in boards])
    assert cells[4].startswith(f"{false:.3f} ")
    assert any(line.startswith("- True differences") and "+0.2" in line for line in lines)


def true_mean(boards: list[Board]) -> float:
    """The mean difference of all boards."""
    return float(np.mean([np.mean(b["scores"]["oversample"]) - np.mean(b["scores"]["none"]) for b in boards]))


def test_none_against_itself_is_not_recentred_and_a_claim_is_looked_at_again() -> None:
    boards = [board(KINDS[0], i, **{"none 1": 0.2}) for i in range(3)]
    boards[1]["looks"] = {"none": [0.5] * 5, "none 1": [0.503] * 5}
    lines = list(report(boards))
    (row,) = [line for line in lines if line.startswith("| none against itself")]
    assert "| 1.000 [" in row
    assert any("Board 1 called none 1 different" in line and "differ by +0.0030" in line for line in lines)


def test_a_board_of_logistic_regressions_is_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_tables, "ROWS", 400)
    monkeypatch.setattr(real_tables, "FRESH", 400)
    real_tables.population.cache_clear()
    made = real_tables.regressions(0, 1, 2)
    real_tables.population.cache_clear()
    assert set(made["scores"]) == set(real_tables.STRATEGIES)
    assert all(len(scores) == 2 and 0 < min(scores) <= max(scores) <= 1 for scores in made["scores"].values())
    assert made["scores"]["none"] != made["scores"]["oversample"]
