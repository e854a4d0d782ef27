"""Names of boards for people."""

from __future__ import annotations

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.naming import configuration, names_of
from bench.records.columns import of_records
from tests.leaderboard.builders import series

TIME = {"traits": {"n_train": 800, "n_test": 200, "n_classes": 2, "split_by": "time"}}


def test_a_name_holds_what_tells_boards_apart_and_nothing_else() -> None:
    """One board is its data set; then target, model, split and tuning, each only where it differs."""

    def named(*records: list) -> list[str]:  # type: ignore[type-arg]
        tables = boards(of_records([r for found in records for r in found]))
        return sorted(names_of(tables).values())

    first = series("none", [0.3, 0.4], data="orders")
    assert named(first) == ["orders"]
    assert named(first, series("none", [0.3], data="orders", target="u")) == ["orders · t", "orders · u"]
    assert named(first, series("none", [0.3], data="orders", model="tree")) == ["orders · m", "orders · tree"]
    assert named(series("none", [0.3], data="orders", **TIME)) == ["orders · by time"]
    tuned = series("none", [0.3], data="returns", tuned=True)
    assert named(first, tuned) == ["orders", "returns · tuned"]
    assert named(tuned) == ["returns"]


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ({"steps": 9000}, "steps 9,000"),
        ({"decay": False}, "no decay"),
        ({"bf16": True}, "bf16"),
        ({"kind": "x"}, "train kind x"),
    ],
)
def test_a_setting_is_said_in_words(setting: dict[str, object], wanted: str) -> None:
    tables = boards(of_records([*series("none", [0.3]), *series("none", [0.4], train={"lr": 0.1, **setting})]))
    assert wanted in {part for name in names_of(tables).values() for part in name.split(" · ")}


def test_no_two_boards_have_one_name_and_long_ones_are_cut() -> None:
    """Seven settings that differ: three stand in the name, the configuration has all."""
    settings = [{"lr": 0.1, **{f"s{i}": k for i in range(7)}} for k in (1, 2)]
    tables = boards(of_records([r for train in settings for r in series("none", [0.3], train=train)]))
    names = names_of(tables)
    assert len(set(names.values())) == len(tables) == 2
    assert all(name.endswith("· 4 more") for name in names.values())
    assert dict(configuration(tables[0]))["train.s6"] == "1"
