"""What the Tab key offers; the bash script in a real bash, the others' protocol by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.completing import candidates
from bench.cli.verbs.parts.shells import SCRIPTS


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("imbench da", ["data"]),
        ("imbench data ch", ["check"]),
        ("imbench data", ["data"]),
        ("imbench tune st", ["status", "strategy="]),
        ("imbench nonsense ", []),
        ("imbench strategies fo", ["focal"]),
        ("imbench models m", ["mlp"]),
        ("imbench data get cdn", ["cdnow"]),
        ("imbench completion z", ["zsh"]),
        ("imbench run strategy=fo", ["strategy=focal"]),
        ("imbench run -m 'strategy=none,[undersample,fo", ["strategy=none,[undersample,focal"]),
        ("imbench run tra", ["train.", "train="]),
        ("imbench run train.l", ["train.lr="]),
        ("imbench run train.lr=", ["train.lr=0.003"]),
        ("imbench run run.graphs=", ["run.graphs=false", "run.graphs=true"]),
        ("imbench run strategy=focal strategy.focal.g", ["strategy.focal.gamma="]),
        ("imbench run strategy=none strategy.focal.g", []),
        ("imbench run model=linear model.l", ["model.l1=", "model.l2="]),
        ("imbench run data=impressions data.preva", ["data.prevalence="]),
        ("imbench publish board.pl", ["board.plots="]),
        ("imbench publish tr", []),
        ("imbench data check ", []),
        ("imbench run data.path=", []),
        ("imbench run hydra/laun", ["hydra/launcher="]),
        ("imbench run hydra/launcher=im", ["hydra/launcher=imbench"]),
    ],
)
def test_the_last_word(line: str, offered: list[str]) -> None:
    """Verbs, names, keys, choices, values; nothing where a file is meant, which the shell completes; else Hydra."""
    assert candidates(line) == offered


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `imbench` on the path and a file to complete."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "bin").mkdir()
    command = folder / "bin" / "imbench"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (folder / "reviews.csv").touch()
    return folder


def shell(home: Path, *command: str) -> str:
    """What a shell prints."""
    env = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("imbench data ch", "check"),
        ("imbench run strategy=fo", "focal"),  # bash takes = for the beginning of a word
        ("imbench run 'strategy=[none,fo", "strategy=[none,focal"),  # but not within quotes
        ("imbench data check rev", ""),  # bash's own completion of files follows
    ],
)
def test_bash(home: Path, line: str, offered: str) -> None:
    """The script sourced by bash, and asked as readline asks."""
    script = 'eval "$(imbench completion bash)"; COMP_LINE="$1"; COMP_POINT=${#1}; _imbench imbench; '
    script += 'printf "%s\\n" "${COMPREPLY[@]}"'
    assert shell(home, "bash", "-c", script, "bash", line) == offered


def test_bash_is_told_which_function_and_to_complete_files_else(home: Path) -> None:
    said = shell(home, "bash", "-c", 'eval "$(imbench completion bash)"; complete -p imbench')
    assert said == "complete -o bashdefault -o default -F _imbench imbench"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(
    ("line", "offered"), [("imbench data ch", "check"), ("imbench run strategy=fo", "strategy=focal"),
                          ("imbench data check rev", "reviews.csv")]
)  # fmt: skip
def test_fish(home: Path, line: str, offered: str) -> None:
    assert shell(home, "fish", "-c", f'imbench completion fish | source; complete -C "{line}"') == offered


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_read_by_their_shells(home: Path, name: str) -> None:
    """As far as the shell is here."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    path = home / f"script.{name}"
    path.write_text(SCRIPTS[name], encoding="utf-8")
    shell(home, name, "-n", str(path))
