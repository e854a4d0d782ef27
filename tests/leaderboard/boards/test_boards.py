"""The leaderboard: statistics against independent witnesses, boards from records, formats that nothing escapes from."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats import cells, markdown
from bench.leaderboard.formats import csv_json as export
from bench.leaderboard.publish import publish, show, status
from bench.leaderboard.statistics.power import detectable, minimum_detectable
from bench.leaderboard.statistics.seeds import Design, Interval, compare, holm, paired, shared_ranks, t_interval
from bench.leaderboard.text import clean, decimals_for, half_width, number, short, signed, with_interval
from bench.records.record import Record
from bench.records.store import load
from tests import ROOT
from tests.leaderboard.builders import make, row, series, stored, terminal

GOLDEN = ROOT / "tests/leaderboard/golden"


@pytest.fixture
def build(tmp_path: Path) -> Any:
    """Records through the store and `load`, as in use."""

    def build(records: list[Record], **options: Any) -> list[Board]:
        return boards(load(stored(tmp_path / "results", records)), **options)

    return build


# --- statistics -----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=12).filter(lambda v: np.std(v) > 1e-6))
def test_paired_agrees_with_scipy(values: list[float]) -> None:
    witness = scipy.stats.ttest_rel(values, np.zeros(len(values)))
    mine = paired(values)
    assert mine.p == pytest.approx(witness.pvalue, rel=1e-9)
    bounds = witness.confidence_interval(0.95)
    assert (mine.low, mine.high) == pytest.approx((bounds.low, bounds.high))


def test_paired_without_variance_is_honest() -> None:
    assert paired([0.0, 0.0, 0.0]).p == 1
    constant = paired([0.02, 0.02])
    assert constant.constant
    assert (constant.p, constant.low) == (None, None)
    assert paired([0.1 + 0.2, 0.3]).p is None  # equal up to rounding is equal
    assert paired([0.02]).p is None
    assert not paired([0.02]).constant


def test_too_few_values() -> None:
    assert t_interval([0.4]) == Interval(0.4, None, None, 1)
    with pytest.raises(ValueError, match="at least one"):
        t_interval([])
    with pytest.raises(ValueError, match="at least 2"):
        minimum_detectable(1.0, 1)


def test_holm_by_hand() -> None:
    """Sorted .005, .01, .03, .04 times 4, 3, 2, 1 = .02, .03, .06, .04; made monotone: .02, .03, .06, .06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_nadeau_bengio_by_hand() -> None:
    """Means of 3 splits .1, .2, .3 (two seeds each): s = .1, variance (1/3 + .25) s², t(.975, 2) = 4.3027."""
    a = {(split, seed): 0.5 + 0.1 * (split + 1) + 0.01 * (-1) ** seed for split in range(3) for seed in range(2)}
    b = dict.fromkeys(a, 0.5)
    difference = compare(a, b, Design(3, 0.25))
    assert difference is not None
    assert difference.mean == pytest.approx(0.2)
    assert difference.half == pytest.approx(4.30265 * 0.1 * (1 / 3 + 0.25) ** 0.5, rel=1e-5)
    assert (difference.n, difference.pairs) == (3, 6)
    unknown = compare(a, b, Design(3, None))
    assert unknown is not None
    assert (unknown.p, unknown.low) == (None, None)


def test_a_a_familywise_error_and_coverage() -> None:
    """Copies of one strategy are called different in at most 5% of 2,000 tables; 95% intervals cover 95%."""
    generator = np.random.default_rng(7)
    tables, names, n = 2000, list("abcdef"), 5
    false, covered = 0, 0
    for _ in range(tables):
        seeds, noise = generator.normal(0, 0.02, n), generator.normal(0, 0.01, (len(names), n))
        values = {
            name: {(0, s): float(0.3 + seeds[s] + e[s]) for s in range(n)} for name, e in zip(names, noise, strict=True)
        }
        ranks = shared_ranks(values, higher_is_better=True).ranks
        false += any(rank != 1 for rank in ranks.values())
        interval = t_interval(list(values["a"].values()))
        covered += interval.low <= 0.3 <= interval.high  # type: ignore[operator]
    assert scipy.stats.binomtest(false, tables).proportion_ci(0.95, "exact").low <= 0.05
    assert false > 0.01 * tables  # not by never finding anything
    bounds = scipy.stats.binomtest(covered, tables).proportion_ci(0.95, "exact")
    assert bounds.low <= 0.95 <= bounds.high


