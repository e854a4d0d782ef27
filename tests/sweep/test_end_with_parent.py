"""Children end with their parent, however it dies, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.sweep.end_with_parent import is_litter
from tests.command_line import LAST_RESORT

PARENT = """
import multiprocessing, time
from multiprocessing.util import get_temp_dir
from bench.sweep.fork_server import forking_context
from tests.sweep.test_end_with_parent import child
context = forking_context("bench.sweep.worker")
for _ in range(2):
    context.Process(target=child, args=(get_temp_dir(),), daemon=True).start()
print(get_temp_dir(), flush=True)
time.sleep(1000)
"""


def child(litter: str) -> None:
    """At work for ever, and deaf to messages."""
    from bench.sweep.end_with_parent import end_with_parent

    end_with_parent(litter)
    os.write(1, f"{os.getpid()}\n".encode())  # in one piece: print may write the end of the line by itself
    while True:
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_is_left(how: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    words = [process.stdout.readline().strip() for _ in range(3)]
    (litter,) = [word for word in words if "/" in word]
    children = [int(word) for word in words if word.isdigit()]
    assert len(children) == 2
    assert Path(litter).is_dir()
    process.send_signal(how)
    process.wait(LAST_RESORT)
    give_up = time.monotonic() + LAST_RESORT
    while not all(map(gone, children)) or Path(litter).exists():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_only_multiprocessings_own_folder_is_deleted(tmp_path: Path) -> None:
    ours = Path("/tmp") / f"pymp-test{os.getpid()}"
    ours.mkdir()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(ours / "listener"))
            assert is_litter(str(ours))
        (ours / "thesis.txt").write_text("mine")
        assert not is_litter(str(ours))
        (tmp_path / "pymp-link").symlink_to(ours)
        assert not is_litter(str(tmp_path / "pymp-link"))
        assert not is_litter(str(tmp_path))
        assert not is_litter("")
    finally:
        for path in ours.iterdir():
            path.unlink()
        ours.rmdir()
