"""The command line as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.records.store import Store
from tests import ROOT
from tests.command_line import TINY, call, imbench


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


@pytest.mark.parametrize("words", [("run", "--help"), ("strategies",), ("data", "list")])
def test_a_reader_that_has_seen_enough_gets_no_traceback(words: tuple[str, ...]) -> None:
    """As `imbench … | head -0`: the pipe is closed before anything is written."""
    receive, send = os.pipe()
    os.close(receive)
    with os.fdopen(send, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *words], stdout=pipe, stderr=subprocess.PIPE, check=False, cwd=ROOT
        )
    assert (done.returncode, done.stderr) == (141, b"")
