"""Complaints about data that their owner can act on, and the words in which names are suggested."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from bench.data.options import NAMES, option
from bench.errors import Complaint


class DataError(Complaint, ValueError):
    """A complaint about data that its owner can act on: what, expected, got, remedy."""


def suggest(word: str, known: Iterable[str], key: str = "") -> str:
    """'Did you mean …? ' where one of the known names is close, else ''.

    `key`: the option under `data` that the word was given to, as one name or in a list. A word that is part of a name
    with commas was cut out of it by the command line; then how to quote that name is said.
    """
    names = list(known)
    whole = next((n for n in names if "," in n and word.strip() in (part.strip() for part in n.split(","))), None)
    if key and whole is not None:
        value = whole if key in NAMES else [whole]
        return f"Did you mean {whole!r}? With its comma it is written {option(key, value)}. "
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1)
    return f"Did you mean {lowered[close[0]]!r}? " if close else ""


def listing(names: Iterable[str], most: int = 30) -> str:
    """Names for a message, cut short when there are very many."""
    every = list(names)
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")
