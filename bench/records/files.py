"""Files written whole or not at all: under a temporary name, flushed to the disk, named in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.errors import Complaint


class ResultsError(Complaint, RuntimeError):
    """The results folder cannot be used: full, read-only, or holding what is not a record."""


def publish(path: Path, write: Callable[[Path], None], *, replace: bool) -> bool:
    """Write a file under a temporary name, flush it to disk and give it its name in one step.

    Without `replace` the first writer of a name wins and the others learn it: returns False for them.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(path)
            return True
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    except OSError as error:
        raise ResultsError(
            f"cannot write {path}: {error.strerror or error}. What was there before is intact; free some space or "
            "choose another folder with results=…, then run the same command again"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk, where the system can; a journal keeps their order anyway."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_line(error: Exception) -> str:
    """An error's message on one line; its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
