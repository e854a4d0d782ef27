"""A process that ends when the one that started it does, however that dies, and leaves nothing behind.

A worker hears of a closed pipe at its next message only, which may be minutes of training away. A thread that waits for
the parent costs nothing and ends the worker within a moment, also of `kill -9`. The folder in which multiprocessing
keeps the fork server's socket is the parent's to delete; where the parent was killed, a child of it does.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from multiprocessing.connection import wait
from pathlib import Path


def end_with_parent(litter: str = "") -> None:
    """From now on this process lives no longer than its parent. `litter`: the parent's folder of sockets."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel, litter), name="end with parent", daemon=True).start()


def _watch(sentinel: int, litter: str) -> None:
    wait([sentinel])
    if is_litter(litter):
        shutil.rmtree(litter, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGKILL)


def is_litter(litter: str) -> bool:
    """Whether a folder is one that multiprocessing made: its name, no link, and nothing in it but sockets."""
    path = Path(litter)
    if not litter or not path.name.startswith("pymp-") or path.is_symlink() or not path.is_dir():
        return False
    return all(entry.is_socket() for entry in path.iterdir())
