"""Worker processes never run the main script again, in whatever way it was started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.sweep.fork_server import empty_main, likely_to_train

SCRIPT = """
import sys
print("main runs", flush=True)
from bench.sweep import fork_server
if sys.argv[-1] == "spawn":
    fork_server.FORKS = False
context = fork_server.forking_context("json")
process = context.Process(target=print, args=("worker runs",), kwargs={"flush": True})
process.start()
process.join()
sys.exit(process.exitcode)
"""
NOTEBOOK = """
import builtins, sys, types
sys.modules["__main__"] = main = types.ModuleType("__main__")
exec({script!r}, vars(main))
"""


@pytest.mark.parametrize("kind", ["forkserver", "spawn"])
@pytest.mark.parametrize("way", ["script", "standard input", "-", "-c", "-m", "notebook"])
def test_a_worker_runs_and_the_main_script_runs_once(way: str, kind: str, tmp_path: Path) -> None:
    """Without a guard: as a file, from standard input, as text, as a module, and without a file or a specification."""
    (tmp_path / "unguarded.py").write_text(SCRIPT, encoding="utf-8")
    arguments = {
        "script": ["unguarded.py"],
        "standard input": [],
        "-": ["-"],
        "-c": ["-c", SCRIPT],
        "-m": ["-m", "unguarded"],
        "notebook": ["-c", NOTEBOOK.format(script=SCRIPT)],
    }[way]
    text = SCRIPT if way in ("standard input", "-") else None
    if way == "standard input" and kind == "spawn":
        text = SCRIPT.replace('sys.argv[-1] == "spawn"', "True")  # `python < script` takes no arguments
        kind = ""
    command = [sys.executable, *arguments, *([kind] if kind and way != "standard input" else [])]
    done = subprocess.run(command, input=text, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["main runs", "worker runs", ""]


def test_main_is_back_afterwards() -> None:
    """Also where a process could not be started."""
    before = sys.modules["__main__"]
    with empty_main():
        assert sys.modules["__main__"] is not before
    assert sys.modules["__main__"] is before

    def fail() -> None:
        with empty_main():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sys.modules["__main__"] is before


def test_the_server_starts_early_only_for_a_grid_that_has_nothing_on_record(tmp_path: Path) -> None:
    """Not for another launcher, a debugging run, a look at the configuration, or a folder that holds records."""
    grid = ["-m", "seed=0,1", f"results={tmp_path}"]
    assert likely_to_train(grid)
    for more in ("--cfg", "hydra/launcher=basic", "debug=true"):
        assert not likely_to_train([*grid, more])
    (tmp_path / "runs" / "ab").mkdir(parents=True)
    assert not likely_to_train(grid)
