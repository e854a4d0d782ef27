"""The cache folder: what can be fetched or computed again, written so that readers never see half of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.data.schema import DataError

ENVIRONMENT = "IMBENCH_CACHE"


def cache_root() -> Path:
    """$IMBENCH_CACHE, else imbench under $XDG_CACHE_HOME, else ~/.cache/imbench. Need not exist."""
    own = os.environ.get(ENVIRONMENT)
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "imbench"


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A fresh folder that becomes `final` when the block ends well; of several writers the first wins.

    Raises:
        DataError: the cache cannot be written; names the folder and the variable that moves it.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
    except OSError as error:
        raise unwritable(final.parent, error) from error
    try:
        yield work
        try:
            os.rename(work, final)
        except OSError:
            if not final.is_dir():
                raise
    except OSError as error:
        raise unwritable(final.parent, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def new_file(final: Path) -> Iterator[Path]:
    """A fresh file that replaces `final` when the block ends well.

    Raises:
        DataError: the cache cannot be written.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", suffix=final.suffix, dir=final.parent)
    except OSError as error:
        raise unwritable(final.parent, error) from error
    os.close(handle)
    work = Path(name)
    try:
        yield work
        os.replace(work, final)
    except OSError as error:
        raise unwritable(final.parent, error) from error
    finally:
        work.unlink(missing_ok=True)


def unwritable(folder: Path, error: OSError) -> DataError:
    """The complaint about a cache that is full or read-only."""
    return DataError(
        f"cache {folder}: expected a folder that can be written, got {error.strerror or error}. "
        f"Free some space, or set {ENVIRONMENT} to another folder"
    )


def sha256(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
