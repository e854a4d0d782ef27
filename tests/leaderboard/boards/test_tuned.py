"""Tuned rows: one board and one row whatever values tuning chose, marked where budgets differ."""

from __future__ import annotations

from typing import Any

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import entries
from bench.records.columns import of_records
from tests.leaderboard.builders import make, row, series, terminal


def tuned(strategy: str, values: list[float], *, trials: int = 15, steps: float = 9000, **fields: Any) -> list[Any]:
    notes = {"tuning_trials": trials, "tuning_steps": steps, "tuning_seconds": 41.0}
    return series(strategy, values, tuned=True, notes=notes, **fields)


def test_what_tuning_chose_makes_no_other_board() -> None:
    """Learning rate, weight decay and dropout differ; the strategies are compared all the same."""
    records = [
        *tuned("none", [0.3, 0.4, 0.5], train={"lr": 0.1, "weight_decay": 0.0, "max_steps": 9}, dropout=0.1),
        *tuned("focal", [0.4, 0.5, 0.7], train={"lr": 0.7, "weight_decay": 0.2, "max_steps": 9}, dropout=0.5),
    ]
    (board,) = boards(of_records(records))
    assert [r.label for r in board.rows] == ["focal", "none"]
    assert board.title == "d · t · m"
    assert row(board, "focal").difference.n == 3


def test_other_fixed_settings_do_make_another_board() -> None:
    records = [
        *tuned("none", [0.3, 0.4], train={"lr": 0.1, "max_steps": 9}),
        *tuned("focal", [0.4, 0.5], train={"lr": 0.7, "max_steps": 10}),
    ]
    assert [b.title for b in boards(of_records(records))] == [
        "d · t · m · train.max_steps=9 · tuned=true", "d · t · m · train.max_steps=10 · tuned=true",
    ]  # fmt: skip


def test_a_tuned_strategy_is_one_row_even_where_its_values_differ() -> None:
    """Tuned again for other seeds of the same split, other values came out: still one procedure."""
    records = [
        *tuned("focal", [0.4, 0.5], params={"gamma": 1.0}),
        *(make("focal", seed, 0.6, tuned=True, params={"gamma": 3.0}, train={"lr": 0.9},
               notes={"tuning_trials": 15, "tuning_steps": 9000}) for seed in (2, 3)),
    ]  # fmt: skip
    (board,) = boards(of_records(records))
    (only,) = board.rows
    assert (only.label, only.n, only.trials) == ("focal", 4, 15)


def test_the_tuned_baseline_is_the_one_to_beat() -> None:
    records = [*series("none", [0.1, 0.2, 0.4]), *tuned("none", [0.3, 0.4, 0.5]), *tuned("focal", [0.4, 0.5, 0.7])]
    (board,) = boards(of_records(records))
    assert board.baseline == "none (tuned)"
    assert row(board, "focal").difference.mean == pytest.approx((0.1 + 0.1 + 0.2) / 3)


def test_several_untuned_settings_leave_the_tuned_ones_a_board_of_their_own() -> None:
    records = [
        *series("none", [0.1, 0.2], train={"lr": 0.1}),
        *series("none", [0.3, 0.4], train={"lr": 0.2}),
        *tuned("none", [0.5, 0.6], train={"lr": 0.3}),
    ]
    titles = [b.title for b in boards(of_records(records))]
    assert titles == ["d · t · m · train.lr=0.1", "d · t · m · train.lr=0.2", "d · t · m · tuned=true"]


def test_another_number_of_trials_is_marked() -> None:
    records = [
        *tuned("none", [0.3, 0.4, 0.5]),
        *tuned("oversample", [0.3, 0.4, 0.6]),
        *tuned("focal", [0.4, 0.5, 0.7], trials=40),
    ]
    (board,) = boards(of_records(records))
    assert {entries.name(r) for r in board.rows} == {"none†", "oversample†", "focal‡"}
    text = terminal(board)
    assert "another budget" in text
    assert "none (15 trials; 9,000 steps; 41 s)" in " ".join(text.split())


def test_equal_budgets_are_not_marked() -> None:
    """Early stops make one search shorter than another: that is no other budget."""
    (board,) = boards(of_records([*tuned("none", [0.3, 0.4]), *tuned("focal", [0.4, 0.5], steps=700.0)]))
    assert {entries.name(r) for r in board.rows} == {"none†", "focal†"}
    assert "another budget" not in terminal(board)


def test_a_strategy_that_could_not_be_tuned_is_not_marked() -> None:
    skipped = [make("transfer", seed, None, status="skipped", tuned=True) for seed in range(2)]
    (board,) = boards(of_records([*tuned("none", [0.3, 0.4]), *tuned("focal", [0.4, 0.5]), *skipped]))
    assert {entries.name(r) for r in board.rows} == {"none†", "focal†", "transfer†"}
    assert "another budget" not in terminal(board)
