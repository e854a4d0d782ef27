"""`import imbench`: what notebooks and scripts get."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hydra
import imbench
import pytest
from hydra.core.global_hydra import GlobalHydra

from bench.leaderboard.boards.model import Board
from tests.command_line import TINY

SCRIPT = """
import imbench
frame = imbench.run(["strategy=none", "data=digits_lt", "train.max_steps=20", "run.workers=1"], quiet=True)
print(*frame["status"])
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with records of three cells."""
    folder = tmp_path_factory.mktemp("results")
    imbench.run(["strategy=none,focal", "strategy.focal.gamma=1,3", *TINY, f"results={folder}", "debug=true"])
    return folder


def test_run_returns_the_sweep_as_a_table(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Only its own cells, of which none is run again; and quiet means quiet."""
    frame = imbench.run(["strategy=focal", "strategy.focal.gamma=1,3", *TINY, f"results={results}"], quiet=True)
    assert list(frame["strategy"]) == ["focal", "focal"]
    assert frame["tuned/macro_f1"].notna().all()
    assert capfd.readouterr() == ("", "")


def test_boards_are_those_that_publish_writes(results: Path) -> None:
    (board,) = imbench.boards([f"results={results}", "board.bootstrap=0"])
    assert isinstance(board, Board)
    assert {row.strategy for row in board.rows} == {"none", "focal"}
    assert imbench.boards([f"results={results}", "board.data=womens"]) == []
    files = imbench.publish([f"results={results}", "board.bootstrap=0", "board.plots=false"], quiet=True)
    assert results / "leaderboard.md" in files
    assert board.title.partition(" · ")[0] in (results / "leaderboard.md").read_text(encoding="utf-8")


def test_tune_returns_a_row_for_each_study(tmp_path: Path) -> None:
    grid = ["strategy=none,focal", *TINY, "tune.trials=2", "tune.batch=2", f"results={tmp_path}", "debug=true"]
    frame = imbench.tune(grid, quiet=True)
    assert list(frame["strategy"]) == ["none", "focal"]
    assert list(frame["trials"]) == [2, 2]
    assert (frame["tuned/macro_f1"] > 0).all()
    assert set(frame["settings"][1]) >= {"strategy.focal.gamma", "train.lr"}
    assert all((Path(folder) / "best.yaml").is_file() for folder in frame["folder"])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ("seed=1", "expected a list of overrides"),
        ([1], "expected a list of overrides"),
        (["data=womans"], "Did you mean 'womens'"),
        (["experiment=null"], "expected the name of a file"),
        (["strategy=[a"], "expected key=value in Hydra's grammar"),
    ],
)
@pytest.mark.parametrize("function", [imbench.run, imbench.tune, imbench.boards, imbench.publish])
def test_wrong_use_is_a_complaint_of_one_line(function: object, overrides: object, said: str) -> None:
    with pytest.raises(imbench.Complaint, match=said) as caught:
        function(overrides)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_an_application_of_hydras_keeps_its_own(results: Path) -> None:
    """`imbench` may be called within one, as from a notebook that has initialised Hydra."""
    with hydra.initialize_config_module("bench.conf", version_base="1.3"):
        theirs = GlobalHydra.instance().hydra
        assert imbench.boards([f"results={results}", "board.bootstrap=0"])
        assert GlobalHydra.instance().hydra is theirs
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.long
def test_a_script_without_a_guard_may_sweep(tmp_path: Path) -> None:
    """With worker processes, from standard input; other ways are in tests/sweep/test_fork_server.py."""
    command = [sys.executable, "-"]
    done = subprocess.run(command, input=SCRIPT, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("file", ["bench/__init__.py", "bench/theirs.py", "strategies/a.py", "strategies.py"])
def test_a_folder_of_ones_own_that_shadows_ours_is_named(file: str, tmp_path: Path) -> None:
    """With what to do about it; and that helps."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "script.py").write_text("import imbench\nprint(imbench.__all__)\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    foreign = Path(file).parts[0]
    assert last.startswith(f"ImportError: imbench: expected its own package {foreign.removesuffix('.py')!r}")
    assert f"Python finds {tmp_path / foreign}" in last
    safe = [sys.executable, "-P", "script.py"]
    assert subprocess.run(safe, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_what_is_not_there_is_said() -> None:
    assert set(imbench.__all__) <= set(dir(imbench))
    with pytest.raises(
        AttributeError,
        match="ImbalancedClassifier, boards, compare, load, publish, run, tune",
    ):
        _ = imbench.sweep
