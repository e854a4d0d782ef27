"""Rows for TabArena's engine: it takes them as they are, and orders methods as our boards do."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bencheval.evaluator import BenchmarkEvaluator

from bench.__main__ import main
from bench.leaderboard.boards.across import summaries
from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats.bencheval import bencheval
from bench.records.columns import of_records
from bench.records.record import Record, digest
from tests.leaderboard.builders import golden_records, repeats, series, stored

TIMES = {"cost": {"train_seconds": 2.0, "inference_rows_per_second": 100.0}}


def rows_of(records: list[Record], metric: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    table = of_records(records)
    text, notes = bencheval(boards(table, metric=metric), table)
    return pd.read_csv(io.StringIO(text)), notes


def leaderboard(rows: pd.DataFrame) -> pd.DataFrame:
    """The engine's own leaderboard, which refuses gaps, negative errors and lines that stand twice."""
    return BenchmarkEvaluator(seed_column="seed").leaderboard(
        rows, average_seeds=True, include_error=True, include_elo=False, include_winrate=False
    )  # Elo is an order, too, fitted and resampled for a minute


def test_the_engine_ranks_methods_as_boards_do() -> None:
    """Mean scores of each data set and mean ranks over all: the engine has an implementation of its own of both."""
    draw = np.random.default_rng(0)
    records = [
        record
        for data in "abcdefg"
        for strategy in ("none", "focal", "crt", "ldam")
        for record in repeats(strategy, draw.uniform(0.2, 0.8, 3).round(3).tolist(), data=data, **TIMES)
    ]
    tables = boards(of_records(records))
    rows, notes = rows_of(records)
    assert notes == []
    errors = rows.groupby(["task", "method"])["metric_error"].mean()
    for board in tables:
        ours = {row.label: 1 - row.score.mean for row in board.rows if row.score}
        assert errors[f"{board.data}/{board.target}"].to_dict() == pytest.approx(ours)
        assert list(errors[f"{board.data}/{board.target}"].sort_values().index) == [row.label for row in board.rows]
    (across,) = summaries(tables)
    assert across.blocks is not None
    engine = leaderboard(rows)["rank"]
    assert engine.to_dict() == pytest.approx({s.name: s.mean_rank for s in across.blocks.standings})
    assert engine.is_monotonic_increasing


@pytest.mark.parametrize(
    ("metric", "values", "errors"),
    [
        ("raw/average_precision", [0.9, 0.5], [0.1, 0.5]),
        ("recalibrated/log_loss", [0.2, 0.7], [0.2, 0.7]),
        ("tuned/mcc", [-0.25, 1.0], [1.25, 0.0]),
    ],
)
def test_an_error_is_the_distance_to_the_best_value(metric: str, values: list[float], errors: list[float]) -> None:
    records = [*series("none", [values[0]] * 2, key=metric), *series("focal", [values[1]] * 2, key=metric)]
    rows, _ = rows_of(records, metric)
    found = rows.groupby("method")["metric_error"].mean()
    assert [found["none"], found["focal"]] == pytest.approx(errors)


def test_seconds_are_of_training_and_of_the_test_rows() -> None:
    rows, notes = rows_of([*series("none", [0.5, 0.6], **TIMES), *series("focal", [0.4, 0.7], **TIMES)])
    assert notes == []
    assert set(rows["time_train_s"]) == {2.0}
    assert set(rows["time_infer_s"]) == {2.0}  # 200 test rows at 100 a second
    assert set(leaderboard(rows).index) == {"none", "focal"}


def test_where_records_do_not_tell_seconds_there_are_none() -> None:
    """A zero would be taken for a measurement."""
    rows, notes = rows_of([*series("none", [0.5, 0.6]), *series("focal", [0.4, 0.7])])
    assert "time_infer_s" not in rows
    assert "time_infer_s" in notes[0]


def test_a_repeat_is_what_the_board_counts() -> None:
    """Further seeds on some splits tell the seed's noise only; seeds of every split are averaged."""
    extra = [*repeats("none", [0.5, 0.7], **TIMES), *repeats("focal", [0.6, 0.9], **TIMES)]
    more = series("none", [0.1, 0.1, 0.1], split=0, **TIMES)[2:]
    rows, _ = rows_of([*extra, *more])
    table = rows.pivot_table(index="seed", columns="method", values="metric_error")
    assert table["focal"].tolist() == pytest.approx([0.4, 0.1])
    assert table["none"].tolist() == pytest.approx([0.5, 0.3])


