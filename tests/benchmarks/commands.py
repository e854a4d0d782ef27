"""Commands as processes of their own, for rows about whole runs."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests import ROOT


def imbench(*arguments: str, cwd: Path) -> str:
    """What a command of ours prints.

    Raises:
        RuntimeError: it failed.
    """
    return run([sys.executable, "-m", "bench", *arguments], cwd)


def stock(*arguments: str, cwd: Path) -> str:
    """What the reference prints."""
    return run([sys.executable, "-m", "tests.benchmarks.stock", *arguments], cwd)


def processor_seconds() -> float:
    """Seconds that the processes started here, and theirs, have had of the processors so far.

    A process whose parent ends before it (our fork server) becomes our child (Linux), and is waited for here.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0):
            pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: list[str], cwd: Path) -> str:
    """Output of a process; one thread for each BLAS, as our workers have."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    done = subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
