"""Boards of a stack without each of its strategies: what a row lacks is what its difference speaks for."""

from __future__ import annotations

import pytest

from bench.leaderboard.boards.ablation import WHOLE, check_baseline, is_ablation
from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.headline import headline
from bench.leaderboard.boards.model import Board
from bench.records.columns import of_records
from bench.records.files import ResultsError
from tests.leaderboard.boards.test_headline import NONE, shifted
from tests.leaderboard.builders import repeats

NOISY = [0.03, -0.04, 0.05, -0.03, 0.02, 0.04, -0.05, 0.01, -0.02, -0.01]


def ablated(key: str = "raw/average_precision", sign: float = 1.0) -> Board:
    """Without a much is lost, without b nothing, without c something is won, and of d noise hides all."""
    values = {
        "a+b+c+d": NONE,
        "b+c+d": shifted(-0.1 * sign),
        "a+c+d": shifted(0.0),
        "a+b+d": shifted(0.05 * sign),
        "a+b+c": [value + noise for value, noise in zip(NONE, NOISY, strict=True)],
        "none": shifted(-0.2 * sign),
    }
    records = [record for strategy, own in values.items() for record in repeats(strategy, own, key=key)]
    metric = None if key == "raw/average_precision" else key
    (board,) = boards(of_records(records), metric=metric, baseline="a+b+c+d")
    return board


@pytest.mark.parametrize(("key", "sign"), [("raw/average_precision", 1.0), ("cost/expected_cost", -1.0)])
def test_a_row_that_is_worse_speaks_for_the_strategy_that_it_lacks(key: str, sign: float) -> None:
    """Also where the lower value is the better one."""
    board = ablated(key, sign)
    assert is_ablation(board)
    assert {row.label: row.strategy for row in board.rows} == {
        WHOLE: "a+b+c+d", "without a": "b+c+d", "without b": "a+c+d", "without c": "a+b+d", "without d": "a+b+c",
        "none": "none",
    }  # fmt: skip
    metric = board.score.label
    first, second, third, fourth, last = board.sentence.removesuffix(".").split("; ")
    assert first.startswith("a is worth .1000 (")
    assert first.endswith(f" {metric}: without it the stack is worse")
    assert second.startswith("without c the stack is better, by .0500 (")
    assert third == f"without b the stack is practically the same (within ±.01 {metric})"
    assert fourth.startswith("whether d is worth anything was not shown (differences below .")
    assert last.startswith("the whole stack beats doing nothing by .2000 (")
    assert headline(board) + "." == board.sentence
    assert "Differences are to the whole stack, a+b+c+d." in board.notes


def test_without_its_baseline_a_board_is_as_ever_and_stacks_that_lack_two_keep_their_names() -> None:
    records = [r for s in ("a+b+c", "a+b", "a", "x+y") for r in repeats(s, NONE)]
    (board,) = boards(of_records(records))
    assert {row.label for row in board.rows} == {"a+b+c", "a+b", "a", "x+y"}
    (board,) = boards(of_records(records), baseline="a+b+c")
    assert {row.label for row in board.rows} == {WHOLE, "without c", "a", "x+y"}
    (board,) = boards(of_records(records), baseline="x+y")  # a baseline like any other
    assert (board.baseline, is_ablation(board)) == ("x+y", False)
    assert board.sentence.startswith("Nothing was shown to beat x+y")


def test_of_several_settings_of_one_stack_the_label_tells_them_apart() -> None:
    records = [*repeats("a+b", NONE), *repeats("a", NONE), *repeats("a", NONE, params={"x": 1}), *repeats("b", NONE)]
    (board,) = boards(of_records(records), baseline="a+b")
    assert {row.label for row in board.rows} > {WHOLE, "without a"}
    assert len({row.label for row in board.rows}) == 4


def test_a_baseline_that_was_not_run_is_refused_with_those_that_were() -> None:
    found = boards(of_records(repeats("none", NONE) + repeats("focal", NONE)), baseline="fcal")
    with pytest.raises(ResultsError, match=r"board.baseline=fcal: expected .* there are focal, none"):
        check_baseline("fcal", found)
