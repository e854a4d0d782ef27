"""`repeats=N` becomes pairs of split and seed, in every verb that takes a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.cli.compose import compose_one
from bench.cli.repeats import on_each_split, repeated
from bench.cli.verbs.tune import Tune
from bench.config import ConfigError, read_cell


def units(raw: dict[str, Any]) -> list[tuple[int, int]]:
    return [(one["split"], one["seed"]) for one in repeated([raw])]


def test_split_r_goes_with_seed_r() -> None:
    assert units({"repeats": 5}) == [(r, r) for r in range(5)]
    assert units({"split": 2, "seed": 7}) == [(2, 7)]
    assert units({"repeats": None, "split": 0, "seed": 1}) == [(0, 1)]


def test_ten_repeats_have_one_more_seed_on_two_of_the_splits() -> None:
    assert units({"repeats": 10}) == [*((r, r) for r in range(10)), (0, 10), (1, 11)]


def test_where_the_data_give_the_test_rows_repeats_are_seeds() -> None:
    assert units({"repeats": 5, "data": {"given": "part"}}) == [(0, r) for r in range(5)]
    assert units({"repeats": 3, "data": {"given": None}}) == [(0, 0), (1, 1), (2, 2)]


def test_a_search_is_made_once_on_each_split() -> None:
    found = on_each_split([{"repeats": 10, "seed": 0}, {"split": 3, "seed": 0}])
    assert [one["split"] for one in found] == [*range(10), 3]


@pytest.mark.parametrize("value", [1, 0, -2, 2.5, True, "5"])
def test_an_impossible_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="repeats: expected a number of at least 2"):
        repeated([{"repeats": value}])


@pytest.mark.parametrize("key", ["split", "seed"])
def test_repeats_and_a_split_or_seed_contradict_each_other(key: str) -> None:
    with pytest.raises(ConfigError, match=f"repeats=5 and {key}=3: expected one of them"):
        repeated([{"repeats": 5, key: 3}])


def test_what_takes_one_cell_refuses_repeats() -> None:
    with pytest.raises(ConfigError, match="repeats=5: expected one cell"):
        read_cell({"repeats": 5})


def test_plan_counts_the_cells_of_all_repeats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "strategy=none,focal", "repeats=10", "data=womens", f"results={tmp_path}"]) == 0
    assert "24 cells = 2 strategies (none, focal), 12 split-seed pairs" in capsys.readouterr().out


def test_plan_states_what_tuning_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One study a split, on that split's training and validation rows; without their settings no cell is known."""
    arguments = ["plan", "strategy=none,focal", "repeats=5", "data=womens", "tuned=true", "tune.trials=12"]
    assert main([*arguments, f"results={tmp_path}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "tuning: 10 studies (one a split, 5 splits) of 12 trials, 120 trials in all, 120 left" in said
    assert "then 10 cells; 10 of the studies have no settings yet" in said
    assert main(["plan", "strategy=none", "data=womens", "tuned=true", f"results={tmp_path}"]) == 0
    assert "on fewer than 5 tuned splits is a look" in " ".join(capsys.readouterr().out.split())


def test_tune_searches_once_on_each_split_and_says_what_it_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []

    def search(configurations: Any, *_: object) -> list[Any]:
        searched.extend(raw["split"] for raw in configurations)
        return []

    monkeypatch.setattr("bench.cli.verbs.tune.search", search)
    monkeypatch.setattr("bench.cli.verbs.tune.summarize", lambda *_, **__: 0)
    raw = compose_one(["strategy=focal", "repeats=3", "tune.trials=2", "data=womens", f"results={tmp_path}"])
    assert Tune().on_grid([raw]) == 0
    assert searched == [0, 1, 2]
    assert "3 studies (one a split, 3 splits) of 2 trials, 6 trials in all" in " ".join(capsys.readouterr().out.split())
