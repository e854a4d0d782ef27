"""Words as people read them: `3 seeds`, a name on one line. No markup: that is the formats' part."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def plural(n: int, noun: str, *, count: bool = True) -> str:
    """`1 seed`, `3 seeds`; without the number if `count` is false."""
    word = noun if n == 1 else f"{noun}s"
    return f"{n:,} {word}" if count else word


def both(n: int) -> str:
    """The verb after n things: `is` or `are`."""
    return "is" if n == 1 else "are"


def list_of(items: Iterable[object]) -> str:
    """Comma-separated."""
    return ", ".join(map(str, items))


def short(text: str, limit: int = 200) -> str:
    """The first line that says something, cleaned, at most `limit` characters."""
    line = next((line for line in (clean(part).strip() for part in text.splitlines()) if line), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clean(text: str) -> str:
    """Without what moves a cursor, reverses the reading direction or cannot be encoded; line breaks become spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " "
        if c in "\t\n\r\x0b\x0c\x85\u2028\u2029"
        else "\ufffd"
        if unicodedata.category(c) in ("Cc", "Cs") or c in _BIDI
        else c
        for c in text
    )


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
