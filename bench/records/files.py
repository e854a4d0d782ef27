"""Files of the results folder: written whole or not at all, with errors that say what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from bench.errors import Complaint
from bench.files import NameTaken, new_file


class ResultsError(Complaint, RuntimeError):
    """The results folder cannot be used: full, read-only, or holding what is not a record."""


def write_atomically(path: Path, write: Callable[[Path], object], *, replace: bool) -> bool:
    """Have `write` fill a temporary file, flush it to the disk and give it its name in one step.

    Without `replace` the first writer of a name wins and the others learn it: returns False for them.

    Raises:
        ResultsError: the folder is full or read-only; what was there before is intact.
    """
    try:
        with new_file(path, replace=replace) as temporary:
            write(temporary)
    except NameTaken:
        return False
    except OSError as error:
        raise ResultsError(
            f"cannot write {path}: {error.strerror or error}. What was there before is intact; free some space or "
            "choose another folder with results=…, then run the same command again"
        ) from error
    return True


def write_text_atomically(path: Path, text: str, *, replace: bool = True) -> bool:
    """`write_atomically` of a text in UTF-8."""
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), replace=replace)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_line(error: Exception) -> str:
    """An error's message on one line; its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