def test_a_a_over_splits_is_conservative() -> None:
    """Copies that differ by seed noise only, 5 splits × 2 seeds: at most the nominal rate."""
    generator = np.random.default_rng(11)
    tables, units = 1000, [(split, seed) for split in range(5) for seed in range(2)]
    false = 0
    for _ in range(tables):
        hard = generator.normal(0, 0.03, 5)
        values = {c: {u: float(hard[u[0]] + generator.normal(0, 0.01)) for u in units} for c in "abc"}
        ranks = shared_ranks(values, higher_is_better=True, design=Design(5, 0.25)).ranks
        false += any(rank != 1 for rank in ranks.values())
    assert scipy.stats.binomtest(false, tables).proportion_ci(0.95, "exact").low <= 0.05


def test_ranks_follow_the_direction_and_ignore_ties() -> None:
    seeds = range(5)
    values = {
        "low": {(0, s): 0.1 + 0.001 * s for s in seeds},
        "high": {(0, s): 0.5 + 0.002 * s * s for s in seeds},
        "twin": {(0, s): 0.5 + 0.002 * s * s for s in seeds},
    }
    assert shared_ranks(values, higher_is_better=True).ranks == {"low": 3, "high": 1, "twin": 1}
    assert shared_ranks(values, higher_is_better=False).ranks == {"low": 1, "high": 2, "twin": 2}


def test_a_strategy_without_common_seeds_has_no_rank() -> None:
    values = {"a": {(0, 0): 0.1, (0, 1): 0.2}, "b": {(0, 0): 0.3, (0, 1): 0.5}, "c": {(0, 1): 0.9}}
    comparison = shared_ranks(values, higher_is_better=True)
    assert comparison.ranks == {"a": 1, "b": 1, "c": None}
    assert comparison.tested == 1  # untestable pairs do not count against the others
    assert detectable(comparison) is not None


@pytest.mark.parametrize(("n", "comparisons"), [(3, 1), (5, 10), (20, 3)])
def test_minimum_detectable_has_its_power(n: int, comparisons: int) -> None:
    """At that true difference, the noncentral t of scipy.stats says: found 4 times in 5."""
    size = minimum_detectable(0.02, n, comparisons=comparisons)
    critical = scipy.stats.t.ppf(1 - 0.025 / comparisons, n - 1)
    assert scipy.stats.nct.sf(critical, n - 1, size / 0.02 * n**0.5) == pytest.approx(0.8, abs=0.005)


# --- numbers and text -----------------------------------------------------------------------------------------------


def test_numbers() -> None:
    assert [number(v) for v in (0.9234, 1.234, 12.34, 1234.5, 0.0, -0.0001, None)] == [
        ".923", "1.23", "12.3", "1,234", ".000", ".000", "–",
    ]  # fmt: skip
    assert [signed(v, 2) for v in (0.051, -0.051, 0.001)] == ["+.05", "−.05", ".00"]
    assert [half_width(v) for v in (0.0123, 1.26, 25.0)] == [".012", "1.3", "25"]
    assert with_interval(Interval(0.9234, 0.9114, 0.9354, 3), 3) == ".923 ± .012"
    assert [decimals_for([Interval(0, -h, h, 3)]) for h in (0.12, 0.012, 0.0012, 0.00001)] == [2, 3, 4, 4]
    assert decimals_for([Interval(0.5, None, None, 1)]) == 3


