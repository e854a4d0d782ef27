"""What may be printed of a text from elsewhere: no escape sequences, no passwords. Imports nothing of ours."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK: Final = "\t\n\r\x0b\x0c\x85\u2028\u2029"
_PASSWORD: Final = re.compile(r"(\w[\w+.-]*://[^\s:/@'\"]*):[^\s/@'\"]+@")
_IN_QUERY: Final = re.compile(r"([?&]\w*(?:password|passwd|pwd|secret|token)=)[^&\s'\"]+", re.IGNORECASE)


def clean(text: str, *, keep: str = "") -> str:
    """Without what moves a cursor, reverses the reading direction or cannot be encoded; line breaks become spaces.

    `keep`: characters that stay as they are, such as line breaks.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c
        if c in keep
        else " "
        if c in _BLANK
        else "\ufffd"
        if unicodedata.category(c) in ("Cc", "Cs") or c in _BIDI
        else c
        for c in text
    )


def masked(text: str) -> str:
    """A text in which addresses keep their user and lose their password: `postgresql://me:***@host`."""
    return _IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))
