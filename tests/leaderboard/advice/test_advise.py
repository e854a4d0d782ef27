"""Advice rests on records: rules leave out with reasons, weak evidence is called weak, books decide nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.__main__ import main
from bench.leaderboard.advice.advise import Advice, advise
from bench.leaderboard.advice.terminal import print_advice
from bench.leaderboard.advice.textbook import applies, on_all, textbook
from bench.needs import Allowance, Need
from bench.records.columns import of_records
from strategies.registry import STRATEGIES
from tests.leaderboard.builders import make, repeats, series, stored

COST = {"fits": 1, "steps": 10, "train_seconds": 2.0, "peak_mb": 5.0, "inference_rows_per_second": 1000}


def ask(records: list[Any], need: Need | None = None, allowance: Allowance | None = None) -> Advice:
    return advise(of_records(records), need or Need(), allowance or Allowance(), rope=0.01)


def clear() -> list[Any]:
    """Focal is far better than none in every repeat; transfer is better still and takes three fits."""
    return [
        *repeats("none", [0.30, 0.31, 0.32, 0.33, 0.34], cost=COST),
        *repeats("focal", [0.41, 0.41, 0.43, 0.43, 0.45], cost={**COST, "train_seconds": 4.0}),
        *repeats("transfer", [0.51, 0.52, 0.55, 0.54, 0.55], cost={**COST, "fits": 3}, uses_extra=True),
    ]


def test_strong_evidence_is_followed() -> None:
    found = ask(clear())
    assert (found.choice, found.strong) == ("transfer", True)
    assert found.sentence.startswith("Use transfer: on d · t · m transfer beats doing nothing by .214 (")
    assert "so does focal" in found.sentence


@pytest.mark.parametrize(
    ("need", "allowance", "out"),
    [
        (Need(), Allowance(fits=1), "budget.fits leaves out transfer"),
        (Need(extra=False), Allowance(), "need.extra=false leaves out transfer"),
    ],
)
def test_what_does_not_fit_is_left_out_with_what_was_measured(need: Need, allowance: Allowance, out: str) -> None:
    found = ask(clear(), need, allowance)
    assert out in {step.rule for step in found.steps}
    assert "transfer" not in {c.name for c in found.candidates}


def test_minutes_and_latency() -> None:
    found = ask(clear(), Need(), Allowance(minutes=0.05))
    assert {c.name for c in found.candidates} == {"none", "transfer"}
    assert any("4.00 s measured, 3 s allowed" in step.outcome for step in found.steps)
    nothing = ask(clear(), Need(latency=5000))
    assert nothing.choice is None
    assert "No measured record fits" in nothing.sentence
    assert any("1,000 rows/s measured, 5,000 needed" in step.outcome for step in nothing.steps)


def test_weak_evidence_is_called_weak_and_the_untreated_model_is_the_default() -> None:
    records = [
        *repeats("none", [0.30, 0.40, 0.35, 0.33, 0.37], cost=COST),
        *repeats("focal", [0.31, 0.39, 0.37, 0.35, 0.36], cost=COST),
    ]
    found = ask(records)
    assert (found.choice, found.strong) == ("none", False)
    assert found.sentence.startswith("Nothing was shown to beat doing nothing: with 5 repeats")
    assert "Until there is more, none is the default" in found.sentence


def test_seeds_alone_are_no_evidence_and_the_boards_own_sentence_says_so() -> None:
    found = ask([*series("none", [0.3, 0.3, 0.3], cost=COST), *series("focal", [0.5, 0.51, 0.52], cost=COST)])
    assert (found.choice, found.strong) == ("none", False)
    assert found.sentence.startswith("No verdict: only seeds were varied (3)")


def test_who_is_left_is_compared_with_those_that_are_left() -> None:
    """Transfer rules focal out as the best; where transfer costs too much, focal is recommended."""
    found = ask(clear(), Need(), Allowance(fits=1))
    assert (found.choice, found.strong) == ("focal", True)
    assert "transfer" not in found.sentence


def test_advice_knows_the_traits_of_its_own_records() -> None:
    traits = {"rows": 20_000, "n_train": 800, "n_test": 200, "n_classes": 2}
    records = [replace(record, traits=traits) for record in clear()]
    console = Console(width=200, record=True, file=io.StringIO())
    print_advice(ask(records), console)
    assert "(rows not given" not in console.export_text()
    two = records + [replace(r, data="e", key=r.key[::-1], traits={**traits, "rows": 500}) for r in records]
    assert [own["rows"] for own in ask(two).traits] == [20_000, 500]
    assert on_all(textbook().claims["undersample"], ask(two).traits) == "for on 1 of 2 boards; against on 1 of 2 boards"


def test_one_candidate_is_no_comparison() -> None:
    found = ask(series("focal", [0.3, 0.4]))
    assert not found.strong
    assert "nothing to compare it with" in found.sentence


def over(n: int, gain: float) -> list[Any]:
    return [
        r for d in range(n) for s, v in (("none", 0.3), ("focal", 0.3 + gain), ("oversample", 0.29))
        for r in series(s, [v + 0.01 * d + 0.001 * k for k in range(3)], data=f"data{d:02}")
    ]  # fmt: skip


def test_data_sets_are_the_blocks() -> None:
    """Twelve data sets that all agree convince; four do not, and the advice says how many would."""
    many = ask(over(12, 0.05))
    assert (many.choice, many.strong) == ("focal", True)
    assert "12/0/0 wins/ties/losses" in many.sentence
    few = ask(over(4, 0.05))
    assert not few.strong
    assert "Wilcoxon-Holm needs 7 for 2 comparisons" in few.sentence
    assert few.choice == "none"


def test_targets_of_one_data_set_are_not_replicates() -> None:
    records = [
        r
        for t in "abcdefghijkl"
        for s, v in (("none", 0.3), ("focal", 0.4))
        for r in series(s, [v, v + 0.01], target=t)
    ]
    found = ask(records)
    assert not found.strong
    assert "12 boards of one data set are one block" in found.sentence


def test_only_data_like_yours_count() -> None:
    def traits(rows: int) -> dict[str, Any]:
        return {"traits": {"rows": rows, "n_train": 8, "n_test": 2, "n_classes": 2}}

    records = [
        *repeats("none", [0.3, 0.3, 0.4, 0.3, 0.4], data="small", **traits(1000)),
        *repeats("focal", [0.1, 0.1, 0.1, 0.1, 0.1], data="small", **traits(1000)),
        *repeats("none", [0.3, 0.31, 0.32, 0.3, 0.31], data="large", **traits(90_000)),
        *repeats("focal", [0.5, 0.52, 0.51, 0.51, 0.5], data="large", **traits(90_000)),
    ]
    found = ask(records, Need(rows=100_000))
    assert (found.choice, found.candidates[0].boards) == ("focal", 1)
    assert any("within a factor of 10 of 100,000 (assumed)" in step.rule for step in found.steps)
    assert ask(records, Need(rows=1e9)).choice is None


def test_probabilities_alone_rank_by_recalibrated_log_loss() -> None:
    def both(strategy: str, ap: float, loss: float) -> list[Any]:
        return [
            make(strategy, seed, metrics={"raw/average_precision": ap, "recalibrated/log_loss": loss + seed / 1000})
            for seed in range(3)
        ]

    records = both("none", 0.3, 0.1) + both("focal", 0.5, 0.2)
    assert ask(records).candidates[0].name == "focal"
    found = ask(records, Need(ranking=False, probabilities=True))
    assert found.candidates[0].name == "none"
    assert "Log loss" in found.metric


def test_devices_and_explainability() -> None:
    records = [
        *series("none", [0.3, 0.4], model="linear", environment={"device": "cpu"}),
        *series("none", [0.5, 0.6], model="mlp", environment={"device": "cuda"}),
    ]
    assert ask(records, Need(explainability=True)).candidates[0].quality == pytest.approx(0.35)
    assert ask(records, allowance=Allowance(device="cuda")).candidates[0].quality == pytest.approx(0.55)


# --- books ----------------------------------------------------------------------------------------------------------


def test_every_claim_is_about_a_strategy_and_every_threshold_is_marked() -> None:
    claims = textbook().claims
    assert claims.keys() <= set(STRATEGIES.names())
    assert {"none", "oversample", "undersample", "class_weights", "focal"} <= claims.keys()
    for claim in claims.values():
        assert claim.source
        for rule in (*claim.when.values(), *claim.against.values()):
            assert rule["assumed"] is True
            assert ("at_least" in rule) != ("below" in rule)


def test_books_are_held_against_traits() -> None:
    claim = textbook().claims["undersample"]
    assert applies(claim, {"rows": 20_000}).startswith("for (rows ≥ 10,000 (assumed), here 20,000")
    assert applies(claim, {"rows": 500}).startswith("against")
    assert applies(claim, {"rows": 5000}).startswith("does not speak")
    assert applies(claim, {}).startswith("unknown (rows not given")


def test_a_claim_never_changes_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ask(clear())
    monkeypatch.setattr("bench.leaderboard.advice.terminal.textbook", lambda: pytest.fail("asked the books"))
    assert ask(clear()) == before


def test_the_answer_comes_first_and_the_books_beside_the_measurement() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    print_advice(ask(clear()), console)
    text = console.export_text()
    assert text.startswith("Use transfer")
    assert "measured: +.106 against none; shown to be better on 1" in text
    assert "Lin et al. 2017" in text


def test_verbs_take_overrides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`<` is no part of Hydra's grammar; rules need no second layer of quotes all the same."""
    root = stored(tmp_path, clear())
    assert main(["advise", f"results={root}", "budget.fits=1"]) == 0
    assert "Use focal" in capsys.readouterr().out
    assert main(["advise", f"results={root}", "need.ranking=false"]) == 2
    rule = "score@focal<0; train_seconds>1%"
    assert main(["compare", str(root), str(root), f"board.fail_if={rule}"]) == 0
    assert "2 rules checked" in capsys.readouterr().out
    assert main(["compare", str(root), str(root), "--fail-if=score<=0"]) == 1
    assert main(["compare", str(root)]) == 2
