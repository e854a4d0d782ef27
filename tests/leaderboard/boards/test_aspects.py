"""What each strategy changes: every aspect is judged as the board ranked by its metric, and said in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.leaderboard.boards.across import summaries
from bench.leaderboard.boards.aspects import Verdicts, effects_of
from bench.leaderboard.boards.build import boards
from bench.leaderboard.formats import boards_json, entries, latex, markdown, tables_csv
from bench.leaderboard.formats.changes import changes, changes_across
from bench.leaderboard.statistics.dunnett import one_sided
from bench.records.columns import of_records
from bench.records.record import Record
from tests.leaderboard.boards.test_sentences import NONE, shifted
from tests.leaderboard.builders import make, terminal
from tests.leaderboard.statistics.second import rule

KEYS = ("raw/average_precision", "default/f1", "tuned/f1", "raw/log_loss", "recalibrated/log_loss")

GAINS = {"none": (0, 0, 0, 0, 0), "oversample": (0, 0.11, 0, 0.2, 0), "focal": (-0.05, 0.08, 0, 0.1, 0.06)}
"""By strategy, what each of `KEYS` is moved by: higher log losses are worse."""


def records(n: int = 10, data: str = "d", offset: int = 0, **fields: Any) -> list[Record]:
    found = []
    for turn, (strategy, by) in enumerate(GAINS.items()):
        columns = [shifted(gain, n, (3 * turn + i + offset) % 10) if turn else NONE[:n] for i, gain in enumerate(by)]
        for r in range(n):
            metrics = {key: column[r] for key, column in zip(KEYS, columns, strict=True)}
            found.append(make(strategy, r, split=r, metrics=metrics, data=data, **fields))
    return found


def test_each_aspect_is_judged_as_the_board_ranked_by_it() -> None:
    table = of_records(records())
    (board,) = boards(table)
    assert [aspect.column.key for aspect in board.aspects] == list(KEYS)
    for aspect in board.aspects:
        (ranked,) = boards(table, metric=aspect.column.key)
        assert aspect.values == {r.label: r.score.mean for r in ranked.rows if r.score}
        assert aspect.comparison == ranked.comparison


def test_an_aspect_by_the_second_implementation() -> None:
    found = records()
    (board,) = boards(of_records(found))
    aspect = board.aspects[1]
    values = {s: [r.metrics["default/f1"] or 0.0 for r in found if r.strategy == s] for s in GAINS}
    wanted = rule(values, "none", 0.25, None, one_sided)
    assert dict(aspect.comparison.verdicts) == wanted["verdicts"] == {"oversample": "better", "focal": "better"}
    for label, (mean, low, high, *_) in wanted["differences"].items():
        d = aspect.comparison.differences[label]
        assert (d.mean, d.low, d.high) == pytest.approx((mean, low, high))


def test_where_the_truth_is_known_the_order_is_judged_by_it() -> None:
    """By the second implementation; regrets that are lower are better, and the sentence comes first."""
    regrets = {name: [0.3 - value for value in shifted(gain, 10, turn)] for turn, (name, gain) in enumerate(
        {"none": 0.0, "oversample": 0.05, "focal": -0.05}.items())}  # fmt: skip
    traits = {"n_train": 800, "n_test": 200, "n_classes": 2}
    found = [
        replace(r, traits={**traits, "truth": {"raw": {"auroc": regrets[r.strategy][r.split]}}}) for r in records()
    ]
    (board,) = boards(of_records(found))
    assert [aspect.name for aspect in board.aspects][:3] == ["order", "truth", "decisions"]
    aspect = board.aspects[1]
    wanted = rule({s: [-v for v in values] for s, values in regrets.items()}, "none", 0.25, None, one_sided)
    assert dict(aspect.comparison.verdicts) == wanted["verdicts"] == {"oversample": "better", "focal": "worse"}
    assert aspect.comparison.differences["oversample"].mean == pytest.approx(-wanted["differences"]["oversample"][0])
    first = "By the true probabilities, oversample orders rows better than doing nothing, by .050 AUROC (focal: worse)."
    assert board.effects.startswith(first)
    assert "Order, by the truth: Δ AUROC regret ↓" in markdown.markdown([board])
    assert changes(board).lines[0][1][1].gain == pytest.approx(0.05)


def test_what_they_change_is_said_and_shown_in_every_format() -> None:
    (board,) = boards(of_records(records()))
    assert board.effects == (
        "By the default rule oversample decides better than doing nothing, by .110 F1, and so does focal; with the "
        "rule tuned on validation rows, nobody was shown to. As they come, the probabilities of focal, oversample are "
        "worse (log loss); recalibrated, those of focal are worse."
    )
    page = markdown.markdown([board])
    assert page.index(board.sentence) < page.index(board.effects) < page.index("training rows")
    line = next(line for line in page.splitlines() if line.startswith("| focal") and line.count("▼") > 1)
    assert [entry.strip()[-1] for entry in line.split("|")[2:-1]] == ["▼", "▲", "=", "▼", "▼"]
    text = " ".join(terminal(board, 120).split())
    assert "What each changes" in text
    assert board.effects in text
    assert board.effects.partition(".")[0] in latex.latex([board])
    shown = json.loads(boards_json.json_text([board]))["boards"][0]["aspects"]
    assert [a["strategies"]["focal"]["verdict"] for a in shown] == ["worse", "better", "same", "worse", "worse"]
    table = tables_csv.changes_csv([board]).splitlines()
    assert len(table) == 1 + len(KEYS) * len(GAINS)
    assert next(x for x in table if ",oversample,decisions," in x).endswith(",better")


def test_gains_are_turned_for_losses() -> None:
    (board,) = boards(of_records(records()))
    by_label = dict(changes(board).lines)
    raw = by_label["oversample"][3]
    assert raw.text.startswith("+")
    assert (raw.gain or 0) < 0


def test_too_few_rows_or_repeats_judge_no_aspect() -> None:
    few = {"n_train": 800, "n_test": 200, "n_classes": 2, "test_counts": [190, 10]}
    for found in (records(traits=few), records(4)):
        (board,) = boards(of_records(found))
        assert board.effects == ""
        assert not any(aspect.comparison.verdicts for aspect in board.aspects)
    assert changes(board).lines  # differences are there, without marks
    assert not any(change.verdict for _, line in changes(board).lines for change in line)


def test_records_of_one_metric_have_no_table() -> None:
    found = [make(s, r, 0.5 + r / 100, split=r) for s in ("none", "focal") for r in range(5)]
    (board,) = boards(of_records(found))
    assert not changes(board).lines
    assert board.effects == ""
    assert "What each changes" not in markdown.markdown([board])


def test_over_data_sets() -> None:
    found = [record for i in range(8) for record in records(5, data=f"set{i}", offset=i)]
    (summary,) = summaries(boards(of_records(found)))
    assert "By the default rule oversample decides better than doing nothing, by .1" in summary.effects
    assert "recalibrated, those of focal are worse." in summary.effects
    by_label = dict(changes_across(summary).lines)
    assert [change.verdict for change in by_label["focal"]] == ["worse", "better", "undecided", "worse", "worse"]
    assert by_label["focal"][3].text.startswith("+")
    assert summary.effects in markdown.markdown([], [summary])


def test_losses_over_data_sets_keep_their_sign() -> None:
    found = [record for i in range(8) for record in records(5, data=f"set{i}", offset=i)]
    (summary,) = summaries(boards(of_records(found), metric="raw/log_loss"))
    headings, lines = entries.across(summary)
    assert headings[2] == "Mean score ↓"
    assert lines[0][0] == "none"  # the least loss
    assert all(not line[2].startswith("−") for line in lines)
    assert next(line for line in lines if line[0] == "focal")[3].startswith("+")


@pytest.mark.parametrize(
    ("default", "tuned", "wanted"),
    [
        (
            [],
            [],
            "Nobody was shown to decide better than doing nothing, by the default rule or one tuned",
        ),
        (
            ["a"],
            ["a"],
            "a decides better than doing nothing, by .100 F1; with the rule tuned on validation rows, a",
        ),
        ([], ["a", "b"], "default rule nobody was shown to decide better than doing nothing; with the rule tuned on"),
    ],
)
def test_words_of_decisions(default: Sequence[str], tuned: Sequence[str], wanted: str) -> None:
    shown = {name: Verdicts("F1", dict.fromkeys(who, 0.1)) for name, who in (("decisions", default), ("tuned", tuned))}
    assert wanted in effects_of(shown, "doing nothing")


def test_words_of_who_is_worse() -> None:
    shown = {"decisions": Verdicts("F1", worse=["a"]), "tuned": Verdicts("F1", worse=["a", "b"])}
    assert effects_of(shown, "the whole stack") == (
        "Nobody was shown to decide better than the whole stack, by the default rule or one tuned on validation rows; "
        "a is worse by the default rule; a, b are worse by the tuned one."
    )
