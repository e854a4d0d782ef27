"""Files and folders written whole or not at all: made under a temporary name, then given their own in one step.

Imports nothing of ours. `bench.records.files` and `bench.data.fetching.cache` say the same in their own errors.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX, SUFFIX = ".new-", ".tmp"
"""Of temporary names. What a kill leaves behind is found by them."""


class NameTaken(Exception):
    """Another writer gave the name first; what it wrote stays."""


@contextmanager
def new_file(path: Path, *, replace: bool = True, durable: bool = True) -> Iterator[Path]:
    """An empty file that becomes `path` when the block ends well, and is gone when it does not.

    `replace`: take the place of a file of that name. `durable`: have the content on the disk before it gets its name,
    so that a power cut cannot leave a name without content; what can be computed again need not wait for that.

    Raises:
        NameTaken: without `replace`, a file of that name is there.
        OSError: the folder is full or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(path)
        else:
            _link(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    """Give a name that nobody has: of several writers one succeeds, which a rename cannot promise."""
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise NameTaken(str(path)) from error


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty folder that becomes `path` when the block ends well, and is gone when it does not.

    `replace`: take the place of a folder of that name, which is moved aside first.

    Raises:
        NameTaken: without `replace`, a folder of that name is there and holds something.
        OSError: the folder is full or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=path.parent))
    aside = path.with_name(f".{path.name}.old{SUFFIX}")
    try:
        yield temporary
        temporary.chmod(0o755)
        if replace and path.exists():
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
        try:
            temporary.rename(path)
        except OSError as error:
            if path.is_dir():
                raise NameTaken(str(path)) from error
            raise
        if replace:
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk, where the system can; a journal keeps their order anyway."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
