"""The command that follows: the same words, the same results folder, and nothing where there is none."""

from __future__ import annotations

import pytest

from bench.__main__ import main
from bench.cli.next_step import next_step
from bench.cli.verb import VERBS, outlines


@pytest.mark.parametrize(
    ("template", "words", "wanted"),
    [
        ("publish{results}", ["-m", "seed=0,1"], "imbench publish"),
        ("publish{results}", ["results=my runs"], "imbench publish 'results=my runs'"),
        (
            "run -m {words}",
            ["-m", "strategy=glob(*)", "results=r"],
            "imbench run -m 'strategy=glob(*)' results=r",
        ),
        ("run -m {words} tuned=true", ["strategy=focal"], "imbench run -m strategy=focal tuned=true"),
        ("data show {first}", ["keel"], "imbench data show keel"),
        ("data show {first}", ["data.path=x"], ""),
    ],
)
def test_it_is_filled_in_with_the_words_of_the_command(template: str, words: list[str], wanted: str) -> None:
    assert next_step(template, words) == wanted


def test_every_next_step_begins_with_a_verb() -> None:
    names = VERBS.names()
    steps = {outline.name: outline.then for outline in outlines() if outline.then}
    assert len(steps) > 8
    for name, then in steps.items():
        assert any(then.partition("{")[0].startswith(known) for known in names), (name, then)


def test_every_verb_suggests_the_next_step() -> None:
    """By `then`, or in words of its own; at the end of a way there is none. `publish` has its words in the harness."""
    ends = {"completion", "predict"}
    for each in outlines():
        source = VERBS.own()[each.name].read_text(encoding="utf-8")
        says = bool(each.then) or "say_next(" in source or "next: " in source
        assert says or each.name in (*ends, "publish"), each.name


def test_it_is_printed_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: imbench data show womens"
