"""Runs commands for tests: in this process for speed, as a process of its own where isolation is the point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.__main__ import main
from bench.records.record import Record
from bench.records.store import Store

TINY = ("data=digits_lt", "model=mlp", "train.max_steps=40", "train.eval_every=20", "train.batch_size=64")
"""A fit of a fraction of a second."""

LAST_RESORT = 600.0
"""Seconds after which a test gives up on a process. No test says that anything is quicker: machines are busy."""


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
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, as a terminal gives one to each command
    )


def ended(process: subprocess.Popen[str]) -> str:
    """What a process has printed when it has ended."""
    out, _ = process.communicate(timeout=LAST_RESORT)
    return out


def call(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a process, awaited."""
    process = spawn(*arguments, cwd=cwd, **environment)
    out = ended(process)
    return subprocess.CompletedProcess(process.args, process.returncode, out, "")


def until(process: subprocess.Popen[str], seen: Callable[[], bool]) -> bool:
    """Wait until something is seen; False where the process ended before.

    Raises:
        TimeoutError: neither happened, after `LAST_RESORT`.
    """
    give_up = time.monotonic() + LAST_RESORT
    while not seen():
        if process.poll() is not None:
            return False
        if time.monotonic() > give_up:
            raise TimeoutError(f"{process.args}: nothing of what is waited for in {LAST_RESORT:g} seconds")
        time.sleep(0.01)
    return True


def records(results: Path) -> dict[tuple[str, int], Record]:
    """Records by (strategy, seed)."""
    return {(r.strategy, r.seed): r for r in Store(results)}


def workers_of(parent: int) -> list[int]:
    """Processes under the fork server of a sweep."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    servers = [pid for pid, up in parents.items() if up == parent]
    return [pid for pid, up in parents.items() if up in servers]


def kill_tree(pid: int) -> None:
    """A process and everything under it, itself first: it would replace the workers that die."""
    below = [*workers_of(pid), *children(pid)]
    for one in (pid, *below):
        kill(one)


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