@given(st.text(st.characters()))
def test_clean_text_is_one_line_that_can_be_written(text: str) -> None:
    """Lone surrogates, terminal escapes and reading-direction overrides included."""
    for name in (text, f"\ud800\x1b[2J\u202e{text}\u2028"):
        cleaned = clean(name)
        cleaned.encode("utf-8")
        assert len(cleaned.splitlines()) <= 1
        assert "\x1b" not in cleaned
        assert "\u202e" not in cleaned
        assert len(short(name, 10)) <= 10


# --- boards ---------------------------------------------------------------------------------------------------------


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
    assert board.notes[0].startswith("No finished run")
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
    assert row(board, "focal").rank is None
    assert any("1 of 3 runs (seed 1)" in note and "one class only" in note for note in board.notes)
    assert "| – | focal | 3 | – |" in markdown.markdown([board])


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


def test_one_seed_separates_nothing(build: Any) -> None:
    (board,) = build([make("none", 0, 0.1), make("focal", 0, 0.9)])
    assert [(r.label, r.rank) for r in board.rows] == [("focal", None), ("none", None)]
    assert board.notes[0].startswith("With one seed nothing can be told apart")
    assert "**" not in "".join(line for line in markdown.markdown([board]).splitlines() if "focal" in line)


def test_verdict_names_the_smallest_difference(build: Any) -> None:
    """s of the differences .1, .2, .3 is .1; three seeds, one comparison."""
    (board,) = build([*series("none", [0.1, 0.1, 0.1]), *series("focal", [0.2, 0.3, 0.4])])
    assert f"must be about {half_width(minimum_detectable(0.1, 3))} to be found" in board.notes[0]
    assert "all share rank 1" in board.notes[0]


def test_lower_is_better(build: Any) -> None:
    key = "corrected/log_loss"
    records = [
        *series("none", [0.30, 0.31, 0.33, 0.32], key=key),
        *series("focal", [0.20, 0.22, 0.22, 0.23], key=key),
    ]
    (board,) = build(records, metric=key)
    assert [(r.label, r.rank) for r in board.rows] == [("focal", 1), ("none", 2)]
    assert board.score.heading == "Log loss corrected ↓"
    assert board.separates


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
    assert "Nadeau-Bengio" in " ".join(board.notes)
    assert "n_test/n_train = 0.25" in " ".join(board.notes)


def test_several_splits_without_traits_give_no_interval(build: Any) -> None:
    records = [make(s, 0, 0.1 * k, split=k, traits={"n_classes": 2}) for s in ("none", "focal") for k in range(3)]
    (board,) = build(records)
    assert row(board, "none").score.low is None
    assert board.notes[0].startswith("No ranks")


def test_the_same_constant_difference_is_not_significant(build: Any) -> None:
    (board,) = build([*series("none", [0.1, 0.1, 0.1]), *series("focal", [0.2, 0.2, 0.2])])
    assert {r.rank for r in board.rows} == {1}
    assert any("same on all 3 pairs" in note for note in board.notes)


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
    assert export.comma_separated(boards(shuffled)) == export.comma_separated(boards(frame))


def test_included_columns(build: Any) -> None:
    metrics: dict[str, Any] = {"raw/average_precision": 0.3, "raw/brier": 0.04}
    (board,) = build([make("none", 0, metrics=metrics)], include=["raw/brier"])
    assert row(board, "none").cells["raw/brier"] == 0.04


# --- hostile names --------------------------------------------------------------------------------------------------

HOSTILE = [
    "=HYPERLINK(\"http://evil\",\"x\")", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "a|b", "`code`",
    "<script>alert(1)</script>", "new\nline", "<img src=x onerror=alert(1)>", "[red]markup[/red]",
    "[link](javascript:x)", "[/]", ":smile:", "**bold**", "_em_", "\\", "\\|", "\x1b[31mred",
    "\u202eevil", "a\0b", "x" * 5000, "", "$x$",
    "~~s~~", "https://evil.example", "@everyone", "&lt;b&gt;", "na,me", 'quo"te',
]  # fmt: skip


