"""Reading what lies in a results folder, whoever put it there: a file that is no record stops nobody and is named.

Nothing here waits (a pipe), follows a name into nowhere, or takes more memory than a record can need.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from bench.records.files import ResultsError

_MOST_BYTES: Final = 64_000_000
_KINDS: Final = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
AGAIN: Final = "delete the file and run the same command again"


class Unreadable(ResultsError):
    """Something of a record's name that nobody can tell the content of: it may be a good record, and stays."""


def read_text(path: Path) -> str:
    """The text of a file of ours.

    Raises:
        FileNotFoundError, NotADirectoryError: there is nothing of this name.
        Unreadable: it is no file, or may not be read.
        ResultsError: it is no text, or far too long.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ResultsError(f"{path}: expected a file, but it is a link to nothing; {AGAIN}") from None
        raise
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); make it readable, it may be a result") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "a device")
        raise Unreadable(f"{path}: expected a file, but it is {kind}; move it away and run the same command again")
    with os.fdopen(handle, "rb") as file:
        if status.st_size > _MOST_BYTES:
            raise ResultsError(f"{path}: expected a record, but it has {status.st_size:,} bytes; {AGAIN}")
        try:
            return file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ResultsError(f"{path}: expected a text in UTF-8, but got {error}; {AGAIN}") from error
        except OSError as error:
            raise Unreadable(f"{path}: cannot be read ({error.strerror}); check the disk") from error


def read_json(text: str, path: Path) -> Any:
    """The value that a text of JSON stands for.

    Raises:
        ResultsError: it is no JSON, has NaN or infinities, or is nested or long beyond what Python takes.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ResultsError(f"{path}: expected a record in JSON, but it is nested too deep; {AGAIN}") from None
    except ValueError as error:  # JSONDecodeError, and whole numbers of thousands of digits
        raise ResultsError(
            f"{path}: expected a record in JSON, but got {' '.join(str(error).split())}; {AGAIN}"
        ) from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name}, which is no number of JSON")
