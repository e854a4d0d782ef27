"""Boards from records: which rows, means, verdicts and notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import markdown, tables_csv
from bench.records.store import load
from tests.leaderboard.builders import golden_records, make, row, series, stored, terminal


def test_unequal_seeds_are_paired_on_common_ones_and_listed(build: Any) -> None:
    (board,) = build([*series("none", [0.1, 0.2, 0.3, 0.4]), make("focal", 1, 0.25), make("focal", 3, 0.46)])
    focal = row(board, "focal")
    assert focal.difference.mean == pytest.approx(0.055)  # not .355 − .25
    assert (focal.difference.pairs, focal.n, board.n_units) == (2, 2, 4)
    assert [(a.label, a.units) for a in board.missing] == [("focal", ((0, 0), (0, 2)))]
    assert any("2 common pairs" in note for note in board.notes)
    assert "2/4" in terminal(board)


def test_failed_and_skipped_cells_are_listed_with_reasons(build: Any) -> None:
    records = [
        *series("none", [0.1, 0.2]),
        make("focal", 0, status="diverged", reason="NaN at step 3\nTraceback …"),
        make("focal", 1, status="diverged", reason="NaN at step 3"),
        make("transfer", 0, status="skipped", reason="no source"),
    ]
    (board,) = build(records)
    assert [(a.label, a.status, a.units, a.reason) for a in board.failed] == [
        ("focal", "diverged", ((0, 0), (0, 1)), "NaN at step 3")
    ]
    assert [(a.label, a.reason) for a in board.skipped] == [("transfer", "no source")]
    assert [(a.label, a.units) for a in board.missing] == [("transfer", ((0, 1),))]
    for text in (terminal(board), markdown.markdown([board])):
        assert "run.retry_failed=true" in text
        assert "NaN at step 3" in text
        assert "no source" in text
    assert row(board, "focal").score is None
    assert board.rows[0].label == "none"


def test_nothing_finished(build: Any) -> None:
    (board,) = build([make("focal", 0, status="oom", reason="GPU full")])
    assert board.sentence.startswith("No finished run")
    assert "GPU full" in terminal(board)


def test_an_undefined_metric_is_never_averaged(build: Any) -> None:
    records = [
        *series("none", [0.1, 0.2, 0.3]),
        make("focal", 0, 0.4),
        make("focal", 1, None, undefined={"raw/average_precision": "one class only in the scores"}),
        make("focal", 2, 0.5),
    ]
    (board,) = build(records)
    assert row(board, "focal").score is None
    assert row(board, "focal").could_be_best is None
    assert any("1 of 3 runs (seed 1)" in note and "one class only" in note for note in board.notes)
    assert "| focal | 3 | – |" in markdown.markdown([board])


def test_units_undefined_for_everyone_are_left_out_for_everyone(build: Any) -> None:
    """No positives in one test split says nothing about a strategy."""
    why: dict[str, Any] = {"undefined": {"raw/average_precision": "no positive rows"}}
    records = [
        make(strategy, 0, None if split == 1 else 0.1 * split + shift, split=split, **(why if split == 1 else {}))
        for strategy, shift in (("none", 0.1), ("focal", 0.2))
        for split in range(4)
    ]
    (board,) = build(records)
    assert row(board, "none").score.mean == pytest.approx((0.1 + 0.3 + 0.4) / 3)
    assert any("every strategy on split 1 seed 0" in note and "no positive rows" in note for note in board.notes)


def test_costs_shared_in_a_stack_are_called_so(build: Any) -> None:
    """Seconds of cells that trained as one are no comparison of strategies; on other boards nothing is said."""
    apart = [make("none", 0, 0.1), make("focal", 0, 0.9)]
    (board,) = build(apart)
    assert not any("stack" in note for note in board.notes)
    together = [replace(r, cost={**r.cost, "together": 4.0}) for r in series("oversample", [0.2, 0.3])]
    (board,) = build(together)
    (note,) = [note for note in board.notes if "stack" in note]
    assert note.startswith("2 of 4 runs trained in stacks of up to 4 fits")


def test_rows_that_lack_runs_stand_behind(build: Any) -> None:
    """A sweep under way: one easy split makes no winner."""
    records = [make(s, r, 0.2 * r, split=r) for s in ("none", "focal") for r in range(4)]
    (board,) = build([*records, make("oversample", 3, 0.6, split=3)])
    assert [row.strategy for row in board.rows] == ["focal", "none", "oversample"]


def test_metric_must_order() -> None:
    frame = load("/nonexistent")
    with pytest.raises(ValueError, match="aims at 1"):
        boards(frame, metric="raw/predicted_observed")
    with pytest.raises(ValueError, match="Unknown metric column"):
        boards(frame, metric="raw/aurocc")
    assert boards(frame) == []


def test_a_binary_metric_on_many_classes_falls_back_and_says_so(build: Any) -> None:
    traits = {"n_train": 80, "n_test": 20, "n_classes": 5}
    (board,) = build([make("none", 0, 0.4, key="tuned/macro_f1", traits=traits)], metric="tuned/f1")
    assert board.score.key == "tuned/macro_f1"
    assert any("tuned/f1 does not exist for 5 classes" in note for note in board.notes)


def test_other_settings_make_another_board(build: Any) -> None:
    found = build(
        [
            *series("none", [0.1, 0.2]),
            *series("none", [0.8, 0.9], train={"lr": 0.5}),
            make("none", 0, 0.3, target="other"),
        ]
    )
    assert [b.title for b in found] == ["d · other · m", "d · t · m · train.lr=0.1", "d · t · m · train.lr=0.5"]
    assert [len(b.rows) for b in found] == [1, 1, 1]


def test_other_hyperparameters_make_another_row(build: Any) -> None:
    records = [
        *series("none", [0.1, 0.2]),
        *series("focal", [0.2, 0.3], params={"gamma": 2, "alpha": 0.5}),
        *series("focal", [0.3, 0.5], params={"gamma": 5, "alpha": 0.5}),
    ]
    (board,) = build(records)
    assert {r.label for r in board.rows} == {"none", "focal (gamma=2)", "focal (gamma=5)"}
    assert row(board, "focal (gamma=5)").parameters == {"gamma": 5, "alpha": 0.5, "version": 1}


def test_tuned_rows_are_marked_with_their_budget(build: Any) -> None:
    """Settings tuned per split are one row: the procedure is compared, not the values it found."""
    tuned: dict[str, Any] = {"tuned": True, "notes": {"tuning_trials": 15}}
    records = [
        *[make("none", 0, 0.1 * split, split=split) for split in range(3)],
        *[make("focal", 0, 0.12 * split, split=split, params={"gamma": split}, **tuned) for split in range(3)],
        *[make("focal", 0, 0.11 * split, split=split, params={"gamma": 2}) for split in range(3)],
    ]
    (board,) = build(records)
    assert {r.label for r in board.rows} == {"none", "focal", "focal (tuned)"}
    assert row(board, "focal (tuned)").trials == 15
    assert "focal (tuned)†" in terminal(board)
    assert any("15 trials" in note for note in board.notes)
    assert "other splits and seeds" in " ".join(board.notes)
    assert "n_test/n_train = 0.25" in " ".join(board.notes)


def test_two_records_of_one_cell_count_once(build: Any) -> None:
    (board,) = build([make("none", 0, 0.1, created="2024"), make("none", 0, 0.3, created="2025")])
    assert row(board, "none").score.mean == 0.3
    assert any("2 records for 1 cell" in note for note in board.notes)


def test_without_a_baseline(build: Any) -> None:
    (board,) = build([*series("focal", [0.1, 0.2]), *series("oversample", [0.1, 0.4])])
    assert board.baseline is None
    assert "Δ none" not in markdown.markdown([board])
    assert any("No finished run of none" in note for note in board.notes)


def test_boards_do_not_depend_on_the_order_of_records(tmp_path: Path) -> None:
    records = golden_records()
    frame = load(stored(tmp_path, records))
    shuffled = frame.sample(frac=1, random_state=3)
    assert markdown.markdown(boards(shuffled)) == markdown.markdown(boards(frame))
    assert tables_csv.comma_separated(boards(shuffled)) == tables_csv.comma_separated(boards(frame))


def test_included_columns(build: Any) -> None:
    metrics: dict[str, Any] = {"raw/average_precision": 0.3, "raw/brier": 0.04}
    (board,) = build([make("none", 0, metrics=metrics)], include=["raw/brier"])
    assert row(board, "none").values["raw/brier"] == 0.04
