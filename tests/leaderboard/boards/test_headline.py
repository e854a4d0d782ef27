"""The answer in one short sentence, and the matrix of all boards."""

from __future__ import annotations

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.headline import headline
from bench.leaderboard.boards.matrix import MOST, matrix_of
from bench.leaderboard.boards.model import Board
from bench.leaderboard.boards.otherwise import ranked_otherwise
from bench.records.columns import of_records
from tests.leaderboard.builders import make, repeats, series

NONE = [0.30, 0.31, 0.32, 0.33, 0.32, 0.30, 0.31, 0.32, 0.31, 0.33]
NOISE = [0.001, -0.002, 0.0, 0.002, -0.001, 0.001, 0.0, -0.001, 0.002, -0.002]


def shifted(by: float) -> list[float]:
    return [value + by + noise for value, noise in zip(NONE, NOISE, strict=True)]


def judged() -> Board:
    records = repeats("none", NONE) + repeats("up", shifted(0.1)) + repeats("down", shifted(-0.1))
    (board,) = boards(of_records(records + repeats("level", shifted(0.0))))
    return board


def test_it_names_the_winner_its_size_and_who_is_worse() -> None:
    board = judged()
    said = headline(board)
    assert said.startswith("up beats doing nothing by .1")
    assert said.endswith(" AP; level is practically the same; down is worse")
    assert headline(boards(of_records(repeats("none", NONE[:5]) + repeats("up", shifted(0.1)[:5])))[0]).endswith(
        "(a look)"
    )


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        (series("none", [0.3, 0.4]), "only none has a value"),
        (series("none", [0.3, 0.4]) + series("focal", [0.5, 0.6]), "no verdict: one split of the data"),
        (repeats("none", NONE[:3]) + repeats("up", NONE[:3]), "no verdict: 3 repeats are too few"),
        ([make("none", 0, status="failed")], "nothing to compare yet"),
    ],
)
def test_without_a_verdict_it_says_why(records: list, wanted: str) -> None:  # type: ignore[type-arg]
    (board,) = boards(of_records(records))
    assert headline(board).startswith(wanted)


def test_the_matrix_has_every_strategy_with_its_verdict_or_the_reason_why_not() -> None:
    failing = make("broken", 0, status="failed", reason="NaN at step 3")
    records = repeats("none", NONE) + repeats("up", shifted(0.1)) + repeats("down", shifted(-0.1)) + [failing]
    (board,) = boards(of_records(records))
    found = matrix_of([board])
    assert found.labels == ("up", "down", "broken")
    ((_, places),) = found.lines
    assert {label: place.verdict for label, place in places.items()} == {"up": "better", "down": "worse", "broken": ""}
    assert places["up"].gain == pytest.approx(sum(NOISE) / 10 + 0.1)
    assert places["broken"].absent == "failed: NaN at step 3"


def test_where_lower_is_better_a_fall_is_a_gain() -> None:
    metrics = [{"raw/average_precision": 0.3 + i / 100, "recalibrated/log_loss": 0.5 - i / 10} for i in (0, 1)]
    records = [
        make(strategy, r, split=r, metrics={k: v + r / 999 for k, v in metrics[i].items()})
        for i, strategy in enumerate(("none", "up"))
        for r in range(5)
    ]
    table = of_records(records)
    others = ranked_otherwise(table, boards(table))
    assert list(others) == ["recalibrated/log_loss"]  # the designed one ranks already
    ((_, places),) = matrix_of(others["recalibrated/log_loss"]).lines
    assert (places["up"].difference, places["up"].gain) == (pytest.approx(-0.1), pytest.approx(0.1))


def test_of_very_many_strategies_those_on_most_boards_are_columns() -> None:
    records = series("none", [0.3, 0.4]) + [r for i in range(MOST + 4) for r in series(f"s{i:03}", [0.1, 0.2 + i / 99])]
    found = matrix_of(boards(of_records(records)))
    assert (len(found.labels), found.cut) == (MOST, 4)