def test_hostile_names_stay_text(build: Any) -> None:
    """In every format, every name is one cell of one line, and nothing runs."""
    names: dict[str, Any] = {"data": HOSTILE[0], "target": HOSTILE[10], "model": HOSTILE[8]}
    records = [make("failing", 0, status="failed", reason=HOSTILE[12], **names)]
    for i, hostile in enumerate(HOSTILE):
        records += series(hostile, [0.1 + i / 100, 0.2 + i / 90], **names)
    (board,) = build(records)
    page = markdown.markdown([board])
    assert "<script" not in page
    assert "<img" not in page
    assert "](javascript" not in page.replace("\\]", "")
    assert "http://" not in page
    table = [line for line in page.splitlines() if line.startswith("| ")]
    bare = [line.replace("\\\\", "").replace("\\|", "") for line in table]
    assert len({line.count("|") for line in bare[: len(board.rows) + 2]}) == 1
    parsed = list(csv.DictReader(io.StringIO(export.comma_separated([board]), newline="")))
    assert len(parsed) == len(board.rows)
    for line in parsed:
        for field in ("data", "target", "model", "strategy"):
            assert line[field].lstrip()[:1] not in tuple("=+-@＝")
        assert None not in line
    text = terminal(board)
    assert "\x1b" not in text
    assert "[red]markup[/red]" in text
    assert ":smile:" in text


def test_markdown_of_hostile_names_by_an_independent_parser() -> None:
    """CommonMark reads every cell back as plain text: the name, and nothing else."""
    (board,) = boards(frame_of([r for i, h in enumerate(HOSTILE) for r in series(h, [i / 100, i / 90])]))
    found, current = [], False
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown.markdown([board])):
        current = token.type == "td_open" or (current and token.type != "td_close")
        if current and token.type == "inline":
            children = token.children or []
            assert {child.type for child in children} <= {"text", "text_special", "strong_open", "strong_close"}
            found.append("".join(child.content for child in children))
    expected = {" ".join(cells.name(r).split()) for r in board.rows}
    assert len(expected) >= len(HOSTILE) - 1
    assert expected <= {" ".join(cell.split()) for cell in found}


def test_a_lone_surrogate_can_be_printed() -> None:
    """JSON can hold half a character; files and terminals cannot."""
    (board,) = boards(frame_of([Record(key="k", status="done", data="\ud800", target="t", model="m", strategy="\ud800",
                                       split=0, seed=0, metrics={"raw/average_precision": 0.5})]))  # fmt: skip
    for text in (markdown.markdown([board]), export.comma_separated([board]), terminal(board)):
        text.encode("utf-8")


def frame_of(records: list[Record]) -> Any:
    return pd.DataFrame({"record": records})


def test_csv_numbers_are_never_quoted_as_text() -> None:
    """A negative number is a number; only strings get the apostrophe."""
    (board,) = boards(frame_of([*series("none", [0.5, 0.6]), *series("-x", [0.1, 0.3])]))
    line = next(line for line in csv.DictReader(io.StringIO(export.comma_separated([board]))) if line["rank"])
    found = {line["strategy"]: line for line in csv.DictReader(io.StringIO(export.comma_separated([board])))}
    assert float(found["'-x"]["difference"]) == pytest.approx(-0.35)
    assert line["higher_is_better"] == "true"


# --- publish and status ---------------------------------------------------------------------------------------------


def listen(width: int = 100) -> Console:
    return Console(width=width, record=True, file=io.StringIO())


def test_publish_writes_and_prints(tmp_path: Path) -> None:
    console = listen()
    written = publish(stored(tmp_path, golden_records()), console=console)
    assert [path.name for path in written] == [
        f"leaderboard.{ending}" for ending in ("html", "md", "csv", "tex", "json")
    ]
    text = console.export_text()
    assert "womens · one_star · mlp" in text
    assert "leaderboard.csv" in text
    assert not list(tmp_path.glob(".*.tmp"))


