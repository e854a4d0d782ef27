"""What boards say first: the answer, in words that fit the shape of the records."""

from __future__ import annotations

from typing import Any

import pytest

from bench.leaderboard.boards.build import boards
from bench.leaderboard.boards.model import Board
from bench.leaderboard.formats import latex, markdown
from bench.leaderboard.statistics.power import detectable
from bench.leaderboard.text.numbers import half_width
from bench.records.columns import of_records
from tests.leaderboard.builders import make, repeats, row, series, terminal

NONE = [0.30, 0.34, 0.28, 0.31, 0.36, 0.29, 0.33, 0.35, 0.27, 0.32]
NOISE = [0.004, -0.003, 0.002, -0.004, 0.001, 0.003, -0.002, 0.000, -0.001, 0.002]


def shifted(by: float, n: int = 10, turn: int = 0) -> list[float]:
    noise = [*NOISE[turn:], *NOISE[:turn]]
    return [x + by + e for x, e in zip(NONE[:n], noise[:n], strict=True)]


def one(records: list[Any], **options: Any) -> Board:
    (board,) = boards(of_records(records), **options)
    return board


def judged(n: int = 10, **fields: Any) -> Board:
    return one(
        [
            *repeats("none", NONE[:n], **fields),
            *repeats("focal", shifted(0.05, n), **fields),
            *repeats("oversample", shifted(0.048, n, 3), **fields),
            *repeats("transfer", shifted(-0.06, n, 5), **fields),
        ]
    )


def test_the_answer_comes_first_in_every_format() -> None:
    board = judged()
    assert board.sentence.startswith("focal beats doing nothing by .050 (")
    assert "; so does oversample; oversample could be as good; transfer is worse." in board.sentence
    assert [r.label for r in board.rows] == ["focal", "oversample", "none", "transfer"]
    assert [r.verdict for r in board.rows] == ["better", "better", None, "worse"]
    assert [r.could_be_best for r in board.rows] == [True, True, False, False]
    text = " ".join(terminal(board, 120).split())
    assert text.index("focal beats") < text.index("training rows") < text.index("Strategy")
    page = markdown.markdown([board])
    assert page.index("**focal beats doing nothing") < page.index("| Strategy |")
    assert "| **focal** | 10 | **" in page
    assert "focal beats doing nothing" in latex.latex([board]).partition("tabular")[0]


def test_ten_repeats_are_a_verdict_and_five_a_look() -> None:
    assert "look" not in judged().sentence
    five = judged(5)
    assert five.judged
    assert five.sentence.endswith("This is a look: it rests on 5 repeats; a verdict takes repeats=10.")


def test_four_repeats_are_no_verdict() -> None:
    board = judged(4)
    assert not board.judged
    assert board.sentence.startswith("No verdict: 4 repeats are too few. To get one, run repeats=10")
    assert {(r.verdict, r.could_be_best) for r in board.rows} == {(None, None)}
    assert "Could be best" not in markdown.markdown([board])


@pytest.mark.parametrize(("n", "start"), [(1, "there is one split and one seed"), (5, "only seeds were varied (5)")])
def test_seeds_on_one_drawn_split_are_no_verdict(n: int, start: str) -> None:
    board = one([*series("none", NONE[:n]), *series("focal", shifted(0.2, n))])
    assert board.sentence.startswith(f"No verdict: {start}")
    assert "repeats=10" in board.sentence
    assert "**focal" not in markdown.markdown([board])


def test_tuned_on_one_split_is_said() -> None:
    notes = {"tuning_trials": 12}
    board = one(
        [*series("none", NONE[:3], tuned=True, notes=notes), *series("focal", NONE[1:4], tuned=True, notes=notes)]
    )
    assert "hyperparameters were tuned on that split" in board.sentence


def test_where_nothing_was_shown_the_sentence_says_what_would_have_been() -> None:
    wide = [0.02, -0.03, 0.01, 0.00, -0.01, 0.03, -0.02, 0.01, 0.02, -0.03]
    board = one([*repeats("none", NONE), *repeats("focal", [x + e for x, e in zip(NONE, wide, strict=True)])])
    size = half_width(detectable(board.comparison) or 0.0)
    assert board.sentence == (
        f"Nothing was shown to beat doing nothing: with 10 repeats a difference of {size} would have been found 4 "
        "times in 5, smaller ones are easily missed."
    )
    assert any(size in note for note in board.further)
    assert any("with 20" in note for note in board.further)


def test_an_absurd_power_is_not_given_as_a_number() -> None:
    wild = [0.9, 0.0, 0.8, 0.1, 0.9]
    board = one(
        [*repeats("none", wild[::-1]), *repeats("focal", wild), *repeats("oversample", [0.1, 0.9, 0.0, 0.9, 0.2])]
    )
    assert "that vary so much could not have shown it" in board.sentence
    assert "difference of" not in board.sentence
    assert not board.further


def test_practically_the_same() -> None:
    tiny = [x + e / 10 for x, e in zip(NONE, NOISE, strict=True)]
    board = one([*repeats("none", NONE), *repeats("focal", tiny)])
    assert row(board, "focal").verdict == "same"
    assert "focal is practically the same (within ±.01)" in board.sentence
    assert row(one([*repeats("none", NONE), *repeats("focal", tiny)], rope=1e-5), "focal").verdict == "undecided"


