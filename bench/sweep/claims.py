"""Which cells this process is at work on, so that several sweeps on one folder share the work.

A claim is a lock of the system on one byte of a file that stays empty: it ends with its process, however that dies, and
leaves nothing behind. It says nothing about results: without it, at worst a cell is trained twice.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_FILE: Final = ".claims"


class Claims:
    """The claims of this process under a folder. Only one object a process and folder: closing one ends all claims."""

    def __init__(self, folder: Path) -> None:
        self.handle: int | None = None
        with suppress(OSError):  # where no lock can be had, nothing is claimed, and everybody works
            self.handle = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)

    def take(self, key: str) -> bool:
        """Claim a cell; False where another process has."""
        if self.handle is None:
            return True
        try:
            fcntl.lockf(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
        except OSError as error:
            return error.errno not in (errno.EACCES, errno.EAGAIN)  # others: a file system without locks
        return True

    def give_back(self, key: str) -> None:
        """End a claim."""
        if self.handle is not None:
            with suppress(OSError):
                fcntl.lockf(self.handle, fcntl.LOCK_UN, 1, _place(key))

    def close(self) -> None:
        """End all claims."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def _place(key: str) -> int:
    """The byte that stands for a key: two of 10⁵ keys share one with probability 10⁻⁸, and then wait for each other."""
    return int(key[:15], 16)
