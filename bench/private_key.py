"""Seals on what was computed and kept: a cache is believed only where this user wrote it.

Results folders are passed around, and what lies in them may come from anybody. Records prove themselves, predictions
have their hash in the record; a cache has neither, so it carries a code that only the holder of a key on this machine
can make (HMAC, RFC 2104). Without a valid one it is computed again. Imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

_BYTES: Final = 32


def sealed(content: bytes) -> bytes:
    """The content behind its seal."""
    return _seal(content) + content


def unsealed(stored: bytes) -> bytes | None:
    """The content, where the seal is of this user; else None."""
    seal, content = stored[:_BYTES], stored[_BYTES:]
    return content if hmac.compare_digest(seal, _seal(content)) else None


def _seal(content: bytes) -> bytes:
    return hmac.new(_key(), content, hashlib.sha256).digest()


@lru_cache(maxsize=1)
def _key() -> bytes:
    """This user's key, made at first use; one for this process alone where it can be kept nowhere."""
    home = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "imbench"
    path = home / "key"
    fresh = secrets.token_bytes(_BYTES)
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(fresh)
        kept = path.read_bytes()
        if len(kept) == _BYTES:
            return kept
    return fresh
