"""The cache folder: what can be fetched or computed again, written so that readers never see half of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import files
from bench.data.errors import DataError
from bench.files import NameTaken

ENVIRONMENT = "IMBENCH_CACHE"
KEEP_BYTES = 40 << 30  # of each of the parts that are computed; the longest unused go first
PARTS = {
    "sets": "fetched public sets (data get)",
    "generated": "tables of the generator",
    "text": "large text files as Parquet",
    "tables": "large tables, cleaned, by column",
    "encoded": "encoded tables that workers share",
    "encoders": "fetched text encoders (data get)",
    "embeddings": "texts as vectors of an encoder",
}

FETCHED = ("sets", "encoders")
"""The parts that would have to be fetched again."""

_HASH = re.compile(r"[0-9a-f]{32}")
_OURS = {
    "sets": re.compile(r"[\w.-]+-v\d+\.parquet"),
    "generated": re.compile(r"[a-z_]+-[0-9a-f]{16}\.parquet"),
    "text": re.compile(r"[0-9a-f]{32}-\d+\.parquet"),
    "tables": _HASH,
    "encoded": _HASH,
    "encoders": re.compile(r"[a-z0-9_]+-v\d+"),
    "embeddings": _HASH,
}
"""What entries of each part are called."""


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
        with files.new_folder(final) as work:
            yield work
    except NameTaken:
        return  # another writer was first, with the same content
    except OSError as error:
        raise unwritable(final.parent, error) from error


@contextmanager
def new_file(final: Path) -> Iterator[Path]:
    """A fresh file that replaces `final` when the block ends well.

    Raises:
        DataError: the cache cannot be written.
    """
    try:
        with files.new_file(final, durable=False) as work:
            yield work
    except OSError as error:
        raise unwritable(final.parent, error) from error


def unwritable(folder: Path, error: OSError) -> DataError:
    """The complaint about a cache that is full or read-only."""
    return DataError(
        f"cache {folder}: expected a folder that can be written, got {error.strerror or error}. "
        f"Free some space, or set {ENVIRONMENT} to another folder"
    )


def used(entry: Path) -> None:
    """Note that an entry was used now, so that it is not the first to make room."""
    with contextlib.suppress(OSError):
        os.utime(entry)


def make_room(folder: Path) -> None:
    """Delete what was not used for longest, beyond `KEEP_BYTES`. Files that are open stay readable (POSIX)."""
    sizes: list[tuple[float, int, Path]] = []
    for entry in entries(folder):
        with contextlib.suppress(OSError):
            since = entry.stat().st_mtime
            if not entry.name.startswith(files.PREFIX) or time.time() - since > 86400:
                sizes.append((since, size(entry), entry))
    total = sum(held for _, held, _ in sizes)
    for _, held, entry in sorted(sizes):
        if total <= KEEP_BYTES:
            return
        delete(entry)
        total -= held


def entries(folder: Path) -> list[Path]:
    """What a part of the cache holds: entries with the names that they are given here, and no links.

    Anything else is somebody's own: the cache may be set to a folder that has other uses.
    """
    if not folder.is_dir() or folder.is_symlink():
        return []
    names = _OURS.get(folder.name, _HASH)
    unfinished = re.compile(re.escape(files.PREFIX) + r"\w+" + re.escape(files.SUFFIX))
    return [
        entry
        for entry in folder.iterdir()
        if not entry.is_symlink() and (names.fullmatch(entry.name) or unfinished.fullmatch(entry.name))
    ]


def size(entry: Path) -> int:
    """Bytes of a file, or of the files in a folder."""
    return sum(f.lstat().st_size for f in (entry.rglob("*") if entry.is_dir() else [entry]))


def delete(entry: Path) -> None:
    """Delete a file or a folder, as far as this is allowed; a link, and what it leads to, stay."""
    if entry.is_symlink():
        return
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            entry.unlink()


def sha256(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
