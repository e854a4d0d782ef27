"""All of a command counts or is refused."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli.keys import groups
from bench.cli.reads import refuse_unread
from bench.cli.verb import outlines
from bench.errors import Complaint


@pytest.mark.parametrize(
    "command",
    [
        "compare a b board.data=x",
        "compare a b board.bootstrap=200",
        "publish strategy=focal",
        "publish board.fail_if=x",
        "publish tune.storage=sqlite://",
        "status seed=3",
        "run board.metric=x",
        "tune seed=3",
        "tune tuned=true",
        "tune show data.name=x",
        "advise board.metric=x",
        "results check data=womens",
        "run -m need.rows=3",
        "data check x.csv seed=3",
    ],
)
def test_a_key_that_a_verb_does_not_read_is_named(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    assert main(words) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert words[-1].partition("=")[0] in line
    assert "count for nothing" in line


def test_every_key_that_a_verb_names_is_let_through() -> None:
    """And its own words, folders and Hydra's options, too."""
    for verb in outlines():
        refuse_unread(verb, [f"{key}=1" for key in verb.keys if key not in groups()])
        refuse_unread(verb, ["-m", "a/b=c", "metric=raw/auroc", "hydra.verbose=true", "debug=true", "nonsense=1"])
        for example in verb.examples:
            refuse_unread(verb, shlex.split(example)[1 + len(verb.name.split()) :])


@pytest.mark.parametrize("key", ["results", "run.workers", "tune.batch", "debug", "tune.seeds"])
def test_keys_of_the_whole_command_have_one_value(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    values = {"results": "a,b", "debug": "true,false", "tune.seeds": "[1],[2]"}.get(key, "1,2")
    for verb in {"results": ("run", "tune"), "run.workers": ("plan",)}.get(key, ("tune",)):
        assert main([verb, "-m", f"{key}={values}", "data=digits_lt"]) == 2
        line = capfd.readouterr().err.splitlines()[-1]
        assert f"{key}: expected one value for the whole command" in line


def test_the_message_says_what_is_read() -> None:
    (compare,) = [verb for verb in outlines() if verb.name == "compare"]
    with pytest.raises(Complaint, match=r"It reads board\.fail_if, board\.metric"):
        refuse_unread(compare, ["board.data=x"])
