"""Complaints about data that their owner can act on, and the words in which names are suggested."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from bench.errors import Complaint


class DataError(Complaint, ValueError):
    """A complaint about data that its owner can act on: what, expected, got, remedy."""


def suggest(word: str, known: Iterable[str]) -> str:
    """'Did you mean …? ' where one of the known names is close, else ''."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1)
    return f"Did you mean {lowered[close[0]]!r}? " if close else ""


def listing(names: Iterable[str], most: int = 30) -> str:
    """Names for a message, cut short when there are very many."""
    every = list(names)
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")