def test_show_prints_the_boards_of_some_cells(tmp_path: Path) -> None:
    records = golden_records()
    console = listen()
    keys = [r.key for r in records if r.target == "class"]
    (board,) = show(stored(tmp_path, records), console, keys=[*keys, "absent"])
    assert board.target == "class"
    assert "one_star" not in console.export_text()
    assert show(tmp_path, console, keys=[]) == []


def test_publish_elsewhere_and_filtered(tmp_path: Path) -> None:
    root = stored(tmp_path / "results", golden_records())
    console = listen()
    (_, page, *_) = publish(root, out=tmp_path / "out", console=console, where={"target": "class"})
    assert page.parent == tmp_path / "out"
    assert "one_star" not in page.read_text(encoding="utf-8")
    assert publish(root, console=console, where={"data": "mens"}) == []
    assert "No records with data=mens" in console.export_text()
    with pytest.raises(ValueError, match="data, target, model"):
        publish(root, console=console, where={"seed": "1"})


@pytest.mark.parametrize("verb", ["publish", "status"])
def test_no_records_says_what_to_run(tmp_path: Path, verb: str) -> None:
    console = listen()
    if verb == "publish":
        assert publish(tmp_path, console=console) == []
    else:
        status(tmp_path, console)
    assert "imbench run" in console.export_text()
    assert not list(tmp_path.iterdir())


def test_status_groups_reasons_and_survives_bad_files(tmp_path: Path) -> None:
    records = [
        *series("none", [0.1, 0.2]),
        *(make("focal", seed, status="oom", reason="CUDA out of memory") for seed in range(3)),
        make("transfer", 0, status="skipped", reason="no source"),
    ]
    root = stored(tmp_path, records)
    (root / "runs" / "ab").mkdir(exist_ok=True)
    (root / "runs" / "ab" / "torn.json").write_text('{"key": ', encoding="utf-8")
    (root / "runs" / "ab" / "short.json").write_text('{"schema": 1}', encoding="utf-8")
    (root / "runs" / "ab" / ".left.tmp").write_text("x", encoding="utf-8")
    console = listen()
    status(root, console)
    text = console.export_text()
    assert text.count("CUDA out of memory") == 1
    assert "3 × oom" in text
    assert "seeds 0, 1, 2" in text
    assert "run.retry_failed=true" in text
    assert "no source" in text
    assert "torn.json" in text
    assert "short.json" in text
    assert "1 left-over file" in text
    assert "6 records" in text


# --- golden ---------------------------------------------------------------------------------------------------------


def golden_records() -> list[Record]:
    return [Record(**raw) for raw in json.loads((GOLDEN / "records.json").read_text(encoding="utf-8"))]


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


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_terminal_shows_every_number_whole(tmp_path: Path, width: int) -> None:
    """A column that does not fit goes to another table; only a strategy's name may break."""
    long = [
        *series("none", [0.31, 0.32]),
        *(
            r
            for params in ({"mode": "weight", "similarity": "cosine"}, {"mode": "sample", "similarity": "sinh"})
            for r in series("importance_weighted", [0.33, 0.34], params=params, train={"lr": 0.1})
        ),
    ]
    tables = boards(load(stored(tmp_path, [*golden_records(), *long])))
    assert len(tables) == 3
    for board in tables:
        text = terminal(board, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        words = text.split()
        for headings, body in (cells.cells(board, "quality"), cells.cells(board, "probabilities", "cost")):
            for line in body:
                for heading, cell in zip(headings, line, strict=True):
                    assert heading == "Strategy" or set(cell.text.split()) <= set(words)


def test_imports_are_light() -> None:
    """Reading records must not wait for, or depend on, what trained them."""
    code = (
        "import sys, bench.leaderboard.publish\n"
        "print([m for m in ('torch', 'pytorch_lightning', 'hydra', 'optuna', 'sklearn', 'scipy.stats', 'strategies')"
        " if m in sys.modules])"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