def test_identical_and_constant_differences_are_told_apart() -> None:
    coarse = [x + 0.02 for x in NONE]
    named = {"none": NONE, "copy": NONE, "coarse": coarse, "focal": shifted(0.01)}
    board = one([record for strategy, values in named.items() for record in repeats(strategy, values)])
    assert (row(board, "copy").verdict, row(board, "coarse").verdict) == ("identical", "undecided")
    assert any("copy gave the values of none" in note for note in board.notes)
    assert any("coarse − none is the same on all 10 pairs" in note for note in board.notes)


def test_lower_is_better() -> None:
    key = "corrected/log_loss"
    lower = [x - 0.1 + e for x, e in zip(NONE, NOISE, strict=True)]
    board = one([*repeats("none", NONE, key=key), *repeats("focal", lower, key=key)], metric=key)
    assert [(r.label, r.verdict) for r in board.rows] == [("focal", "better"), ("none", None)]
    assert board.sentence.startswith("focal beats doing nothing by .100 (")
    assert board.score.heading == "Log loss corrected ↓"


def test_several_splits_without_traits_give_no_interval() -> None:
    traits = {"n_classes": 2}
    board = one([*repeats("none", NONE, traits=traits), *repeats("focal", shifted(0.05), traits=traits)])
    assert row(board, "none").score.low is None
    assert board.sentence.startswith("No verdict: the records do not tell n_train")


def test_without_a_baseline_who_could_be_best_is_said() -> None:
    board = one([*repeats("focal", shifted(0.05)), *repeats("oversample", shifted(0.0, turn=3))])
    assert board.sentence.startswith("focal is better than all others.")


# --- guards ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "judged_at_all"), [([180, 20], True), ([181, 19], False), ([50, 30, 10], True), ([50, 10, 10], False)]
)
def test_nobody_is_judged_on_few_rows(counts: list[int], judged_at_all: bool) -> None:
    """Fewer than 20 test rows of the rarer class, or of most of many classes."""
    key = "raw/average_precision" if len(counts) == 2 else "tuned/macro_f1"
    traits = {"n_train": 800, "n_test": 200, "n_classes": len(counts), "test_counts": counts}
    board = one(
        [*repeats("none", NONE, traits=traits, key=key), *repeats("focal", shifted(0.1), traits=traits, key=key)]
    )
    assert board.judged == judged_at_all
    if not judged_at_all:
        assert board.sentence.startswith("Nobody is judged: test parts hold")
        assert row(board, "focal").difference.p is None


def test_unknown_rows_are_said_to_be_unknown() -> None:
    assert any("is not recorded" in note for note in judged().notes)
    known = {"n_train": 800, "n_test": 200, "n_classes": 2, "test_counts": [150, 50]}
    assert not any("is not recorded" in note for note in judged(traits=known).notes)
    support: dict[str, Any] = {"support": [190.0, 10.0]}  # as records without the trait have it
    assert judged(per_class=support).few


def test_what_correction_does_not_undo_is_marked() -> None:
    metrics: dict[str, Any] = {"raw/average_precision": 0.3, "corrected/log_loss": 0.2, "raw/log_loss": 0.4}
    board = one(
        [
            make("none", metrics=metrics, fitted={"prior_exact": 1.0}),
            make("focal", metrics=metrics, fitted={"prior_exact": 0.0}),
            make("old", metrics=metrics),
        ]
    )
    assert [row(board, label).prior_exact for label in ("none", "focal", "old")] == [True, False, None]
    page = markdown.markdown([board])
    assert page.count(".200°") == 1
    assert ".400°" not in page
    assert "prior correction does not undo" in page


def test_the_header_tells_prevalence_of_every_part() -> None:
    traits = {"n_train": 800, "n_test": 200, "n_classes": 2, "train_counts": [760, 40]}
    assert "5.00% positive in training (validation, test not recorded)" in judged(traits=traits).facts
    traits |= {"val_counts": [76, 4], "test_counts": [190, 10]}
    assert "5.00% positive in training, validation, test ·" in judged(traits=traits).facts
    traits |= {"test_counts": [150, 50]}
    assert "positive: 5.00% of training, 5.00% of validation, 25.00% of test" in judged(traits=traits).facts
    many = {"n_classes": 3, "train_counts": [500, 200, 100], "test_counts": [90, 60, 50]}
    found = one(repeats("none", NONE, key="tuned/macro_f1", traits=many)).facts
    assert "largest/smallest 5 · smallest class: 100 training, 50 test rows (validation not recorded)" in found


def test_further_seeds_are_told_from_repeats() -> None:
    extra = [
        make(s, 10 + r, x, split=r) for s, v in (("none", 0.31), ("focal", 0.37)) for r, x in ((0, v), (1, v + 0.03))
    ]
    board = one([*repeats("none", NONE), *repeats("focal", shifted(0.05)), *extra])
    assert row(board, "none").score.mean == pytest.approx(sum(NONE) / 10)
    assert board.comparison.estimated
    assert any("2 further runs of each strategy" in note for note in board.notes)
    assert any("estimated from the further seeds" in note for note in board.notes)
    assert not any("common pair" in note for note in board.notes)
