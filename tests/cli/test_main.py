"""The command line as a person meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import chosen, complete_line, main
from bench.records.store import Store
from bench.sweep.fork_server import likely_to_train
from tests.command_line import TINY, call, imbench


def test_help_names_every_verb_and_imports_nothing(tmp_path: Path) -> None:
    """So that it answers at once: neither torch, pandas nor Hydra is loaded."""
    code = (
        "import sys; from bench.__main__ import main; main(['--help']);"
        "sys.exit(bool({'torch', 'pandas', 'hydra', 'rich', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for verb in ("run", "plan", "status", "publish", "strategies", "models", "data list", "tune"):
        assert f"  {verb} " in done.stdout


@pytest.mark.parametrize(
    "command",
    [["plan", "-m", "strategy=none,focal", "seed=0,1"], ["status"], ["publish"], ["strategies"], ["data", "list"]],
)
def test_quick_verbs_never_import_lightning(tmp_path: Path, command: list[str]) -> None:
    """Seconds that only training may cost; torch is not there either, or is not loaded yet."""
    slow = ["pytorch_lightning", "torchmetrics", "torch._C", "sklearn"]
    code = (
        f"import sys; from bench.__main__ import main; code = main({command!r});"
        f"sys.exit(code or 10 * bool(set({slow!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workers_are_warmed_only_for_a_grid_that_has_nothing_on_record(tmp_path: Path) -> None:
    """Not for another launcher, a debugging run, a look at the configuration, or a folder that holds records."""
    grid = ["-m", "seed=0,1", f"results={tmp_path}"]
    assert likely_to_train(grid)
    for more in ("--cfg", "hydra/launcher=basic", "debug=true"):
        assert not likely_to_train([*grid, more])
    (tmp_path / "runs" / "ab").mkdir(parents=True)
    assert not likely_to_train(grid)


def test_nothing_but_results_appears_in_the_working_folder(tmp_path: Path) -> None:
    done = call("run", "-m", "strategy=none,focal", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["results"]
    assert "none" in done.stdout
    assert "Macro-F1" in done.stdout


def test_plan_says_what_run_would_do_and_writes_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("-m", "strategy=none,transfer,focal", "seed=0,1", *TINY)
    assert imbench("plan", *grid, results=tmp_path) == 0
    out = capsys.readouterr().out
    assert "6 cells: 0 done, 0 skipped, 0 failed, 6 to do" in out
    assert "no estimate" in out
    assert Store(tmp_path).paths() == []
    assert imbench("run", "-m", "strategy=none,transfer", "seed=0", *TINY, results=tmp_path) == 0
    capsys.readouterr()
    assert imbench("plan", *grid, results=tmp_path) == 0
    out = capsys.readouterr().out
    assert "6 cells: 1 done, 1 skipped, 0 failed, 4 to do" in out
    assert "from past cells" in out


def test_status_and_publish_of_an_empty_folder_say_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("status", "publish"):
        assert main([verb, f"results={tmp_path}"]) == 0
        assert "imbench run" in capsys.readouterr().out


def test_publish_writes_tables(tmp_path: Path) -> None:
    assert imbench("run", "-m", "strategy=none,focal", "seed=0,1", *TINY, results=tmp_path) == 0
    assert main(["publish", f"results={tmp_path}"]) == 0
    assert "focal" in (tmp_path / "leaderboard.md").read_text()
    assert (tmp_path / "leaderboard.csv").read_text().count("\n") > 2


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["rnu"], "Unknown verb 'rnu'. Did you mean 'run'?"),
        (["data"], "Unknown verb 'data'"),
        (["run", "data=file"], "data.path"),
        (["run", "data=file", "data.path=absent.csv", "data.target=y"], "absent.csv"),
        (["run", "data.target=star"], "one_star"),
        (["run", "strategy=[focal,focal]"], "list a strategy once"),
        (["run", "train.lrr=1"], "train.lr"),
        (["tune", "show", "strategy=focal"], "Unknown tuned strategy 'focal'"),
    ],
)
def test_wrong_use_gets_one_line_and_exit_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["imbench"])
    try:
        code = main(command)
    except SystemExit as stop:  # Hydra's own way for its own grammar
        code = stop.code
    assert code in (1, 2)
    said = "".join(capfd.readouterr())
    assert message in said
    assert "Traceback" not in said


def test_a_read_only_folder_is_found_before_training(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    assert imbench("run", *TINY, results=tmp_path / "results") in (1, 2)
    assert "results" in "".join(capfd.readouterr())


def test_check_finds_changed_predictions_and_gc_keeps_what_is_young(tmp_path: Path) -> None:
    assert imbench("run", *TINY, results=tmp_path) == 0
    assert main(["results", "check", f"results={tmp_path}"]) == 0
    (predictions,) = tmp_path.glob("runs/*/*.parquet")
    predictions.write_bytes(b"changed")
    assert main(["results", "check", f"results={tmp_path}"]) == 1
    (tmp_path / "runs" / "ab").mkdir(exist_ok=True)
    young = tmp_path / "runs" / "ab" / ".young.tmp"
    young.write_text("")
    assert main(["results", "gc", f"results={tmp_path}"]) == 0
    assert young.exists()


def test_completion_sees_hydras_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_LINE", "imbench run -m strategy=fo")
    complete_line()
    import os

    assert os.environ["COMP_LINE"] == "imbench -m strategy=fo"
    assert os.environ["COMP_POINT"] == str(len("imbench -m strategy=fo"))


def test_what_tune_show_is_about() -> None:
    assert chosen(["strategy=[a,b]", "data=womens", "results=x"]) == {"strategy": "a+b", "data": "womens"}
