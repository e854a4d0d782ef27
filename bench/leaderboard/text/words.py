"""Words as people read them: `3 seeds`, a name on one line. No markup: that is the formats' part."""

from __future__ import annotations

from collections.abc import Iterable

from bench import printed

clean = printed.clean  # names on boards are one line each


def plural(n: int, noun: str, *, count: bool = True) -> str:
    """`1 seed`, `3 seeds`, `2 studies`; without the number if `count` is false."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    word = noun if n == 1 else many
    return f"{n:,} {word}" if count else word


def both(n: int) -> str:
    """The verb after n things: `is` or `are`."""
    return "is" if n == 1 else "are"


def opponent(baseline: str) -> str:
    """What sentences call the row that the others are held against: `doing nothing`, or its label."""
    return "doing nothing" if baseline.partition(" ")[0] == "none" else baseline


def list_of(items: Iterable[object]) -> str:
    """Comma-separated."""
    return ", ".join(map(str, items))


def short(text: str, limit: int = 200) -> str:
    """The first line that says something, cleaned, at most `limit` characters."""
    line = next((line for line in (clean(part).strip() for part in text.splitlines()) if line), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
