"""Verbs that take no arguments say so."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import Complaint


def no_arguments(verb: str, arguments: Sequence[str]) -> None:
    """Refuse arguments.

    Raises:
        Complaint: there are some.
    """
    if arguments:
        raise Complaint(f"{verb}: expected nothing more, got {' '.join(arguments)!r}; leave it out")
