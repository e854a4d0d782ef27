"""Runs commands for tests: in this process where speed matters, as a process of its own where isolation is the point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.__main__ import main
from bench.results import Record, Store

TINY = ("data=digits_lt", "model=mlp", "train.max_steps=40", "train.eval_every=20", "train.batch_size=64")
"""A fit of a fraction of a second."""


def imbench(*arguments: str, results: Path, debug: bool = True) -> int:
    """The exit code of a command that runs in this process."""
    extra = ["debug=true"] if debug else []
    argv = sys.argv
    try:
        return main([*arguments, f"results={results}", *extra])
    finally:
        sys.argv = argv


def spawn(*arguments: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """A command as a process, in an empty folder, with the columns of a wide terminal."""
    command = [sys.executable, "-m", "bench", *arguments]
    env = {**os.environ, "COLUMNS": "160", **environment}
    return subprocess.Popen(command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def call(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a process, awaited."""
    process = spawn(*arguments, cwd=cwd, **environment)
    out, _ = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, out, "")


def records(results: Path) -> dict[tuple[str, int], Record]:
    """Records by (strategy, seed)."""
    return {(r.strategy, r.seed): r for r in Store(results)}
