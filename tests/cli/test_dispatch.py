"""Verbs are found by their files; help is made from these and from the configuration, and loads nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli import verbs
from bench.cli.dispatch import split
from bench.cli.keys import keys_of
from bench.cli.verb import VERBS, Outline, Verb, outline, outlines
from bench.errors import Complaint

NAMES = VERBS.names()


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints that ends well."""
    assert main(words) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_what_the_text_of_a_verb_says_is_what_its_class_has(name: str) -> None:
    """Else help, which reads the text, would say something else; and a misspelt field would be ignored."""
    cls, text = VERBS.get(name), outline(name)
    assert issubclass(cls, Verb)
    for field in fields(Outline):
        if field.name not in ("name", "text"):
            assert getattr(cls, field.name, getattr(text, field.name)) == getattr(text, field.name)
    own = {key for key, value in vars(cls).items() if not key.startswith("_") and not callable(value)}
    assert own <= {field.name for field in fields(Outline)}


@pytest.mark.parametrize("name", NAMES)
def test_a_verb_says_what_it_does_where_it_stands_and_shows_an_example(name: str) -> None:
    verb = outline(name)
    assert verb.summary
    assert len(verb.summary) <= 60  # one line of the overview at 80 columns
    assert verb.group != "more"
    assert any(f"imbench {name}" in example for example in verb.examples)
    assert all(keys_of(section) for section in verb.keys)


def test_the_overview_has_every_verb_and_needs_no_list(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file more is a verb more, in its group, with help of its own."""
    text = '"""Greet somebody.\n\nPolitely."""\nfrom bench.cli.verb import Verb\n\nclass Greet(Verb):\n'
    text += '    name = "tune greet"\n    group = "tune them"\n    order = 22\n    keys = ("seed",)\n'
    text += "    def act(self, arguments):\n        print('hello', *arguments)\n        return 1\n"
    (tmp_path / "tune_greet.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(verbs, "__path__", [*verbs.__path__, str(tmp_path)])
    out = said(capsys)
    assert [line.split("  ")[1] for line in out.splitlines() if line.startswith("  ") and line[2] != " "][:9] == [
        "run",
        "plan",
        "status",
        "demo",
        "ablate",
        "tune",
        "tune status",
        "tune greet",
        "tune show",
    ]
    assert all(f"\n  {name} " in out for name in NAMES)
    assert "Politely" in said(capsys, "tune", "greet", "--help")
    assert "tune greet   greet somebody" in said(capsys, "tune", "--help")
    assert main(["tune", "greet", "you"]) == 1
    assert capsys.readouterr().out == "hello you\n"


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["run", "--help"], ["data", "-h"]])
def test_help_loads_nothing(tmp_path: Path, words: list[str]) -> None:
    """So that it answers at once."""
    heavy = {"torch", "pandas", "hydra", "omegaconf", "rich", "numpy", "yaml", "bench.config"}
    code = (
        f"import sys; from bench.__main__ import main; main({words!r});"
        f"sys.exit(' '.join({heavy!r} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_of_a_verb_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage, keys with the defaults and comments of the YAML, examples; wherever the flag stands."""
    out = said(capsys, "tune", "seed=1", "--help")
    assert out == said(capsys, "help", "tune")
    assert "usage: imbench tune [-m] [key=value …]" in out
    assert "tune.trials=40" in out
    assert "completed and pruned, in total over all runs of" in out
    assert "board.name" not in out
    assert "tune.trials" not in said(capsys, "publish", "--help")


@pytest.mark.parametrize("family", ["data", "results"])
def test_help_of_a_family_lists_its_verbs_only(capsys: pytest.CaptureFixture[str], family: str) -> None:
    out = said(capsys, family, "--help")
    assert [name for name in NAMES if f"  {name} " in out] == [name for name in NAMES if name.startswith(family)]


def test_help_keeps_to_the_width_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but commands that are meant to be copied whole."""
    monkeypatch.setenv("COLUMNS", "80")
    for verb in outlines():
        lines = said(capsys, *verb.name.split(), "--help").partition("\nexamples:")[0].splitlines()
        assert max(map(len, lines)) <= 80


def test_the_longest_verb_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert split(["tune", "status", "results=x"]) == ("tune status", ["results=x"])
    assert split(["tune", "strategy=focal"]) == ("tune", ["strategy=focal"])
    with pytest.raises(Complaint, match="data list"):
        split(["data"])


def test_only_the_verb_that_is_asked_for_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from bench.__main__ import main; main(['strategies', 'focal']);"
        "print(*[m for m in sys.modules if m.startswith('bench.cli.verbs.') and '.parts' not in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "bench.cli.verbs.strategies"
    assert "strategy.focal.gamma=2.0" in done.stdout
