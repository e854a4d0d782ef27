"""All of a command counts or is refused: a key that a verb does not read is named, instead of being left aside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bench.cli.keys import groups
from bench.cli.verb import Outline
from bench.errors import Complaint

_OVERRIDE: Final = re.compile(r"[+~]{0,2}(?P<key>[\w.]+)(@[\w.]+)?(=.*|$)", re.DOTALL)
_ANYWHERE: Final = ("hydra", "debug")  # debug: tracebacks
_ALONE: Final = ("results", "seed", "split", "tuned", "run", "board", "need", "budget")


def refuse_unread(verb: Outline, words: Sequence[str]) -> None:
    """Look at the overrides of a command.

    Raises:
        Complaint: one of them sets what this verb does not read. Keys that nothing reads are left to who composes.
    """
    if not verb.keys:
        return
    reads = (*verb.keys, *verb.accepts, *_ANYWHERE)
    for word in words:
        match = _OVERRIDE.fullmatch(word)
        if match is None or ("=" not in word and not word.startswith("~")):
            continue
        key = match["key"]
        section = key.partition(".")[0]
        if section not in (*groups(), *_ALONE) or any(key == k or key.startswith(f"{k}.") for k in reads):
            continue
        known = [k for k in verb.keys if k.startswith(f"{section}.")] or [*verb.keys]
        raise Complaint(
            f"{key}: imbench {verb.name} does not read it, so it would count for nothing; leave it out. "
            f"It reads {', '.join(known)}"
        )
