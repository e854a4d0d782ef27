"""Numbers and words as people read them: `.923 ± .012`, `+.031`, `3 seeds`. No markup: that is the formats' part."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence

from bench.leaderboard.statistics.seeds import Interval

ABSENT = "–"


def number(value: float | None, decimals: int | None = None) -> str:
    """A value without its leading zero, minus as −; by default three digits after the point, fewer for large ones."""
    if value is None:
        return ABSENT
    if decimals is None:
        size = abs(value)
        decimals = 3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0
    text = f"{abs(value):,.{decimals}f}"
    text = text[1:] if text.startswith("0.") else text
    negative = value < 0 and any(digit not in "0.," for digit in text)
    return f"−{text}" if negative else text


def signed(value: float | None, decimals: int) -> str:
    """Like `number`, with a + before what is above zero."""
    text = number(value, decimals)
    return f"+{text}" if value is not None and value > 0 and any(d not in "0.," for d in text) else text


def decimals_for(intervals: Sequence[Interval]) -> int:
    """Digits after the point for a column, by its typical half width: 2 from .1, 3 from .0025, else 4."""
    halves = sorted(h for i in intervals if (h := i.half))
    if not halves:
        return 3
    typical = halves[len(halves) // 2]
    return 2 if typical >= 0.1 else 3 if typical >= 0.0025 else 4


def with_interval(interval: Interval | None, decimals: int, *, sign: bool = False) -> str:
    """`.923 ± .012`; the mean alone where there is no interval."""
    if interval is None:
        return ABSENT
    mean = signed(interval.mean, decimals) if sign else number(interval.mean, decimals)
    return mean if interval.half is None else f"{mean} ± {number(interval.half, decimals)}"


def half_width(value: float) -> str:
    """A positive size with two significant digits: `.012`, `1.3`, `25`."""
    return number(value, min(6, max(0, 1 - math.floor(math.log10(value)))) if value > 0 else 0)


def plural(n: int, noun: str, *, count: bool = True) -> str:
    """`1 seed`, `3 seeds`; without the number if `count` is false."""
    word = noun if n == 1 else f"{noun}s"
    return f"{n:,} {word}" if count else word


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