def test_gaps_are_left_out_and_named() -> None:
    """Never filled in: a repeat, a method and a task that lack something."""
    records = [
        *repeats("none", [0.5, 0.6, 0.7], data="a", **TIMES), *repeats("focal", [0.4, 0.5], data="a", **TIMES),
        *repeats("none", [0.5, 0.6], data="b", **TIMES), *repeats("focal", [0.4, 0.7], data="b", **TIMES),
        *repeats("rare", [0.4, 0.7], data="b", **TIMES),
        *repeats("none", [0.5, 0.6], data="c", **TIMES),
    ]  # fmt: skip
    rows, notes = rows_of(records)
    assert set(rows["task"]) == {"a/t", "b/t"}
    assert set(rows["method"]) == {"none", "focal"}
    assert sorted(rows[rows["task"] == "a/t"]["seed"].unique()) == [0, 1]
    said = " ".join(notes)
    for words in ("Task c/t is left out: no value of focal", "rare is left out", "a/t: 1 repeat left out"):
        assert words in said
    leaderboard(rows)


def test_models_and_settings_are_methods_and_settings_of_the_data_are_tasks() -> None:
    both = [
        *repeats("none", [0.5, 0.6], model="mlp", **TIMES), *repeats("none", [0.6, 0.7], model="trees", **TIMES),
        *repeats("none", [0.6, 0.7], model="trees", train={"lr": 0.9}, **TIMES),
    ]  # fmt: skip
    rows, _ = rows_of(both)
    assert set(rows["task"]) == {"d/t"}
    assert set(rows["method"]) == {"none [mlp]", "none [trees, train.lr=0.1]", "none [trees, train.lr=0.9]"}


def test_tables_of_one_generator_are_tasks_of_their_own() -> None:
    made = []
    for rows_made in (3000, 9000):
        for record in (*repeats("none", [0.5, 0.6], **TIMES), *repeats("focal", [0.4, 0.7], **TIMES)):
            config = {**record.config, "data": {**record.config["data"], "fingerprint": f"of {rows_made}"}}
            traits = {**record.traits, "generated": {"rows": rows_made}}
            made.append(replace(record, key=digest(config), config=config, traits=traits))
    assert set(rows_of(made)[0]["task"]) == {"d/t [rows=3000]", "d/t [rows=9000]"}


def test_a_board_without_any_value_is_named() -> None:
    records = [*series("none", [0.5, 0.6]), *series("focal", [0.4, 0.7])]
    silent = [*series("none", [None], data="void"), *series("focal", [None], data="void")]
    _, notes = rows_of([*records, *silent])
    assert "Task void/t is left out: no value of raw/average_precision" in " ".join(notes)


def test_one_method_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two methods"):
        rows_of(series("none", [0.5, 0.6]))


def test_a_metric_without_a_best_value_is_refused() -> None:
    key = "raw/lift_at_5pct"
    with pytest.raises(ValueError, match=r"board\.metric: .* got 'raw/lift_at_5pct'"):
        rows_of([*series("none", [0.5, 0.6], key=key), *series("focal", [0.5, 0.6], key=key)], key)


def test_the_verb_writes_the_file_and_says_what_is_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = stored(tmp_path, golden_records())
    assert main(["publish", f"results={root}", "format=bencheval"]) == 0
    assert "BenchmarkEvaluator" in capsys.readouterr().out
    rows = pd.read_csv(root / "bencheval.csv")
    assert list(rows.columns[:5]) == ["method", "task", "seed", "metric_error", "metric"]
    assert not (root / "leaderboard.html").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["format=elo"], "expected bencheval, got 'elo'"),
        (["format=bencheval", "board.name=x"], "no board.name"),
        (["format=bencheval", "board.data=absent"], "expected records with data=absent"),
    ],
)
def test_wrong_use_is_one_line(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = stored(tmp_path, golden_records())
    assert main(["publish", f"results={root}", *words]) == 2
    assert says in capsys.readouterr().err
